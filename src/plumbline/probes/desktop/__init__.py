"""Desktops: which are installed, and what their settings are for users who have set nothing themselves."""

from plumbline.probes.desktop.observed import Desktop, desktop_probe
from plumbline.probes.desktop.setting import Key

__all__ = ["Desktop", "Key", "desktop_probe"]

"""Bringing Linux hosts to the standard with pyinfra: plan, carry out, tell what changed."""

from plumbline.apply.client import apply_hosts
from plumbline.apply.results import ApplyReport, HostResult

__all__ = ["ApplyReport", "HostResult", "apply_hosts"]

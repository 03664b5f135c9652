"""What the sessions' deploy writes for desktops and xrdp is what their programs read."""

from __future__ import annotations

from deploys.mechanisms.xfconf import DIRECTORY, render
from deploys.session import limited
from plumbline.probes.desktop import xfce

SESMAN = (
    "[Globals]\nIdleTimeLimit=1\n\n[Sessions]\nMaxSessions=50\n;; text\nIdleTimeLimit=0\n[Logging]\nX=1\n"
)


def test_limit_of_xrdp_is_set_in_its_section_once() -> None:
    text = limited(SESMAN, 600)
    assert text.splitlines() == [
        "[Globals]",
        "",
        "[Sessions]",
        "IdleTimeLimit=600",
        "MaxSessions=50",
        ";; text",
        "[Logging]",
        "X=1",
    ]
    assert limited(text, 600) == text


def test_limit_of_xrdp_without_its_section() -> None:
    assert limited("[Globals]\nX=1\n", 300) == "[Globals]\nX=1\n[Sessions]\nIdleTimeLimit=300\n"


def test_channel_is_read_back_locked() -> None:
    text = render("xfce4-screensaver", {"/saver/idle-activation/delay": 10, "/lock/enabled": True})
    lines = [(f"{DIRECTORY}/xfce4-screensaver.xml", n, line) for n, line in enumerate(text.splitlines(), 1)]
    channel = xfce.read(lines, "xfce4-screensaver")
    assert channel.locked
    assert {path: value for path, (value, _) in channel.values.items()} == {
        "/saver/idle-activation/delay": "10",
        "/lock/enabled": "true",
    }

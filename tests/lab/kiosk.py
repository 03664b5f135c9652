"""A lab host declared as a station with an operator visualisation: X on no screen, and xev in it."""

from __future__ import annotations

from declaring import declare

from plumbline.lab import Lab

PACKAGES = (
    "x11-utils",
    "xauth",
    "xdotool",
    "xinit",
    "xrdp",
    "xserver-xorg-core",
    "xserver-xorg-input-libinput",
    "xserver-xorg-video-dummy",
)
"""What the image has: the kiosk's packages, what presses keys and looks at windows, and a terminal server."""

USER, APPLICATION = "hmi", "/usr/bin/xev"
KIOSK = {"user": USER, "command": f"{APPLICATION} -geometry 600x400"}
UNIT = "plumbline-kiosk.service"

# A container has no virtual terminals and no graphics card; all else is as delivered.
LAB_FILES = {
    f"/usr/lib/systemd/system/{UNIT}.d/50-lab.conf": (
        "[Service]\nStandardInput=null\nTTYPath=\nTTYReset=no\nTTYVHangup=no\nTTYVTDisallocate=no\n"
        "UtmpIdentifier=\n"
    ),
    "/usr/share/X11/xorg.conf.d/50-lab.conf": (
        'Section "Device"\n    Identifier "none"\n    Driver "dummy"\nEndSection\n'
    ),
}


def prepare(lab: Lab, host: str) -> None:
    """Declare the kiosk, and give the host what a container needs beside."""
    declare(lab, host, profile="hmi-client", kiosk=KIOSK)
    for path, text in LAB_FILES.items():
        lab.run(host, f"mkdir -p $(dirname {path}); cat >{path}", input=text)
    lab.run(host, "systemctl daemon-reload")


def wait_for_application(lab: Lab, host: str, other_than: str = "") -> str:
    """Wait until the application shows its window, as another process than one before; return its id."""
    shown = (
        "export DISPLAY=:0 XAUTHORITY=/run/plumbline-kiosk/authority; n=0; "
        "until p=$(pgrep -x xev) && "
        f'[ "$p" != "{other_than}" ] && xdotool search --onlyvisible --name "Event Tester" >/dev/null 2>&1; '
        "do n=$((n+1)); [ $n -lt 300 ] || exit 7; sleep 0.05; done; echo $p"
    )
    return lab.run(host, shown).stdout.strip()

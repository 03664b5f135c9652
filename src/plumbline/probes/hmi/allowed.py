"""Which programs belong to the declared application and to what shows its windows."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from plumbline.spec.kiosk import Kiosk

if TYPE_CHECKING:
    from plumbline.probes.hmi.session import Process

FRAME = (
    "systemd",
    "systemd-executor",
    "xinit",
    "startx",
    "X",
    "Xorg",
    "Xorg.wrap",
    "cage",
    "gnome-kiosk",
    "dbus-daemon",
    "dbus-broker",
    "dbus-broker-launch",
    "dbus-launch",
    "dbus-run-session",
    "at-spi-bus-launcher",
    "at-spi2-registryd",
    "dconf-service",
    "unclutter",
    "unclutter-xfixes",
    "pipewire",
    "pipewire-pulse",
    "wireplumber",
    "pulseaudio",
    "matchbox-window-manager",
)
"""Programs that carry a session and offer an operator nothing of their own."""

_SHARED = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/games", "/")


def _merged(path: str) -> str:
    """Return a path as it is where /bin is /usr/bin."""
    for short in ("/bin/", "/sbin/", "/lib/"):
        if path.startswith(short):
            return f"/usr{path}"
    return path


def _paths(kiosk: Kiosk) -> list[str]:
    return [_merged(word) for word in kiosk.words if word.startswith("/")] + [
        _merged(path) for path in kiosk.programs
    ]


def _own_directories(kiosk: Kiosk) -> list[str]:
    """Return directories that are the application's: where its program lies, and what bears its name."""
    program = _merged(kiosk.words[0])
    folder, name = posixpath.split(program)
    found = [path for path in _paths(kiosk) if path.endswith("/")]
    if folder not in _SHARED:
        found.append(f"{folder}/")
    if folder.startswith("/opt/"):
        found.append("/".join(folder.split("/")[:3]) + "/")
    return [*found, *(f"/usr/{place}/{name}/" for place in ("lib", "libexec", "share"))]


def is_application(process: Process, kiosk: Kiosk) -> bool:
    """Say whether a process is the declared application: its program, or a script of it that is run."""
    program = _merged(process.program.removesuffix(" (deleted)"))
    run = [program, *(_merged(script) for script in process.scripts)]
    if _merged(kiosk.words[0]) in run:
        return True
    return any(path.startswith(directory) for path in run for directory in _own_directories(kiosk))


def is_allowed(process: Process, kiosk: Kiosk) -> bool:
    """Say whether a process may run in the operator's session: the application, or what carries it."""
    if is_application(process, kiosk):
        return True
    program = _merged(process.program.removesuffix(" (deleted)"))
    if program in _paths(kiosk) or any(_merged(script) in _paths(kiosk) for script in process.scripts):
        return True
    return program.startswith("/usr/") and posixpath.basename(program) in FRAME


def hides_its_name(kiosk: Kiosk) -> bool:
    """Say whether the declared program is one that starts another in its place, as links and wrappers do."""
    return posixpath.dirname(_merged(kiosk.words[0])) in _SHARED

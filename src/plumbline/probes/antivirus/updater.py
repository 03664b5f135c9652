"""Where ClamAV's updater takes signatures from, and where it puts them (freshclam.conf(5))."""

from __future__ import annotations

from plumbline.probes.antivirus.signatures import CLAMAV_SIGNATURES
from plumbline.probes.base import Probe
from plumbline.probes.systemd import Line, lines

UPDATER = "clamav-freshclam"
_FILE = "/etc/clamav/freshclam.conf"
_OPTIONS = "PrivateMirror|DatabaseMirror|DatabaseCustomURL|DatabaseDirectory|HTTPProxyServer"

SOURCES = Probe(
    # A proxy's password has an option of its own, which is not printed.
    "antivirus.updater",
    f"[ ! -f {_FILE} ] || grep -HniE '^[[:space:]]*({_OPTIONS})[[:space:]]' {_FILE} /dev/null || "
    "[ $? -eq 1 ]",
    lines,
)


def elsewhere(found: list[Line], mirror: str) -> list[str]:
    """Return what makes the updater take signatures from elsewhere than the mirror, or put them elsewhere.

    Where a private mirror is named, the public ones are not asked; without either, ClamAV's own are.
    """
    options = [(*_option(line), line) for line in found]
    private = [line for name, _, line in options if name == "privatemirror"]
    own = mirror.rstrip("/")
    told = [] if private else [f"no PrivateMirror in {_FILE}"]
    for name, value, line in options:
        address = value.rstrip("/")
        if (
            (name == "privatemirror" and address not in (own, own.partition("://")[2]))
            or (name == "databasemirror" and not private)
            or (name == "databasecustomurl" and not value.startswith(f"{own}/"))
            or (name == "databasedirectory" and address != CLAMAV_SIGNATURES)
            or name == "httpproxyserver"
        ):
            told.append(str(line))
    return told


def _option(line: Line) -> tuple[str, str]:
    name, _, value = line.text.strip().replace("\t", " ").partition(" ")
    return name.lower(), value.strip().strip('"')

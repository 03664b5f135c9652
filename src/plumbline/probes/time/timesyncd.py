"""systemd-timesyncd: the servers it asks, and those it is configured with."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from plumbline.probes.base import Probe
from plumbline.probes.systemd import Unit
from plumbline.probes.time.marked import Marked, assignments, marked
from plumbline.probes.time.services import Processes
from plumbline.verify.seen import Reading
from plumbline.verify.unknown import Unknown

SERVICE = "systemd-timesyncd.service"
BUILT_IN = "the fallback servers built into systemd-timesyncd"
_PROGRAMS = {"/usr/lib/systemd/systemd-timesyncd", "/lib/systemd/systemd-timesyncd"}

TIMESYNCD = Probe(
    "time.timesyncd",
    "[ -x /usr/lib/systemd/systemd-timesyncd ] || exit 0; "
    "b=$(systemd-analyze cat-config systemd/timesyncd.conf) || exit 9; "
    "printf '%s\\n' \"$b\" | sed 's/^/boot:/'; "
    "if systemctl -q is-active systemd-timesyncd; then "
    "n=$(TZ=UTC timedatectl show-timesync) || exit 9; printf '%s\\n' \"$n\" | sed 's/^/now:/'; fi; "
    "for f in /etc/systemd/network/*.network /etc/systemd/network/*.network.d/*.conf "
    "/usr/lib/systemd/network/*.network; do "
    '[ ! -f "$f" ] || sed -n \'s/^[[:space:]]*NTP[[:space:]]*=/link:/p\' "$f"; done',
    marked,
)


def asked_now(printed: Marked) -> list[str]:
    """Return the servers it asks now; Unknown if it told nothing."""
    told = dict(assignments(line for mark, line in printed if mark == "now"))
    if not told:
        raise Unknown("systemd-timesyncd runs but does not answer, so its servers are not known")
    # Those of an interface, of NTP= and set at run time are all asked; fallbacks only where there are none.
    asked = [
        name
        for key in ("LinkNTPServers", "RuntimeNTPServers", "SystemNTPServers")
        for name in told.get(key, "").split()
    ]
    return _plain(asked or told.get("FallbackNTPServers", "").split())


def silent(printed: Marked) -> list[str]:
    """Return the server it asks now, where that has not answered."""
    told = _told(printed)
    if _message(told):
        return []
    return [f"{told.get('ServerName') or 'every server'}: no answer".lower()]


def selected(printed: Marked) -> list[str]:
    """Return the server it follows."""
    told = _told(printed)
    return _plain([told["ServerName"]]) if _message(told) and told.get("ServerName") else []


def offsets(printed: Marked) -> list[Reading]:
    """Return how far the clock was off when the server last answered, from the message's four times."""
    message = _message(_told(printed))
    if not message:
        raise Unknown("no source has answered, so nothing says how far the clock is off")
    origin, received, sent, arrived = (
        _moment(message.get(f"{name}Timestamp", ""))
        for name in ("Originate", "Receive", "Transmit", "Destination")
    )
    off = ((received - origin) + (sent - arrived)) / 2
    return [Reading("away from the server", round(abs(off) * 1000), "timedatectl show-timesync")]


def stratum(printed: Marked) -> Reading:
    """Return the host's own stratum, one more than the server's; 16 stands for not synchronised."""
    told = _message(_told(printed)).get("Stratum")
    return Reading("stratum", int(told) + 1 if told else 16, "timedatectl show-timesync")


def leap(printed: Marked) -> str:
    """Return the leap status in chronyc's words."""
    told = _message(_told(printed)).get("Leap", "3")
    return {"0": "Normal", "1": "Insert second", "2": "Delete second"}.get(told, "Not synchronised")


def _told(printed: Marked) -> dict[str, str]:
    return dict(assignments(line for mark, line in printed if mark == "now"))


def _message(told: dict[str, str]) -> dict[str, str]:
    """Return the fields of the last answer: `{ Leap=0, Version=4, Stratum=2, OriginateTimestamp=…, … }`."""
    return dict(re.findall(r"(\w+)=(.*?)(?:, (?=\w+=)| }|$)", told.get("NTPMessage", "").removeprefix("{ ")))


def _moment(text: str) -> float:
    """Read a time stamp of systemd's, `Sun 2026-11-22 14:07:54.123456 UTC`."""
    found = re.fullmatch(r"\w+ (\S+ \S+) UTC", text)
    if found is None:
        raise Unknown("a time stamp of systemd-timesyncd is not in UTC: {said}", said=text[:60])
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp()


def configured(printed: Marked) -> list[str]:
    """Return the servers of its configuration, and of the interfaces'."""
    settings: dict[str, list[str] | None] = {"NTP": [], "FallbackNTP": None}
    for key, value in assignments(line for mark, line in printed if mark == "boot"):
        if key in settings:
            # An empty assignment empties the list (timesyncd.conf(5)).
            settings[key] = [*(settings[key] or []), *value.split()] if value else []
    asked = [name for mark, line in printed if mark == "link" for name in line.split()]
    asked += settings["NTP"] or []
    if asked:
        return _plain(asked)
    fallback = settings["FallbackNTP"]
    return [BUILT_IN] if fallback is None else _plain(fallback)


def unusual_at_boot(unit: Unit, printed: Marked, processes: Processes) -> list[str]:  # noqa: ARG001  (as chrony's)
    """Return what systemd-timesyncd.service starts instead."""
    return [
        f"ExecStart={command}"
        for command in unit.commands("ExecStart")
        if command.path not in _PROGRAMS or command.words[1:]
    ]


def _plain(names: list[str]) -> list[str]:
    return [name.lower().rstrip(".") for name in names]

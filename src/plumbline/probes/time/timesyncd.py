"""systemd-timesyncd: the servers it asks, and those it is configured with."""

from __future__ import annotations

from plumbline.probes.base import Probe
from plumbline.probes.systemd import Unit
from plumbline.probes.time.marked import Marked, assignments, marked
from plumbline.probes.time.services import Processes
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
    "n=$(timedatectl show-timesync) || exit 9; printf '%s\\n' \"$n\" | sed 's/^/now:/'; fi; "
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

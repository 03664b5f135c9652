"""How right the clock is by what its service measured: which sources answer, the offset, the stratum."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import ParseError, Probe
from plumbline.probes.time.marked import Marked, marked
from plumbline.verify.seen import Reading
from plumbline.verify.unknown import Unknown

SETTLES = 20
"""Seconds a service that has just started may take until it has chosen a source."""

_SOCKET = "/run/chrony/chronyd.sock"
_KEEPERS = "chronyd|ntpd|ntp-daemon|ptp4l|timemaster"
"""Programs that may serve time; systemd-timesyncd cannot, though it asks from a port that looks open."""

MEASURED = Probe(
    # chronyc at its socket only, as in time.chrony_now. Listening are all ports of such programs, and those
    # of NTP, PTP and NTS, whoever has them. No key is printed: `authdata` knows their numbers and lengths.
    "time.measured",
    f"if [ -S {_SOCKET} ] && pidof chronyd >/dev/null; then "
    "for r in tracking sources authdata; do a=; [ $r = tracking ] || a=-a; "
    f'o=$(chronyc -h {_SOCKET} -c -N $r $a) || exit 9; printf \'%s\\n\' "$o" | sed "s/^/$r:/"; done; fi; '
    "ps -C chronyd,systemd-timesyn -o comm=,etimes= | sed 's/^/age:/'; "
    "l=$(ss -HlnutpO) || exit 9; printf '%s\\n' \"$l\" | "
    f'awk \'/"({_KEEPERS})"/ || $5 ~ /:(123|319|320|4460)$/ {{ print "listening:" $0 }}\'; '
    "f=$(chronyd -p 2>/dev/null | sed -n 's/^[[:space:]]*keyfile[[:space:]]*//p' | tail -n 1); "
    '[ -z "$f" ] || [ ! -e "$f" ] || stat -L -c "keys:%a %U %G %n" "$f"; '
    "! command -v vmware-toolbox-cmd >/dev/null || "
    "vmware-toolbox-cmd timesync status 2>&1 | sed 's/^/vmware:/'",
    marked,
)


@dataclass(frozen=True)
class Source:
    """A source of chronyd: what it is to it, whether it answered of late, and how far its clock is away."""

    name: str
    state: str
    reach: int
    offset: float

    @property
    def is_selected(self) -> bool:
        """Whether the clock follows it; those combined with the selected one are not told apart from it."""
        return self.state in {"*", "+"}


@dataclass(frozen=True)
class Tracking:
    """What chronyd says of the clock: the source's stratum and its own, seconds off, and the leap status."""

    stratum: int
    offset: float
    leap: str


def sources(printed: Marked) -> list[Source]:
    """Read `chronyc -c sources`: mode, state, name, stratum, poll, reach, age, offset, and two more."""
    found = []
    for line in _of(printed, "sources"):
        fields = line.split(",")
        if len(fields) != 10:
            raise ParseError(f"chronyc printed {line[:80]!r}")
        found.append(Source(_plain(fields[2]), fields[1], int(fields[5], 8), float(fields[7])))
    return found


def tracking(printed: Marked) -> Tracking | None:
    """Read `chronyc -c tracking`; None where no chronyd answers."""
    told = _of(printed, "tracking")
    if not told:
        return None
    fields = told[0].split(",")
    if len(fields) != 14:
        raise ParseError(f"chronyc printed {told[0][:80]!r}")
    return Tracking(int(fields[2]), float(fields[4]), fields[13])


_ALGORITHMS = {3: "SHA256", 4: "SHA384", 5: "SHA512", 13: "AES128", 14: "AES256"}
"""Numbers by which `chronyc -c authdata` names the algorithms of keys; weaker ones are told by number."""


def authentication(printed: Marked) -> dict[str, str]:
    """Return how each source is authenticated now: `nts`, `key 7 SHA256`, or `none`."""
    found = {}
    for line in _of(printed, "authdata"):
        fields = line.split(",")
        if len(fields) != 10:
            raise ParseError(f"chronyc printed {line[:80]!r}")
        name, mode, key, kind = fields[:4]
        known = {"-": "none", "NTS": "nts", "SK": f"key {key} {_ALGORITHMS.get(int(kind), f'type {kind}')}"}
        if mode not in known:
            raise ParseError(f"chronyc knows a way to authenticate that is not known here: {mode[:20]!r}")
        found[_plain(name)] = known[mode]
    return found


def is_settled(printed: Marked) -> bool:
    """Whether the time service has run long enough to have chosen a source."""
    ages = [int(line.split()[1]) for line in _of(printed, "age")]
    return not ages or max(ages) >= SETTLES


def listening(printed: Marked) -> list[str]:
    """Return where time is served: addresses, ports and programs; loopback is nobody else."""
    found = []
    for line in _of(printed, "listening"):
        fields = line.split()
        if len(fields) < 6:
            raise ParseError(f"ss printed {line[:80]!r}")
        address = fields[4].rpartition(":")[0].strip("[]").partition("%")[0]
        program = re.search(r'"([^"]+)"', line)
        if not re.fullmatch(r"127\..*|::1|::ffff:127\..*", address):
            found.append(f"{fields[0]} {fields[4]} ({program[1] if program else 'the kernel'})")
    return found


def open_keys(printed: Marked) -> list[str]:
    """Return the file of keys, where others than root and chrony's group read it, or others change it."""
    found = []
    for line in _of(printed, "keys"):
        mode, owner, group, path = line.split(" ", 3)
        others = int(mode, 8) & 0o027
        if others or owner not in {"root", "_chrony"} or (int(mode, 8) & 0o040 and group not in _GROUPS):
            found.append(f"{path} ({mode.zfill(4)} {owner}:{group})")
    return found


_GROUPS = {"root", "_chrony"}


def hypervisor(printed: Marked) -> list[str]:
    """Return tools of the hypervisor that set the clock."""
    return [f"vmware-toolbox-cmd timesync: {line}" for line in _of(printed, "vmware") if _is_on(line)]


def _is_on(line: str) -> bool:
    word = line.strip().lower()
    if word not in {"enabled", "disabled"}:
        raise Unknown("vmware-toolbox-cmd does not say whether it sets the clock: {said}", said=word[:80])
    return word == "enabled"


def milliseconds(name: str, seconds: float, where: str) -> Reading:
    """Return how far a clock is away, in whole milliseconds, without its sign."""
    return Reading(name, round(abs(seconds) * 1000), where)


def _of(printed: Marked, mark: str) -> list[str]:
    return [line for found, line in printed if found == mark and line]


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


__all__ = [
    "MEASURED",
    "SETTLES",
    "Source",
    "Tracking",
    "authentication",
    "hypervisor",
    "is_settled",
    "listening",
    "marked",
    "milliseconds",
    "open_keys",
    "sources",
    "tracking",
]

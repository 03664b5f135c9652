"""The packet filter: what is loaded now, what will be loaded at boot, and what both let in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from plumbline.probes.base import Output, Probe
from plumbline.probes.connections import RUNNING, SEEN
from plumbline.probes.firewall.beside import BESIDE
from plumbline.probes.firewall.evaluate import Packet, drops_by_default, forwarded, inbound
from plumbline.probes.firewall.flows import ADDRESS_MAX, ICMP_TYPES, SPACES, Box, everything, less, of_network
from plumbline.probes.firewall.loaders import DETOURS
from plumbline.probes.firewall.loading import (
    BOOT_FILE,
    SERVICE,
    UNITS,
    obstacles,
    other_loaders,
    other_services,
    others_against,
)
from plumbline.probes.firewall.questions import State
from plumbline.probes.firewall.ruleset import Ruleset, Statement, parse_ruleset
from plumbline.probes.subject import Subject
from plumbline.probes.systemd import CONDITIONS, ON_DISK, SCRIPT_LINES, UNIT_LINES, Line
from plumbline.verify.unknown import Unknown

__all__ = [
    "CONDITIONS",
    "DETOURS",
    "ON_DISK",
    "RUNNING",
    "SCRIPT_LINES",
    "SEEN",
    "UNITS",
    "UNIT_LINES",
    "Firewall",
]

ABSENT = "no nft"
"""Printed instead of a ruleset where nft is not installed: then there is no filter, which is an answer."""

REFUSED = "does not load"
"""Printed, with what nft says, instead of a ruleset if nft does not take the boot file."""

_FOR_REASONS_OF_THE_PROBE = (
    "Interface does not exist",
    "Operation not permitted",
    "Cannot allocate memory",
    "Device or resource busy",
    "Resource temporarily unavailable",
    "No buffer space available",
)


@dataclass(frozen=True)
class AtBoot:
    """What the boot file loads: rules (None without nft), or nothing because nft refuses it, and why."""

    ruleset: Ruleset | None
    refused: str = ""


def _ruleset(output: Output) -> Ruleset | None:
    return None if output.text.strip() == ABSENT else parse_ruleset(output.text)


def _at_boot(output: Output) -> AtBoot:
    """Read the rules the boot file loads; Unknown if it may load at boot but could not here."""
    if not output.text.startswith(f"{REFUSED}\n"):
        return AtBoot(_ruleset(output))
    said = [line for line in output.text.splitlines()[1:] if line.strip()]
    why = next((line for line in said if "Error:" in line), said[0] if said else "")
    # An interface of the host is not in the probe's namespace, where rules by its index cannot be loaded.
    needs_device = "No such file or directory" in why and any("flowtable" in line for line in said)
    if not why or needs_device or any(reason in why for reason in _FOR_REASONS_OF_THE_PROBE):
        raise Unknown("whether {file} loads at boot cannot be said: {error}", file=BOOT_FILE, error=why)
    return AtBoot(Ruleset(), why)


NOW = Probe(
    "firewall.now",
    f"if command -v nft >/dev/null; then nft -j -p list ruleset; else echo '{ABSENT}'; fi",
    _ruleset,
)

BOOT = Probe(
    # The boot file is loaded into an empty network namespace of its own: that gives its meaning, includes and
    # all, without touching the host's filter. What it cannot read at boot is hidden from it: the unit has
    # ProtectHome, and the others are empty by then.
    "firewall.boot",
    f"command -v nft >/dev/null || {{ echo '{ABSENT}'; exit 0; }}; unshare -n -m sh -c '"
    "for d in /home /root /run /tmp /dev/shm; do [ ! -d $d ] || mount -t tmpfs none $d || exit 9; done; "
    f"nft list tables || exit 9; if [ ! -e {BOOT_FILE} ]; then echo {REFUSED}; echo Error: no {BOOT_FILE}; "
    f"elif e=$(nft -f {BOOT_FILE} 2>&1); then nft -j -p list ruleset; "
    f'else printf "{REFUSED}\n%s\n" "$e"; fi\'',
    _at_boot,
)

LEGACY = Probe(
    "firewall.legacy",
    "for f in /proc/net/ip_tables_names /proc/net/ip6_tables_names; do "
    'if [ -e "$f" ]; then sed "s|^|$f: |" "$f"; fi; done',
    lambda output: output.text.splitlines(),
)


LOOPBACK = IPv4Network("127.0.0.0/8")
NEVER_OUTSIDE = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")))
"""This network, loopback, multicast and beyond: no source of a packet from outside (RFC 6890)."""


@dataclass(frozen=True)
class Entrance:
    """Where ordinary packets come in: an interface and the host's address there; `own` are all it has."""

    interface: str
    address: IPv4Address
    own: tuple[IPv4Address, ...] = ()

    def impossible(self) -> list[Box]:
        """Return the flows whose source nobody outside can have; a rule against them shuts nobody out."""
        networks = [*NEVER_OUTSIDE, *(IPv4Network(address) for address in {self.address, *self.own})]
        return [of_network(protocol, network) for network in networks for protocol in SPACES]

    def inside(self) -> list[Box]:
        """Return the flows that loopback carries: from the host's own addresses to themselves."""
        networks = [LOOPBACK, *(IPv4Network(address) for address in {self.address, *self.own})]
        return [of_network(protocol, network) for network in networks for protocol in SPACES]


class Firewall(Subject):
    """The filter as IPv4 packets from outside meet it."""

    def openings_now(self) -> list[Box]:
        """Return the new connections that may come in now, at any interface."""
        return _openings(self.read(NOW))

    def openings_at_boot(self) -> list[Box]:
        """Return the new connections that the boot file may let in."""
        return _openings(self.read(BOOT).ruleset)

    def closed_now(self, entrance: Entrance, wanted: Iterable[Box]) -> list[Box]:
        """Return what of the wanted flows does not surely come in now."""
        return _closed(self.read(NOW), entrance, wanted)

    def closed_at_boot(self, entrance: Entrance, wanted: Iterable[Box]) -> list[Box]:
        """Return what of the wanted flows the boot file does not surely let in."""
        return _closed(self.read(BOOT).ruleset, entrance, wanted)

    def defaults_now(self) -> dict[str, str]:
        """Return what happens now to packets no rule speaks of, by hook: `drop` or `accept`."""
        return _defaults(self.read(NOW))

    def defaults_at_boot(self) -> dict[str, str]:
        """Return what will happen after boot to packets no rule speaks of, by hook."""
        return _defaults(self.read(BOOT).ruleset)

    def forwarded_now(self) -> list[Box]:
        """Return the flows that may be forwarded now."""
        return _forwarded(self.read(NOW))

    def forwarded_at_boot(self) -> list[Box]:
        """Return the flows that the boot file may let be forwarded."""
        return _forwarded(self.read(BOOT).ruleset)

    def shut_out_now(self, entrance: Entrance) -> list[str]:
        """Return which of loopback, replies and errors do not surely come in now."""
        return _shut_out(self.read(NOW), entrance)

    def shut_out_at_boot(self, entrance: Entrance) -> list[str]:
        """Return which of loopback, replies and errors the boot file does not surely let in."""
        return _shut_out(self.read(BOOT).ruleset, entrance)

    def rewriting_now(self) -> list[str]:
        """Return what changes where packets go or hides them from connection tracking, now."""
        return [*_rewriting(self.read(NOW)), *self.read(BESIDE).traffic]

    def rewriting_at_boot(self) -> list[str]:
        """Return such rules of the boot file."""
        return _rewriting(self.read(BOOT).ruleset)

    @property
    def legacy_tables(self) -> list[str]:
        """Tables of the old iptables, whose rules nft does not show."""
        return self.read(LEGACY)

    @property
    def boot_obstacles(self) -> list[str]:
        """What keeps the boot file from being loaded by nftables.service at the next boot."""
        units, on_disk = self.read(UNITS), self.read(ON_DISK)
        unit = units.get(SERVICE)
        if unit is None:
            raise Unknown("systemd told nothing of {unit}", unit=SERVICE)
        found = [*obstacles(unit, on_disk, self.read(CONDITIONS)), *others_against(units, on_disk)]
        if not found and unit["NeedDaemonReload"] == "yes":
            raise Unknown("files of {unit} were changed since systemd read them", unit=SERVICE)
        found += [f"something is mounted over {path}" for path in self.read(BESIDE).mounted]
        refused = self.read(BOOT).refused
        return [*found, *([refused] if refused else [])]

    @property
    def other_services(self) -> list[str]:
        """Other firewall services that run or will run, with their state; they load rules of their own."""
        return other_services(self.read(UNITS), self.read(ON_DISK))

    @property
    def other_loaders(self) -> list[Line]:
        """Lines of services, scripts and jobs that load rules of their own, or include what a boot writes."""
        found = other_loaders(
            self.read(UNIT_LINES), self.read(SCRIPT_LINES), self.read(DETOURS), self.read(ON_DISK)
        )
        return [*found, *self.read(BESIDE).volatile]


_UNSOLICITED: tuple[State, ...] = ("new", "invalid", "untracked")
"""States of packets that are no reply."""


def _openings(ruleset: Ruleset | None) -> list[Box]:
    """Return all flows that may come in without being a reply."""
    if ruleset is None:
        return everything()
    found: list[Box] = []
    for state in _UNSOLICITED:
        found += less(inbound(ruleset, Packet(state)), found)
    return found


def _forwarded(ruleset: Ruleset | None) -> list[Box]:
    """Return all flows that may be let through without being a reply; without them nothing is replied to."""
    if ruleset is None:
        return everything()
    found: list[Box] = []
    for state in _UNSOLICITED:
        found += less(forwarded(ruleset, Packet(state)), found)
    return found


def _closed(ruleset: Ruleset | None, entrance: Entrance, wanted: Iterable[Box]) -> list[Box]:
    packet = Packet("new", entrance.interface, "surely", int(entrance.address))
    return [] if ruleset is None else _kept_out(ruleset, packet, list(wanted))


def _kept_out(ruleset: Ruleset, packet: Packet, wanted: list[Box]) -> list[Box]:
    """Return what of the wanted flows does not come in; Unknown if the rules do not tell."""
    doubtful = less(wanted, inbound(ruleset, packet))
    if not doubtful:
        return []
    surely_not = less(wanted, inbound(ruleset, replace(packet, answer="may")))
    if not surely_not:
        raise Unknown("whether {flow} comes in cannot be said from the rules", flow=doubtful[0])
    return surely_not


def _defaults(ruleset: Ruleset | None) -> dict[str, str]:
    """A hook drops by default when one of its base chains does: a packet must pass them all."""
    if ruleset is None:
        return {"input": "accept", "forward": "accept"}
    return {hook: "drop" if drops_by_default(ruleset, hook) else "accept" for hook in ("input", "forward")}


_REPLIES = [
    Box("tcp", 0, ADDRESS_MAX, 32768, 60999),
    Box("udp", 0, ADDRESS_MAX, 32768, 60999),
    Box("icmp", 0, ADDRESS_MAX, ICMP_TYPES["echo-reply"], ICMP_TYPES["echo-reply"]),
]
"""Replies go to the ports the host's connections come from (ip_local_port_range, its default)."""

_ERRORS = [
    Box("icmp", 0, ADDRESS_MAX, ICMP_TYPES[name], ICMP_TYPES[name])
    for name in ("destination-unreachable", "time-exceeded", "parameter-problem")
]


def _shut_out(ruleset: Ruleset | None, entrance: Entrance) -> list[str]:
    if ruleset is None:
        return []
    address, impossible = int(entrance.address), entrance.impossible()
    replies, errors = less(_REPLIES, impossible), less(_ERRORS, impossible)
    asked = (
        ("loopback", Packet("new", "lo", "surely"), entrance.inside()),
        ("established", Packet("established", entrance.interface, "surely", address), replies),
        ("related", Packet("related", entrance.interface, "surely", address), errors),
    )
    return [f"{name}: {box}" for name, packet, wanted in asked for box in _kept_out(ruleset, packet, wanted)]


_REWRITES = {
    "dnat", "snat", "redirect", "masquerade", "tproxy", "notrack", "fwd", "dup", "flow", "ct helper",
    "ct expectation", "synproxy",
}  # fmt: skip
"""Statements that change where packets go, hide them from tracking, or make replies of what is none.

`synproxy` answers in the host's place, and calls the host over loopback then."""


def _rewriting(ruleset: Ruleset | None) -> list[str]:
    if ruleset is None:
        return []
    return [str(rule) for rule in ruleset.rules() if any(map(_rewrites, rule.statements))]


_TARGETS_THAT_LEAVE_PACKETS = {
    "ACCEPT", "AUDIT", "CLASSIFY", "CONNMARK", "CONNSECMARK", "DROP", "IDLETIMER", "LED", "LOG", "MARK",
    "NFLOG", "RATEEST", "REJECT", "SECMARK", "TRACE",
}  # fmt: skip
"""Targets of the old iptables (iptables-extensions(8)) that leave a packet's way and tracking as they are."""


def _rewrites(statement: Statement) -> bool:
    (kind, value), *_ = statement.items()
    if kind == "xt":
        # nft does not say what such a target does; where it does not even name it, it may do anything.
        is_match = isinstance(value, dict) and value.get("type") == "match"
        named = value.get("name") if isinstance(value, dict) else None
        return not is_match and named not in _TARGETS_THAT_LEAVE_PACKETS
    changes_packet = kind == "mangle" and not {"meta", "ct"} & set(value["key"])
    changes_zone = kind == "mangle" and value["key"].get("ct", {}).get("key") == "zone"
    return kind in _REWRITES or changes_packet or changes_zone

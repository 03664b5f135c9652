"""The packet filter: what is loaded now, what will be loaded at boot, and what both let in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.firewall.evaluate import Packet, drops_by_default, forwarded, inbound
from plumbline.probes.firewall.flows import Box, everything, less
from plumbline.probes.firewall.ruleset import Ruleset, parse_ruleset
from plumbline.probes.subject import Subject
from plumbline.verify.unknown import Unknown

ABSENT = "no nft"
"""Printed instead of a ruleset where nft is not installed: then there is no filter, which is an answer."""

_PROPERTIES = "Id,LoadState,UnitFileState,ActiveState,FragmentPath,DropInPaths,ExecStart"
_OTHERS = "firewalld ufw netfilter-persistent iptables ip6tables shorewall ferm"


def _ruleset(output: Output) -> Ruleset | None:
    return None if output.text.strip() == ABSENT else parse_ruleset(output.text)


def _units(output: Output) -> dict[str, dict[str, str]]:
    """Read `systemctl show` of several units: properties by unit name."""
    units: dict[str, dict[str, str]] = {}
    for block in output.text.strip().split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" not in properties:
            raise ParseError("systemctl show printed a unit without its name")
        units[properties["Id"]] = properties
    return units


NOW = Probe(
    "firewall.now",
    f"if command -v nft >/dev/null; then nft -j list ruleset; else echo '{ABSENT}'; fi",
    _ruleset,
)

BOOT = Probe(
    # The boot file is loaded into an empty network namespace of its own: that gives its meaning, includes and
    # all, without touching the host's filter.
    "firewall.boot",
    f"if ! command -v nft >/dev/null; then echo '{ABSENT}'; "
    'elif [ ! -e /etc/nftables.conf ]; then echo \'{"nftables": [{"metainfo": {}}]}\'; '
    "else unshare -n sh -c 'nft -f /etc/nftables.conf && nft -j list ruleset'; fi",
    _ruleset,
)

UNITS = Probe(
    "firewall.units",
    "systemctl show -p "
    + _PROPERTIES
    + " nftables.service "
    + " ".join(f"{name}.service" for name in _OTHERS.split()),
    _units,
)

LEGACY = Probe(
    "firewall.legacy",
    "for f in /proc/net/ip_tables_names /proc/net/ip6_tables_names; do "
    'if [ -e "$f" ]; then sed "s|^|$f: |" "$f"; fi; done',
    lambda output: output.text.splitlines(),
)


@dataclass(frozen=True)
class BootLoading:
    """Whether and how the boot file is loaded: unit state and what the unit starts."""

    state: str
    command: str
    drop_ins: tuple[str, ...]


class Firewall(Subject):
    """The filter as IPv4 packets from outside meet it."""

    def openings_now(self) -> list[Box]:
        """Return the new connections that may come in now, at any interface."""
        return _openings(self.read(NOW))

    def openings_at_boot(self) -> list[Box]:
        """Return the new connections that the boot file may let in."""
        return _openings(self.read(BOOT))

    def closed_now(self, interface: str, wanted: Iterable[Box]) -> list[Box]:
        """Return what of the wanted flows does not surely come in now."""
        return _closed(self.read(NOW), interface, wanted)

    def closed_at_boot(self, interface: str, wanted: Iterable[Box]) -> list[Box]:
        """Return what of the wanted flows the boot file does not surely let in."""
        return _closed(self.read(BOOT), interface, wanted)

    def defaults_now(self) -> dict[str, str]:
        """Return what happens now to packets no rule speaks of, by hook: `drop` or `accept`."""
        return _defaults(self.read(NOW))

    def defaults_at_boot(self) -> dict[str, str]:
        """Return what will happen after boot to packets no rule speaks of, by hook."""
        return _defaults(self.read(BOOT))

    def forwarded_now(self) -> list[Box]:
        """Return the flows that may be forwarded now."""
        return _forwarded(self.read(NOW))

    def forwarded_at_boot(self) -> list[Box]:
        """Return the flows that the boot file may let be forwarded."""
        return _forwarded(self.read(BOOT))

    def shut_out_now(self, interface: str) -> list[str]:
        """Return which of loopback, replies and errors do not surely come in now."""
        return _shut_out(self.read(NOW), interface)

    def shut_out_at_boot(self, interface: str) -> list[str]:
        """Return which of loopback, replies and errors the boot file does not surely let in."""
        return _shut_out(self.read(BOOT), interface)

    def rewriting_now(self) -> list[str]:
        """Return the rules that change where packets go or hide them from connection tracking, now."""
        return _rewriting(self.read(NOW))

    def rewriting_at_boot(self) -> list[str]:
        """Return such rules of the boot file."""
        return _rewriting(self.read(BOOT))

    @property
    def legacy_tables(self) -> list[str]:
        """Tables of the old iptables, whose rules nft does not show."""
        return self.read(LEGACY)

    @property
    def boot_loading(self) -> BootLoading:
        """How nftables.service is going to load the boot file."""
        unit = self.read(UNITS).get("nftables.service")
        if unit is None:
            raise Unknown("systemd told nothing of {unit}", unit="nftables.service")
        if unit.get("LoadState") != "loaded":
            return BootLoading(unit.get("LoadState", "—"), "", ())
        command = re.search(r"argv\[\]=(.*?) ;", unit.get("ExecStart", ""))
        return BootLoading(
            unit.get("UnitFileState", "—"),
            command[1] if command else "",
            tuple(unit.get("DropInPaths", "").split()),
        )

    @property
    def other_services(self) -> list[str]:
        """Other firewall services that run or will run, with their state; they load rules of their own."""
        found = []
        for name, unit in self.read(UNITS).items():
            if name == "nftables.service" or unit.get("LoadState") != "loaded":
                continue
            if unit.get("UnitFileState", "").startswith("enabled") or unit.get("ActiveState") == "active":
                found.append(f"{name}: {unit.get('UnitFileState')}, {unit.get('ActiveState')}")
        return found


def _openings(ruleset: Ruleset | None) -> list[Box]:
    """Return all flows that may come in without being a reply: new, invalid or untracked ones."""
    if ruleset is None:
        return everything()
    found: list[Box] = []
    for state in ("new", "invalid", "untracked"):
        found += less(inbound(ruleset, Packet(state, None, "may")), found)
    return found


def _closed(ruleset: Ruleset | None, interface: str, wanted: Iterable[Box]) -> list[Box]:
    if ruleset is None:
        return []
    return less(wanted, inbound(ruleset, Packet("new", interface, "surely")))


def _forwarded(ruleset: Ruleset | None) -> list[Box]:
    if ruleset is None:
        return everything()
    found: list[Box] = []
    for state in ("new", "established", "related", "invalid", "untracked"):
        found += less(forwarded(ruleset, Packet(state, None, "may")), found)
    return found


def _defaults(ruleset: Ruleset | None) -> dict[str, str]:
    """A hook drops by default when one of its base chains does: a packet must pass them all."""
    if ruleset is None:
        return {"input": "accept", "forward": "accept"}
    return {hook: "drop" if drops_by_default(ruleset, hook) else "accept" for hook in ("input", "forward")}


def _shut_out(ruleset: Ruleset | None, interface: str) -> list[str]:
    if ruleset is None:
        return []
    asked = {
        "loopback": Packet("new", "lo", "surely"),
        "established": Packet("established", interface, "surely"),
        "related": Packet("related", interface, "surely"),
    }
    found = []
    for name, packet in asked.items():
        missing = less(everything(), inbound(ruleset, packet))
        if name == "related":
            missing = [box for box in missing if box.protocol == "icmp"]
        found += [f"{name}: {box}" for box in missing]
    return found


_REWRITES = {"dnat", "snat", "redirect", "masquerade", "tproxy", "notrack", "fwd", "dup", "flow"}


def _rewriting(ruleset: Ruleset | None) -> list[str]:
    if ruleset is None:
        return []
    rules = ruleset.rules()
    return [str(rule) for rule in rules if any(next(iter(s)) in _REWRITES for s in rule.statements)]

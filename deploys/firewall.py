"""Firewall on Linux: one nftables table of ours in /etc/nftables.conf, loaded at once and at boot.

Where the site has a communication matrix, the table is compiled from its rows, both ways; where it has none,
from the specification's openings, inward only.
"""

from __future__ import annotations

import base64
import gzip
import ipaddress
from collections.abc import Generator, Iterable

from pyinfra.api.command import StringCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.mechanisms.files import whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.units import unit_off, unit_on
from plumbline.apply.telling import note, tell, tell_touches
from plumbline.matrix.compile import nftables
from plumbline.matrix.openings import uncovered
from plumbline.policy.standard import DesiredState
from plumbline.spec.model import Opening

FILE = "/etc/nftables.conf"
TABLE = "inet plumbline"

WATCHER = "inet plumbline_watching"
WATCHING = (
    f"table {WATCHER} {{ "
    "chain in { type filter hook input priority filter; ct state established counter; }; "
    "chain out { type filter hook output priority filter; ct state established counter; }; }"
)
"""Decides nothing, but makes the kernel track connections, which it does only while some rule asks for it.

To a firewall that is loaded without it, the next packet of a connection that is open already looks like the
first: one that goes out from a server has no row and is dropped, and the session it belongs to, such as the
one we come by, hangs until its client says something.
"""
WATCHING_SECONDS = (2, 15)
"""How long open connections have to show themselves, at least and at most: until each was seen both ways.

One that only waits, such as of a client that is sent something every few seconds and says nothing itself,
would otherwise be cut: what is sent to it next looks like a connection that the host opens.
"""
SEEN_ALL = r"""{ ss -Htn state established; echo; cat /proc/net/nf_conntrack; } 2>/dev/null | awk '
NF == 0 { tracked = 1; next }
!tracked {
    own = $3; peer = $4
    if (own !~ /^127\./ && own !~ /^\[/) open[own, peer]
    next
}
$3 == "tcp" && !/UNREPLIED/ {
    split("", first)
    for (i = 5; i <= NF; i++) if (split($i, part, "=") == 2 && !(part[1] in first)) first[part[1]] = part[2]
    source = first["src"] ":" first["sport"]; destination = first["dst"] ":" first["dport"]
    delete open[source, destination]; delete open[destination, source]
}
END { for (one in open) exit 1 }'"""
"""Holds when the kernel has seen every connection over IPv4 that is open, both ways."""

HEAD = f"""\
#!/usr/sbin/nft -f
# Written by Plumbline from the specification; the whole file is replaced when it differs.
# Loading it replaces the table {TABLE} in one step and leaves tables of others alone.

table {TABLE}
delete table {TABLE}

table {TABLE} {{
\tchain input {{
\t\ttype filter hook input priority filter; policy drop;
\t\tiifname "lo" accept comment "loopback"
\t\tct state established,related accept
\t\tct state invalid drop
"""

FOOT = """\
\t}

\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t}
}
"""


def apply(desired: DesiredState) -> None:
    """Switch nftables on with the approved rows or openings, and other firewall services off."""
    controls = desired.subject("firewall")
    wanted = of_openings(desired) if desired.flows is None else nftables.render(desired.flows)
    packages(["nftables"])
    whole_file(FILE, wanted, mode="0755", check="nft -c -f {}")
    _loaded(wanted=wanted, notes=_left_shut(desired), name=f"Load {FILE}")
    unit_on("nftables.service")
    others = controls["firewall-enabled"].values["other_services"] if "firewall-enabled" in controls else []
    for name in others if isinstance(others, list) else []:
        unit_off(f"{name}.service")


def _left_shut(desired: DesiredState) -> list[str]:
    """Say which openings of the specification and rows of the matrix are not loaded, and why."""
    if desired.flows is None:
        return []
    rows = dict.fromkeys(one.told().en for one in desired.flows.withheld)
    return [*(one.told().en for one in uncovered(desired.host, desired.flows)), *rows]


def of_openings(desired: DesiredState) -> str:
    """Return the boot file for a host: management, the ICMP that IPv4 needs, the specified openings."""
    values = desired.controls["firewall-openings-approved"].values
    port, sources, types = values["management_port"], values["management_sources"], values["icmp_types"]
    if not isinstance(sources, list) or not isinstance(types, list):
        raise TypeError("management_sources and icmp_types are lists")
    rules = [
        f"icmp type {_set(types)} accept",
        f'ip saddr {_set(sources)} tcp dport {port} accept comment "management"',
        *map(_opening, desired.host.firewall_openings),
    ]
    return HEAD + "".join(f"\t\t{rule}\n" for rule in rules) + FOOT


def _opening(opening: Opening) -> str:
    # Collapsed as nft lists them, so that two networks that touch or overlap do not look like a change.
    sources = _set(str(source) for source in ipaddress.collapse_addresses(opening.sources))
    return f'ip saddr {sources} {opening.protocol} dport {opening.port} accept comment "{opening.id}"'


def _set(elements: Iterable[str]) -> str:
    return "{ " + ", ".join(elements) + " }"


class LoadedTable(FactBase[bool]):
    """Say whether the table that is loaded now means the same as the one a file would load."""

    def command(self, wanted: str) -> str:
        """Return the command: the file is loaded in a network namespace of its own and listed beside ours."""
        # Packed, as one argument of a command holds 128 KiB at most.
        encoded = base64.b64encode(gzip.compress(wanted.encode(), mtime=0)).decode()
        return (
            "command -v nft >/dev/null || { echo differs; exit 0; }; "
            f"a=$(echo {encoded} | base64 -d | gzip -d | "
            f"unshare -n sh -c 'nft -f /dev/stdin && nft -s list table {TABLE}'); "
            f"b=$(nft -s list table {TABLE} 2>/dev/null); "
            '[ -n "$a" ] && [ "$a" = "$b" ] && echo same || echo differs'
        )

    def process(self, output: list[str]) -> bool:
        """Parse the answer."""
        return output == ["same"]


@operation()
def _loaded(wanted: str, notes: list[str]) -> Generator[StringCommand, None, None]:
    for sentence in notes:
        note(sentence)
    if host.get_fact(LoadedTable, wanted=wanted):
        host.noop(f"the table {TABLE} is loaded as the file has it")
        return
    tell(f"the table {TABLE} is replaced in one step")
    tell_touches()
    least, most = WATCHING_SECONDS
    yield StringCommand(
        f"nft list table {TABLE} >/dev/null 2>&1 || {{ nft '{WATCHING}' && sleep {least} && "
        f"n={least}; until [ $n -ge {most} ] || {SEEN_ALL}; do sleep 1; n=$((n + 1)); done; }}"
    )
    yield StringCommand(f"nft -f {FILE} && nft 'add table {WATCHER}; delete table {WATCHER}'")

"""Interfaces in network namespaces beside the host's own: of containers, of services, or hidden there.

A device moved to another namespace is in no list of the host's own any more, and carries traffic as before.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.network.live import Interface, interfaces
from plumbline.probes.tagged import PRINT_END, Rows

LOOKED_INTO = 24
"""Of so many namespaces the interfaces are asked for: a question each, and a host may have hundreds."""

_COMMAND = rf"""
seen=" $(readlink /proc/self/ns/net) " count=0
look() {{
    count=$((count + 1))
    [ $count -le {LOOKED_INTO} ] || {{ printf 'unseen\t%s\n' "$1"; return; }}
    if told=$(nsenter "--net=$2" ip -json -details address show 2>/dev/null); then
        printf 'namespace\t%s\t%s\n' "$1" "$told"
    elif [ -e "$2" ]; then printf 'unseen\t%s\n' "$1"; fi
}}
find /proc/[0-9]*/ns/net -maxdepth 0 -printf '%l %p\n' 2>/dev/null | sort -u -k1,1 | {{
    while read -r namespace file; do
        case $seen in *" $namespace "*) continue ;; esac
        seen="$seen$namespace "
        pid=${{file#/proc/}} pid=${{pid%%/*}}
        read -r name 2>/dev/null <"/proc/$pid/comm" || continue
        look "process $pid ($name)" "$file"
    done
    for file in /run/netns/* /run/docker/netns/*; do
        [ -f "$file" ] || continue
        namespace="net:[$(stat -L -c %i "$file")]"
        case $seen in *" $namespace "*) continue ;; esac
        seen="$seen$namespace "
        look "$file" "$file"
    done
}}
"""


@dataclass(frozen=True)
class Namespaces:
    """`interfaces`: namespace, by a process or file that has it -> its interfaces.

    `unseen` are namespaces that could not be looked into, or were too many.
    """

    interfaces: dict[str, list[Interface]]
    unseen: list[str]


def parse_namespaces(output: Output) -> Namespaces:
    """Parse the probe's rows."""
    rows = Rows(output, {"namespace": 2, "unseen": 1})
    found = {name: interfaces(told) for name, told in rows["namespace"]}
    return Namespaces(found, [name for (name,) in rows["unseen"]])


NAMESPACES: Probe[Namespaces] = Probe("network.namespaces", f"{_COMMAND}{PRINT_END}", parse_namespaces)

"""Scanning on access: whether ClamAV's clamonacc runs, what it is to watch, whether the kernel tells it."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows

UNIT = "clamav-clamonacc.service"


@dataclass(frozen=True)
class OnAccess:
    """`marks`: how many marks of fanotify the running scanner holds; `watched`: the paths configured."""

    container: bool
    running: bool
    marks: int
    watched: tuple[str, ...]


def _on_access(output: Output) -> OnAccess:
    rows = Rows(output, {"container": 1, "process": 2, "path": 1})
    return OnAccess(
        bool(rows["container"]),
        bool(rows["process"]),
        sum(int(marks) for _, marks in rows["process"]),
        tuple(path.strip().strip('"') for (path,) in rows["path"]),
    )


ON_ACCESS = Probe(
    "antivirus.on_access",
    r"""[ ! -e /run/systemd/container ] || printf 'container\tyes\n'
for p in $(pidof clamonacc); do
    n=$(cat /proc/"$p"/fdinfo/* 2>/dev/null | grep -cE '^fanotify (ino|mnt_id|sdev):')
    printf 'process\t%s\t%s\n' "$p" "$n"
done
[ ! -f /etc/clamav/clamd.conf ] ||
    sed -nE 's/^[[:space:]]*OnAccess(Include|Mount)Path[[:space:]]+/path\t/Ip' /etc/clamav/clamd.conf
"""
    + PRINT_END,
    _on_access,
)

"""What runs on though an update has replaced it: the kernel, and programs with what they have loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows

_FIELDS = {"running": 1, "build": 1, "kernel": 1, "package": 2, "required": 1, "replaced": 3}
_PROCESSES_MAX = 200

# A file that is mapped executable and was deleted is marked so in maps (proc(5)); dpkg replaces by renaming.
_COMMAND = rf"""
read -r release </proc/sys/kernel/osrelease || exit 9
read -r build </proc/sys/kernel/version || exit 9
printf 'running\t%s\nbuild\t%s\n' "$release" "$build"
if [ -r /proc/version_signature ]; then
    read -r build </proc/version_signature
    printf 'build\t%s\n' "$build"
fi
for file in /boot/vmlinuz-* /boot/vmlinux-*; do [ ! -f "$file" ] || printf 'kernel\t%s\n' "$file"; done
! command -v dpkg-query >/dev/null || dpkg-query -W -f '${{db:Status-Status}}\t${{Package}}\t${{Version}}\n' \
    "linux-image-$release" "linux-image-unsigned-$release" 2>/dev/null |
    sed -n 's/^installed\t/package\t/p'
if [ -e /run/reboot-required ]; then
    printf 'required\t\n'
    [ ! -r /run/reboot-required.pkgs ] || sort -u /run/reboot-required.pkgs | sed 's/^/required\t/'
fi
grep -sE '^[^ ]+ r-xp [^/]* /(usr|lib|lib32|lib64|libx32|bin|sbin|opt|srv|home)/.* \(deleted\)$' \
    /proc/[0-9]*/maps |
    sed 's#^/proc/\([0-9]*\)/maps:[^/]*\(/.*\) (deleted)$#\1 \2#' | sort -u | head -n {_PROCESSES_MAX} |
    while read -r process file; do
        name='?'
        {{ read -r name <"/proc/$process/comm"; }} 2>/dev/null
        printf 'replaced\t%s\t%s\t%s\n' "$process" "$name" "$file"
    done
{PRINT_END}
"""


@dataclass(frozen=True)
class Replaced:
    """A process, and a file it has mapped that is no longer the one on disk."""

    process: int
    name: str
    file: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.process}): {self.file}"


@dataclass(frozen=True)
class Running:
    """The running kernel and those in /boot; what asks for a reboot; programs that run on replaced.

    `builds` are what the running kernel says of its own build, `packaged` its package's name and version, if
    it has one. `required` is None where nothing asked for a reboot, else the packages that did.
    """

    kernel: str
    builds: list[str]
    installed: dict[str, str]
    packaged: tuple[str, str] | None
    required: list[str] | None
    replaced: list[Replaced]

    def newest(self) -> str | None:
        """Return the newest kernel that is installed; None if there is none in /boot."""
        return max(self.installed, key=order_of_kernels, default=None)

    def other_build(self) -> list[str]:
        """Return the build that runs with the one installed under the same name, if they differ."""
        for build in self.builds:
            told = _BUILD.search(build)
            if told and self.packaged and (told[1] or told[2]) != self.packaged[1]:
                return [f"{told[1] or told[2]} runs; {' '.join(self.packaged)} is installed"]
        return []


_BUILD = re.compile(r"\bDebian (\S+)|^Ubuntu (\S+?)-[a-z][a-z0-9-]*( |$)")
"""Where a kernel tells its package's version: Debian's in its version, Ubuntu's in its version_signature."""


def order_of_kernels(release: str) -> list[tuple[int, int | str]]:
    """Return what orders kernel releases: numbers as numbers, whatever the flavour (`-amd64`, `-generic`)."""
    parts = re.findall(r"\d+|[a-z]+", re.sub(r"-[a-z][a-z0-9-]*$", "", release))
    return [(1, int(part)) if part.isdigit() else (0, part) for part in parts]


def parse_running(output: Output) -> Running:
    """Parse the probe's rows."""
    rows = Rows(output, _FIELDS)
    kernels = {re.sub(r".*/vmlinu[xz]-", "", path): path for (path,) in rows["kernel"]}
    packaged = [(name, version) for name, version in rows["package"]]
    required = [name for (name,) in rows["required"]]
    if len(rows["running"]) != 1:
        raise ParseError("the running kernel is not told once")
    return Running(
        kernel=rows["running"][0][0],
        builds=[build for (build,) in rows["build"]],
        installed=kernels,
        packaged=packaged[0] if packaged else None,
        required=[name for name in required if name] if required else None,
        replaced=[Replaced(int(process), name, file) for process, name, file in rows["replaced"]],
    )


RUNNING: Probe[Running] = Probe("operating_system.running", _COMMAND, parse_running)

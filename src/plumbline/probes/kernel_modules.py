"""Kernel modules: which are loaded, and what loading one would do at the next boot.

modprobe and whatever else goes through libkmod run the first `install` line whose pattern matches a module
instead of loading it, in the files of all modprobe.d directories by base name (modprobe.d(5); which line wins
was tried with kmod 30 and 34). A `blacklist` line only keeps aliases off, so it does not count. A module that
is built into the kernel cannot be kept out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.boot_commands import BOOT_COMMANDS, ON_DISK, loads
from plumbline.probes.files import FIELDS, ConfigFile, effective, glob_matches, print_files, read_files
from plumbline.probes.subject import Subject
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Seen

DIRECTORIES = (
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
)

TRANSIENT = "/run/"

_REFUSING = re.compile(r"(?:/usr)?(?:/s?bin/)?(?:true|false|nologin)|:|exit [01]")
"""Commands that load nothing, whole: what follows one in a shell command might load."""

_TAGS = {"loaded": 3, "builtin": 1, **FIELDS}

_COMMAND = f"""
[ ! -e /proc/modules ] || awk '{{print "loaded\\t" $1 "\\t" $3 "\\t" $4}}' /proc/modules
read -r _ _ release _ </proc/version
f=/lib/modules/$release/modules.builtin
[ ! -f "$f" ] || sed 's#.*/##; s/\\.ko.*$//; s/^/builtin\\t/' "$f"
{print_files(f"{directory}/*.conf" for directory in DIRECTORIES[:-1])}
if [ ! -L /lib ]; then {print_files([f"{DIRECTORIES[-1]}/*.conf"])} fi
"""


@dataclass(frozen=True)
class InstallLine:
    """An `install` line: a pattern of module names and the command that is run instead of loading one."""

    pattern: str
    command: str
    where: str

    @property
    def refuses(self) -> bool:
        """Whether the command loads nothing, whatever it ends with."""
        return _REFUSING.fullmatch(self.command.partition(" #")[0].strip()) is not None


@dataclass(frozen=True)
class Modules:
    """`loaded`: module -> how it is used; `builtin`: modules that are part of the kernel.

    `installs` are the `install` lines at the next boot, `installs_now` those until then.
    """

    loaded: dict[str, str]
    builtin: frozenset[str]
    installs: list[InstallLine]
    installs_now: list[InstallLine]


def normal_name(name: str) -> str:
    """Return a module's name as the kernel has it: `usb-storage` -> `usb_storage`."""
    return name.replace("-", "_")


def parse_modules(output: Output) -> Modules:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    loaded = {name: f"{uses} uses: {users.rstrip(',')}" for name, uses, users in rows["loaded"]}
    files = read_files(rows)
    lasting = {path: file for path, file in files.items() if not path.startswith(TRANSIENT)}
    builtin = frozenset(normal_name(name) for (name,) in rows["builtin"])
    return Modules(loaded, builtin, _installs(lasting), _installs(files))


def _installs(files: Mapping[str, ConfigFile]) -> list[InstallLine]:
    return [line for file in effective(files, DIRECTORIES, ".conf") for line in install_lines(file)]


def install_lines(file: ConfigFile) -> list[InstallLine]:
    """Return a file's `install` lines; a backslash at a line's end joins the next one to it."""
    found = []
    begun, start = "", 0
    for number, line in enumerate(file.lines, 1):
        start = start if begun else number
        joined = begun + line
        if joined.endswith("\\") and number < len(file.lines):
            begun = joined[:-1] + " "
            continue
        begun = ""
        words = joined.strip().split(None, 2)
        if len(words) == 3 and words[0] == "install":
            pattern = normal_name(words[1])
            found.append(InstallLine(pattern, words[2].strip(), f"{file.path}:{start}"))
    return found


KERNEL_MODULES: Probe[Modules] = Probe("kernel_modules.modules", f"{_COMMAND}{PRINT_END}", parse_modules)


class KernelModules(Subject):
    """Modules by name, `-` and `_` being the same."""

    def present(self, name: str) -> list[Seen]:
        """Return how a module is in the kernel now: loaded, or built in; nothing if it is not."""
        modules, wanted = self.read(KERNEL_MODULES), normal_name(name)
        if wanted in modules.builtin:
            return [Seen(name, "built into the kernel")]
        return [Seen(name, f"loaded, {modules.loaded[wanted]}")] if wanted in modules.loaded else []

    def ways_in(self, name: str) -> list[Seen]:
        """Return what lets a module be loaded: being built in, no `install` line, or one that loads it."""
        modules, wanted = self.read(KERNEL_MODULES), normal_name(name)
        if wanted in modules.builtin:
            return [Seen(name, "built into the kernel")]
        found = _first_line(name, modules.installs)
        # What stands in /run is gone at boot, but decides until then.
        found += [told for told in _first_line(name, modules.installs_now) if told not in found]
        lines = loads(self.read(BOOT_COMMANDS).of(self.read(ON_DISK)), wanted)
        return found + [Seen(line.text.strip(), f"{line.file}:{line.number}") for line in lines]


def _first_line(name: str, installs: list[InstallLine]) -> list[Seen]:
    """Return what the first `install` line for a module does, unless it refuses it."""
    for line in installs:
        if glob_matches(normal_name(name), line.pattern):
            return [] if line.refuses else [Seen(f"install {name} {line.command}", line.where)]
    return [Seen(name, "no install line in modprobe.d")]

"""Kernel modules that cannot be loaded, and are not loaded now."""

from __future__ import annotations

import fnmatch
import posixpath
import shlex
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.mechanisms.files import write
from plumbline.apply.telling import note, tell, tell_touches

DIRECTORIES = (
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
)
"""Where modprobe looks, the first that has a base name hides the others (modprobe.d(5))."""

Commands = Generator[StringCommand, None, None]


@dataclass(frozen=True)
class InstallLine:
    """An `install` line of a modprobe.d file: what is run instead of loading modules named like `pattern`."""

    file: str
    line: int
    pattern: str
    command: str


@dataclass
class ModulesOnHost:
    """What the kernel has and modprobe reads.

    `loaded`: module -> modules that use it; `busy`: loaded modules in use by something that is no module;
    `shared_kernel`: the host is a container, the kernel and its modules are not its own.
    """

    installs: list[InstallLine] = field(default_factory=list)
    loaded: dict[str, list[str]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    shared_kernel: bool = False
    initramfs: bool = False


class KernelModules(FactBase[ModulesOnHost]):
    """Read loaded modules and modprobe's files in one command."""

    def command(self) -> str:
        """Return the command; each line starts with what it is."""
        directories = " ".join(shlex.quote(directory) for directory in DIRECTORIES)
        return (
            "systemd-detect-virt -q --container && echo container; "
            "command -v update-initramfs >/dev/null && echo initramfs; "
            "awk '{print \"loaded \" $1, $3, $4}' /proc/modules 2>/dev/null; "
            f"for d in {directories}; do for f in $d/*.conf; do "
            '[ -e "$f" ] || [ -L "$f" ] || continue; echo "file $f"; '
            '[ -f "$f" ] && awk \'{print "line " $0}\' "$f" | LC_ALL=C tr -c "\\11\\12\\40-\\176" "?"; '
            "done; done; :"
        )

    @staticmethod
    def default() -> ModulesOnHost:
        """Return a host of which nothing is told."""
        return ModulesOnHost()

    def process(self, output: list[str]) -> ModulesOnHost:
        """Parse the lines, leaving out files hidden by a directory before."""
        found = ModulesOnHost()
        names: dict[str, str] = {}
        file, number = "", 0
        for line in output:
            what, _, text = line.partition(" ")
            if what == "container":
                found.shared_kernel = True
            elif what == "initramfs":
                found.initramfs = True
            elif what == "loaded":
                _add_loaded(found, text)
            elif what == "file":
                file, number = text, 0
                hidden = names.setdefault(posixpath.basename(text), text) != text
                file = "" if hidden else text
            elif what == "line":
                number += 1
                words = text.split(None, 2)
                if file and len(words) == 3 and words[0] == "install":
                    found.installs.append(InstallLine(file, number, normal_name(words[1]), words[2].strip()))
        return found


def _add_loaded(found: ModulesOnHost, text: str) -> None:
    """Add a line of /proc/modules: name, how many uses, users by name with a comma after each or `-`."""
    name, uses, users = (*text.split(" "), "-")[:3]
    by_modules = [] if users == "-" else [user for user in users.split(",") if user and user[0] != "["]
    found.loaded[name] = by_modules
    if uses.isdigit() and int(uses) > len(by_modules):
        found.busy.add(name)


def normal_name(name: str) -> str:
    """Return a module's name as the kernel has it: `usb-storage` -> `usb_storage`."""
    return name.replace("-", "_")


def render(subject: str, names: Iterable[str]) -> str:
    """Return our modprobe.d file."""
    lines = [
        f"# Written by Plumbline for the subject {subject}; the whole file is replaced when it differs.",
        "# Its name sorts before other files, because the first install line of a module counts.",
    ]
    for name in names:
        lines += [f"install {name} /bin/false", f"blacklist {name}"]
    return "\n".join(lines) + "\n"


def refuse_if_beaten(path: str, names: Iterable[str], installs: Sequence[InstallLine]) -> None:
    """Raise OperationError, with file and line, where a file read before ours lets a module be loaded."""
    own = posixpath.basename(path)
    for there in installs:
        if posixpath.basename(there.file) >= own or there.command in ("/bin/false", "/bin/true"):
            continue
        for name in names:
            if fnmatch.fnmatchcase(normal_name(name), there.pattern):
                raise OperationError(
                    f"{there.file}:{there.line} says what is run to load the module {name}, and the "
                    f"first such line counts; the file is read before {path}, remove the line or rename "
                    f"the file so that it sorts after {own}"
                )


def unloading_order(names: Iterable[str], loaded: Mapping[str, list[str]], busy: set[str]) -> list[str]:
    """Return which of `names` can be unloaded, users first; one that something else uses is left out."""
    order: list[str] = []
    wanted = {normal_name(name) for name in names} & set(loaded)
    while True:
        free = [
            name
            for name in sorted(wanted - set(order))
            if name not in busy and all(user in order for user in loaded[name])
        ]
        if not free:
            return order
        order += free


@operation()
def _refused_at_load(subject: str, names: list[str]) -> Commands:
    path = f"/etc/modprobe.d/00-plumbline-{subject}.conf"
    there = host.get_fact(KernelModules)
    refuse_if_beaten(path, names, there.installs)
    changed = False
    for command in write(path, render(subject, names), "0644", "root", "root", None):
        changed = True
        yield command
    if changed and there.initramfs and not there.shared_kernel:
        tell_touches(paths=["/boot/initrd.img*"])
        yield StringCommand("update-initramfs -u")


@operation()
def _unloaded(names: list[str]) -> Commands:
    there = host.get_fact(KernelModules)
    if there.shared_kernel:
        host.noop("a container has no modules of its own")
        return
    loaded = {normal_name(name) for name in names} & set(there.loaded)
    order = unloading_order(names, there.loaded, there.busy)
    for name in sorted(loaded - set(order)):
        note(f"the module {name} is in use and stays loaded until the next boot", reboot=True)
    if not order:
        host.noop("none of the modules is loaded, or what is loaded is in use")
        return
    tell(*(f"unload {name}" for name in order))
    tell_touches()
    yield StringCommand(" && ".join(f"modprobe -r {shlex.quote(name)}" for name in order))


def modules_disabled(subject: str, names: Iterable[str]) -> tuple[OperationMeta, OperationMeta]:
    """Make kernel modules impossible to load and unload them; returns the two operations (file, unloading).

    Owns `/etc/modprobe.d/00-plumbline-<subject>.conf` with an `install … /bin/false` and a `blacklist` line a
    module. modprobe takes the first `install` line of a module, so the file sorts first (tried with kmod 30).
    Where the host has initramfs-tools the initramfs is rebuilt after a change: it carries a copy of the file.
    A module that is in use stays until the next boot and a note says so; in a container nothing is unloaded,
    its kernel is the machine's.

    Raises OperationError while planning, naming file and line, where a file read before ours would win.
    """
    ordered = sorted(set(names))
    return (
        _refused_at_load(subject=subject, names=ordered, name=f"Kernel modules refused ({subject})"),
        _unloaded(names=ordered, name=f"Kernel modules unloaded ({subject})"),
    )

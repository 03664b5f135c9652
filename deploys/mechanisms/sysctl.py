"""Kernel settings: live now, and at the next boot whatever other files say.

How systemd-sysctl(8) decides at boot (read in systemd's `src/sysctl/sysctl.c`): files of all `sysctl.d`
directories are sorted by their base name, a name in `/etc` hides the same name elsewhere, a later assignment
of a key replaces an earlier one, and a key written out wins over a glob whatever their order. So our file
sorts after the others, and every key that another file writes out and a glob of ours covers is written out in
ours as well. Why the file is named as it is: docs/decisions/0001-sysctl-file-order.md.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import shlex
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.mechanisms.files import write
from plumbline.apply.telling import tell, tell_touches

DIRECTORIES = (
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
)
"""Where systemd-sysctl looks, the first that has a base name hides the others."""

SAME_SETTING = {"net/ipv4/ip_forward": "net/ipv4/conf/all/forwarding"}
"""Keys that are two names of one setting in the kernel (`Documentation/networking/ip-sysctl`)."""

Commands = Generator[StringCommand, None, None]


@dataclass(frozen=True)
class Assignment:
    """One line of a sysctl.d file: `key` as a path below /proc/sys; `value` None excludes from globs."""

    file: str
    line: int
    key: str
    value: str | None


def normal_key(key: str) -> str:
    """Return a key as a path below /proc/sys: `net.ipv4.ip_forward` -> `net/ipv4/ip_forward`.

    If the first separator is a slash, slashes separate; otherwise dots separate and the two are swapped
    (sysctl.d(5)).
    """
    key = key.strip().removeprefix("/proc/sys/").lstrip("/")
    separator = re.search(r"[./]", key)
    if separator is None or separator[0] == "/":
        return key
    return key.translate(str.maketrans("./", "/."))


def normal_value(value: str) -> str:
    """Return a value as the kernel prints it, fields with one blank between."""
    return " ".join(value.split())


def parse_assignments(file: str, lines: Iterable[str]) -> list[Assignment]:
    """Read a sysctl.d file as systemd-sysctl does; lines it does not understand are ignored as there."""
    found = []
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        if not text or text[0] in "#;":
            continue
        key, equals, value = text.partition("=")
        if not equals and not key.startswith("-"):
            continue
        key = normal_key(key.removeprefix("-"))
        found.append(Assignment(file, number, key, normal_value(value) if equals else None))
    return found


class SysctlFiles(FactBase[Mapping[str, list[Assignment]]]):
    """Read every sysctl.d file that counts at boot, by path, in the order of their base names."""

    def command(self) -> str:
        """Return the command: `file PATH` and then `line TEXT` for each line; a link to nothing has none."""
        directories = " ".join(shlex.quote(directory) for directory in DIRECTORIES)
        return (
            f"for d in {directories}; do for f in $d/*.conf; do "
            '[ -e "$f" ] || [ -L "$f" ] || continue; echo "file $f"; '
            '[ -f "$f" ] && awk \'{print "line " $0}\' "$f" | LC_ALL=C tr -c "\\11\\12\\40-\\176" "?"; '
            "done; done; :"
        )

    @staticmethod
    def default() -> Mapping[str, list[Assignment]]:
        """Return what a host without such files has."""
        return {}

    def process(self, output: list[str]) -> Mapping[str, list[Assignment]]:
        """Parse the files, leaving out those hidden by a directory before."""
        texts: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        current: list[str] = []
        for line in output:
            what, _, text = line.partition(" ")
            if what == "file":
                current = []
                if names.setdefault(posixpath.basename(text), text) == text:
                    texts[text] = current
            elif what == "line":
                current.append(text)
        ordered = sorted(texts, key=posixpath.basename)
        return {path: parse_assignments(path, texts[path]) for path in ordered}


class LiveSettings(FactBase[dict[str, str]]):
    """Read live values by path below /proc/sys, `*` expanded.

    A key the kernel lacks is absent, and so is one a container may only read: it is the machine's.
    """

    def command(self, keys: list[str]) -> str:
        """Return the command for normal keys (slashes between)."""
        patterns = " ".join(f"/proc/sys/{_quoted_pattern(key)}" for key in keys)
        told = 'echo "${p#/proc/sys/}=$(cat "$p")"'
        return f'for p in {patterns}; do [ -f "$p" ] && [ -w "$p" ] && {told}; done; :'

    @staticmethod
    def default() -> dict[str, str]:
        """Return what a kernel without these keys has."""
        return {}

    def process(self, output: list[str]) -> dict[str, str]:
        """Parse `key=value` lines."""
        pairs = (line.partition("=") for line in output)
        return {key: normal_value(value) for key, equals, value in pairs if equals}


def _quoted_pattern(key: str) -> str:
    return "*".join(shlex.quote(part) if part else "" for part in key.split("*"))


def wanted_assignments(
    path: str, wanted: Mapping[str, str], others: Mapping[str, list[Assignment]]
) -> dict[str, str]:
    """Return what our file must assign so that `wanted` (normal keys, `*` allowed) holds at boot.

    `others` are the files of the host by path. Raises OperationError, with file and line, where a file that
    is read after ours assigns otherwise.
    """
    own = posixpath.basename(path)
    explicit: dict[str, str] = {}
    for file, assignments in others.items():
        if posixpath.basename(file) == own:
            continue
        after = posixpath.basename(file) > own
        for there in assignments:
            value = _wanted_where_set(there.key, wanted)
            if value is None:
                continue
            if after and there.value != value:
                raise OperationError(
                    f"{there.file}:{there.line} sets {_shown(there.key)} to {there.value or 'nothing'}; "
                    f"{value} is required, and the file is read after {path}: remove the line, or rename "
                    f"the file so that it sorts before {own}"
                )
            if not _is_glob(there.key) and there.key not in wanted:
                explicit[there.key] = value
    return {**wanted, **dict(sorted(explicit.items()))}


def _is_glob(key: str) -> bool:
    return any(sign in key for sign in "*?[")


def _wanted_value(key: str, wanted: Mapping[str, str]) -> str | None:
    """Return what is wanted of a key written out."""
    other_name = {**SAME_SETTING, **{second: first for first, second in SAME_SETTING.items()}}.get(key, key)
    for name in (key, other_name):
        if name in wanted:
            return wanted[name]
    for pattern, value in wanted.items():
        if _covers(pattern, key) or _covers(pattern, other_name):
            return value
    return None


def _wanted_where_set(key: str, wanted: Mapping[str, str]) -> str | None:
    """Return what is wanted where another file sets `key`; of a glob there, only our globs can lose to it."""
    if not _is_glob(key):
        return _wanted_value(key, wanted)
    for pattern, value in wanted.items():
        if _is_glob(pattern) and (_covers(pattern, key) or _covers(key, pattern)):
            return value
    return None


def _covers(pattern: str, key: str) -> bool:
    """Say whether a glob stands for a key; a `*` does not reach over a slash (glob(7))."""
    left, right = pattern.split("/"), key.split("/")
    if len(left) != len(right):
        return False
    return all(fnmatch.fnmatchcase(part, sign) for sign, part in zip(left, right, strict=True))


def _shown(key: str) -> str:
    """Return a normal key as people write it, dots between."""
    return key.translate(str.maketrans("./", "/."))


def _rank(key: str) -> int:
    return 0 if "/all/" in key or key in SAME_SETTING else 1 if "/default/" in key else 2


def render(subject: str, assignments: Mapping[str, str]) -> str:
    """Return our file: `all` and `default` first, since writing them may change what interfaces have."""
    ordered = sorted(assignments, key=lambda key: (_rank(key), key))
    lines = [
        f"# Written by Plumbline for the subject {subject}; the whole file is replaced when it differs.",
        "# Its name sorts after other files, because the last assignment counts (sysctl.d(5)).",
        *(f"{_shown(key)} = {assignments[key]}" for key in ordered),
    ]
    return "\n".join(lines) + "\n"


@operation()
def _boot_settings(subject: str, wanted: dict[str, str]) -> Commands:
    path = f"/etc/sysctl.d/zz-plumbline-{subject}.conf"
    assignments = wanted_assignments(path, wanted, host.get_fact(SysctlFiles))
    yield from write(path, render(subject, assignments), "0644", "root", "root", None)


@operation()
def _live_settings(wanted: dict[str, str]) -> Commands:
    live = host.get_fact(LiveSettings, keys=sorted(wanted))
    wrong = {key: now for key, now in live.items() if _wanted_value(key, wanted) not in (None, now)}
    if not wrong:
        host.noop(f"{len(live)} live kernel settings are so")
        return
    commands = []
    tell_touches(sysctls=wrong)
    for key in sorted(wrong, key=lambda key: (_rank(key), key)):
        value = str(_wanted_value(key, wanted))
        tell(f"{_shown(key)}: {wrong[key] or 'empty'} → {value}")
        commands.append(f"printf '%s\\n' {shlex.quote(value)} > {shlex.quote(f'/proc/sys/{key}')}")
    yield StringCommand(" && ".join(commands))


def sysctl_settings(subject: str, settings: Mapping[str, int | str]) -> tuple[OperationMeta, OperationMeta]:
    """Make kernel settings so, at boot and live; returns the two operations (file, live values).

    `settings` are keys as in sysctl.d(5), a `*` stands for one part of the key (every interface, `all` and
    `default` included), with their values. Owns `/etc/sysctl.d/zz-plumbline-<subject>.conf`. Live values are
    written only where they differ, each on its own; `sysctl --system` is not run, so nobody else's settings
    are applied along with ours. A key the kernel does not have (IPv6 switched off) needs nothing live.

    Raises OperationError while planning, naming file and line, where a file that is read after ours would
    win at boot.
    """
    wanted = {normal_key(key): normal_value(str(value)) for key, value in sorted(settings.items())}
    return (
        _boot_settings(subject=subject, wanted=wanted, name=f"Kernel settings at boot ({subject})"),
        _live_settings(wanted=wanted, name=f"Kernel settings now ({subject})"),
    )

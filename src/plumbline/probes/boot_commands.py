"""Commands that a boot runs and that change the network, kernel settings or modules, wherever they stand.

Services and their drop-ins, rc.local, cron, hooks of the network's managers, tmpfiles.d, udev rules,
`install` lines of modprobe.d, and the scripts below /usr/local, /opt and the like that any of these names.
Nobody runs them; a line is judged by its words, so one that may be harmless counts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.files import glob_matches
from plumbline.probes.systemd import DIRECTORIES, ON_DISK, Line, UnitsOnDisk, unit_of
from plumbline.probes.tagged import PRINT_END, Rows

__all__ = ["BOOT_COMMANDS", "ON_DISK", "BootCommands"]

_OPTIONS = r"([[:space:]]+-[^[:space:]]+)*[[:space:]]+"
_VERBS = r"[[:space:]].*(a|add|append|c|change|chg|r|repl|replace|prepend|set|up|rest|restore)([[:space:]]|$)"
_IP_OBJECTS = r"(a|ad|add|addr|addre.*|l|li|lin|link|r|ro|route|ru|rule|tu[a-z]*|tap|net[a-z]*)"

WORDS = (
    r"(^|[^A-Za-z0-9_.-])("
    rf"ip{_OPTIONS}{_IP_OBJECTS}{_VERBS}|ip[[:space:]].*-b|ifconfig[[:space:]]|"
    r"route[[:space:]].*add|brctl[[:space:]]+add|ifup[[:space:]]+[^-]|"
    r"sysctl([[:space:]]|$)|systemd-sysctl[[:space:]]|"
    r"insmod|modprobe[[:space:]].*(-i|--ignore-install)|dhclient|udhcpc|dhcpcd"
    r")|/proc/sys/(net|kernel)|SYSCTL\{"
)
"""What to look for, as an extended regular expression: broad, what is found is read more closely here."""

_SCRIPTS = (
    "/etc/rc.local /etc/network/if-pre-up.d/* "
    "/etc/network/if-up.d/* /etc/NetworkManager/dispatcher.d/* /etc/NetworkManager/dispatcher.d/*.d/* "
    "/etc/networkd-dispatcher/*/* /usr/lib/networkd-dispatcher/*/* /etc/crontab /etc/anacrontab "
    "/etc/cron.*/* /var/spool/cron/crontabs/* /etc/tmpfiles.d/*.conf /usr/local/lib/tmpfiles.d/*.conf "
    "/usr/lib/tmpfiles.d/*.conf /etc/udev/rules.d/*.rules /usr/local/lib/udev/rules.d/*.rules "
    "/usr/lib/udev/rules.d/*.rules /etc/modprobe.d/*.conf"
)
_UNITS = " ".join(f"{d}/*.service {d}/*.service.d/*.conf {d}/*.socket" for d in DIRECTORIES)
_OWN_UNITS = " ".join(f"{d}/*.service {d}/*.service.d/*.conf" for d in DIRECTORIES if "/usr/lib/" not in d)
_NAMING = "Wants|Requires|Requisite|BindsTo|Upholds|Unit|Service|OnSuccess|OnFailure"

_OWN = "usr/local|opt|srv|root|home|var/opt|data"
_FOLLOWED = "[A-Za-z0-9@_./+-]+"

# Scripts of packages below /usr are theirs; a supplier's unit may be a package's, and call its own.
_COMMAND = f"""
set --; for f in {_SCRIPTS} {_OWN_UNITS}; do [ ! -f "$f" ] || set -- "$@" "$f"; done
for f in /etc/rc[S2345].d/S*; do [ ! -f "$f" ] || [ ! -x "$f" ] || set -- "$@" "$f"; done
named=$(grep -IhoE '/({_OWN}|etc|usr/(s?bin|lib|libexec|share))/{_FOLLOWED}' "$@" /dev/null \\
        /etc/network/interfaces /etc/network/interfaces.d/* 2>/dev/null
    grep -IhoE '/({_OWN})/{_FOLLOWED}' /usr/lib/systemd/system/*.service \\
        /usr/lib/systemd/system/*.service.d/*.conf 2>/dev/null)
named=$(printf '%s\\n' "$named" | sort -u)
deeper=$(for f in $named; do case $f in /etc/*|/usr/[!l]*|/usr/lib*) ;; *)
    [ ! -f "$f" ] || grep -IhoE '/({_OWN})/{_FOLLOWED}' "$f" /dev/null;; esac; done | sort -u | head -n 200)
late=
for f in $(printf '%s\\n' "$named" "$deeper" | sort -u); do [ ! -f "$f" ] || case $f in
    /etc/*/*.d/*|/etc/cron*|/etc/network/*|/etc/mtab) ;;
    /usr/local/*|/[!u]*) set -- "$@" "$f";;
    *) late="$late $f";; esac; done
for f in $(grep -sIlE '{WORDS}' /dev/null $late); do
    grep -qsxF -e "$f" -e "${{f#/usr}}" -r /var/lib/dpkg/info --include='*.list' || set -- "$@" "$f"; done
for f in {_UNITS}; do [ ! -f "$f" ] || set -- "$@" "$f"; done
l=$(grep -IHnE '{WORDS}' /dev/null "$@") || [ $? -eq 1 ] || exit 9
[ -z "$l" ] || printf '%s\\n' "$l" |
    grep -vE '^[^:]*:[0-9]*:[[:space:]]*([#;]|Condition|Description|Documentation)' |
    sed 's/^/line\\t/'
set --; for f in {" ".join(f"{d}/*.*" for d in DIRECTORIES if "/usr/lib/" not in d)} \\
    {" ".join(f"{d}/*.d/*.conf" for d in DIRECTORIES)}; do [ ! -f "$f" ] || set -- "$@" "$f"; done
grep -hsE '^[[:space:]]*({_NAMING})[[:space:]]*=' /dev/null "$@" | sed 's/^[^=]*=/named\\t/'
"""


@dataclass(frozen=True)
class BootCommands:
    """Lines that may change something at boot; those of a unit only if it may start."""

    found: tuple[Line, ...]
    named: frozenset[str]

    def of(self, on_disk: UnitsOnDisk) -> list[Line]:
        """Return the lines that a boot may run."""
        return [line for line in self.found if self._may_run(line, on_disk)]

    def _may_run(self, line: Line, on_disk: UnitsOnDisk) -> bool:
        if re.search(r"/systemd-sysctl( --prefix=\S+)+\s*\"?$", line.text) and "/udev/" in line.file:
            return False
        if _is_hook_of_a_package(line) or _is_of_wpasupplicant(line):
            return False
        if line.file.startswith("/etc/rc"):
            return _is_of_sysv(line, on_disk)
        if not line.file.startswith(DIRECTORIES):
            return True
        unit = unit_of(line)
        if not re.match(r"\s*Exec(Start|StartPre|StartPost|Condition|Reload)\s*=|\s*[^=\s]+\s", line.text):
            return False
        if unit == "systemd-sysctl.service":
            return False
        if "@." in unit:
            return "/usr/lib/" not in line.file
        return unit in self.named or on_disk.starts(unit) or not unit.endswith(".service")


def _is_of_sysv(line: Line, on_disk: UnitsOnDisk) -> bool:
    """Say whether a link of a run level starts its script: a unit of that name stands in for it otherwise."""
    found = re.fullmatch(r"/etc/rc[^/]*/S\d\d(.*?)(\.sh)?", line.file)
    path = on_disk.file(f"{found[1]}.service") if found else None
    return path is None or path.startswith("/run/systemd/generator")


_PACKAGED_HOOKS = (
    "bridge",
    "vlan",
    "ip",
    "mtuipv6",
    "ethtool",
    "wpasupplicant",
    "wireless-tools",
    "ifenslave",
)


def _is_hook_of_a_package(line: Line) -> bool:
    """Say whether a line is one of ifupdown's usual hooks, doing what the interface's stanza says."""
    folder, _, name = line.file.rpartition("/")
    return folder.startswith("/etc/network/if-") and name in _PACKAGED_HOOKS and "$" in line.text


_WPA_SCRIPTS = tuple(f"/etc/wpa_supplicant/{name}.sh" for name in ("functions", "ifupdown", "action_wpa"))
_WPA_LINES = (
    "ifup () {",
    'wpa_msg log "ifup $WPA_IFACE=$WPA_LOGICAL_IFACE"',
    'ip link set "$WPA_IFACE" up',
    'ifconfig "$WPA_IFACE" up',
)


def _is_of_wpasupplicant(line: Line) -> bool:
    """Say whether a line is as package wpasupplicant brings it, in the scripts its hooks of ifupdown run.

    They act on interfaces whose stanza has a wpa- option: the stanza tells of these, and what is wireless of
    them the control of wireless interfaces finds.
    """
    return line.file in _WPA_SCRIPTS and line.text.strip() in _WPA_LINES


def _parse(output: Output) -> BootCommands:
    rows = Rows(output, {"line": 1, "named": 1})
    found = []
    for (text,) in rows["line"]:
        told = re.fullmatch(r"(/[^:]*):(\d+):(.*)", text)
        if told is None:
            raise ParseError(f"grep printed {text[:80]!r}")
        found.append(Line(told[1], int(told[2]), told[3]))
    return BootCommands(tuple(found), frozenset(unit for (units,) in rows["named"] for unit in units.split()))


BOOT_COMMANDS = Probe("system.boot_commands", f"{_COMMAND}{PRINT_END}", _parse)


def sets(line: Line, key: str) -> tuple[str, ...]:
    """Return the values that a line writes to a kernel setting, `?` for one it does not tell; () for none.

    `key` is a path below /proc/sys; a `*` in it, and a variable or a glob in the line, stand for anything.
    """
    text = _PATTERN.sub(r"\1 ", line.text)
    if not _writes(text):
        return ()
    written = [_path(found) for found in _KEY.finditer(text)]
    if not written:
        named = re.search(r"\bsysctl\b(?!.*(-a\b|-n\b|-N\b))|systemd-sysctl\s+\S", text)
        return ("?",) if named and _passes(line.text, key) else ()
    if not any(_same(path, key) for path in written):
        return ()
    values = [found for pattern in _VALUES for found in re.findall(pattern, text)]
    return tuple(dict.fromkeys(values)) if len(values) >= len(written) else ("?",)


_PATTERN = re.compile(
    r"""(\bsysctl\b[^;&|]*?)\s(?:--pattern[=\s]|-r)\s*(?:'([^']*)'|"([^"]*)"|([^\s'";&|)]+))(?=[\s'";&|)]|$)"""
)


def _passes(text: str, key: str) -> bool:
    """Say whether the files that a line has sysctl(8) read may set a key, given its `--pattern`.

    That is matched with a key as a file writes it: with dots or slashes, after a `-` if errors are ignored.
    A pattern with more than the plainest signs, or more than one, is taken to match.
    """
    found = _PATTERN.search(text)
    if found is None or len(re.findall(r"\bsysctl\b|\s--pat|\s-\w*r", text)) != 2:
        return True
    pattern = next(group for group in found.groups()[1:] if group is not None)
    if not re.fullmatch(r"\^?(?:[\w/-]|\\?\.)+\$?", pattern):
        return True
    pattern = pattern.replace("\\", "")  # the shell may eat it; the dot then is any sign
    paths = [path for path in {key, *_ONE, *_ONE.values()} if _ONE.get(path, path) == _ONE.get(key, key)]
    if "*" in key:
        # Which interface is open: only what comes before its name can differ.
        head = key.split("*")[0]
        paths, pattern = [head], pattern[: len(head) + 1].rstrip("$") if pattern.startswith("^") else ""
    else:
        paths += [re.sub(r"/(conf|neigh)/[^/]+", rf"/\1/{one}", key) for one in ("all", "default", "*")]
    spelt = [
        f"{sign}{name}" for path in paths for name in (path, path.replace("/", ".")) for sign in ("", "-")
    ]
    return any(re.search(pattern, name) for name in spelt)


_KEY = re.compile(r"(?:/proc/sys/|(?<![\w/.])/?)((?:net|kernel|fs|vm)[./][^\s=;'\"|&)}]+)")
_VALUES = (
    r"(?:net|kernel|fs|vm)[./][^\s=;'\"|&)}]+\s*=\s*['\"]?(-?\d+)\b",
    r"SYSCTL\{[^}]*\}\s*=\s*\"?(-?\d+)\b",
    r"(?:echo|printf)\s+(?:-n\s+)?['\"]?(-?\d+)\b['\"]?\s*(?:>+|\|\s*tee(?:\s+-a)?)\s*['\"]?/proc/sys/",
    r"^\s*[wf]\S*\s+/proc/sys/\S+(?:\s+-){4}\s+(-?\d+)\s*$",
)


def _writes(text: str) -> bool:
    asks = re.search(r"\bsysctl\b", text) is None and "SYSCTL{" not in text
    return not asks or bool(
        re.search(r">\s*['\"]?(/proc/sys/|\$)|\b(tee|for|dd|cp|sed|install)\b|^\s*[wfCL]\S*\s+/proc", text)
    )


def _path(found: re.Match[str]) -> str:
    key = found[1]
    first = re.search(r"[./]", key)
    if first is not None and first[0] == ".":
        key = key.translate(str.maketrans("./", "/."))
    parts = [part for part in key.split("/") if part not in ("", ".")]
    return "/".join("*" if re.search(r"[$*?\[{]", part) else part for part in parts)


_ONE = {"net/ipv4/ip_forward": "net/ipv4/conf/all/forwarding"}


def _same(written: str, key: str) -> bool:
    """Say whether two paths may name one setting; what sets `all` sets every interface."""
    one, two = (_ONE.get(path, path).split("/") for path in (written, key))
    if "*" in one and len(one) != len(two):
        return one[: one.index("*")] == two[: one.index("*")]
    return len(one) == len(two) and all(a == b or "*" in (a, b) for a, b in zip(one, two, strict=True))


def loads(lines: Iterable[Line], module: str) -> list[Line]:
    """Return the lines that load a module whatever modprobe.d says, or may: by a name they do not tell."""
    found = []
    for line in lines:
        if not re.search(r"\binsmod\b|\bmodprobe\b.*\s(-i|--ignore-install)\b", line.text):
            continue
        names = {
            posixpath.basename(word).split(".ko")[0].replace("-", "_")
            for word in re.split(r"[\s'\";]+", line.text)
        }
        install = re.match(r"\s*install\s+(\S+)", line.text) if "/modprobe.d/" in line.file else None
        if install and glob_matches(module, install[1].replace("-", "_")):
            continue  # whether it counts, the order of modprobe.d says
        if module in names or "$" in line.text:
            found.append(line)
    return found

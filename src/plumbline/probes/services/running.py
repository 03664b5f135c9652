"""What runs now: processes with their units, accounts and capabilities, active units, and what listens.

Of a command line the first word is printed; more only of programs that run another or open a port as their
arguments say (shells, interpreters, inetd-like wrappers), and of those only words that hold no secret: paths,
names of options, of modules and applets, ports.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.services.sockets import SOCKET_FIELDS, Socket, is_loopback, sockets_of
from plumbline.probes.tagged import PRINT_END, Rows

_SPEAKING = (
    "^-?((ba|da|z|k|a)?sh|busybox|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|node|nodejs|java|php[0-9.]*|mono|dotnet|"
    "socat1?|nc|ncat|netcat|nc\\\\..*|env|systemd-socket-activate|(tcp|udp|ipsv)svd|tcpserver|(x)?inetd|Xorg|X|"
    "Xvnc|X(tiger|tight)vnc|x11vnc|x0vncserver|stunnel4?|in\\\\..*|busybox\\\\..*)$"
)

_COMMAND = rf"""
{{
find /proc/[0-9]*/exe /proc/[0-9]*/ns/net -maxdepth 0 -printf 'link\t%p\t%l\0' 2>/dev/null | tr '\n\000' '?\n'
grep -sH '' /proc/[0-9]*/cgroup | sed 's/^/cgroup\t/'
grep -azsH '' /proc/[0-9]*/cmdline | tr '\n\t\000' '??\n' | sed 's/^/word\t/'
cat /proc/[0-9]*/status 2>/dev/null
}} | awk -F '\t' '
$1 == "link" {{
    split($2, part, "/")
    if (part[4] == "exe") exe[part[3]] = $3; else net[part[3]] = $3
    next
}}
$1 == "cgroup" {{
    split($2, part, "/")
    path = $2
    sub(/^\/proc\/[0-9]*\/cgroup:/, "", path)
    if (path ~ /^0::/ || path ~ /^[0-9]+:name=systemd:/) {{
        sub(/^[0-9]+:[^:]*:/, "", path)
        if (length(path) > length(cgroup[part[3]])) cgroup[part[3]] = path
    }}
    next
}}
$1 == "word" {{
    split($2, part, "/")
    pid = part[3]
    word = $2
    sub(/^\/proc\/[0-9]*\/cmdline:/, "", word)
    count[pid]++
    if (count[pid] == 1) {{
        words[pid] = substr(word, 1, 60)
        name = word
        sub(/.*\//, "", name)
        program = exe[pid]
        sub(/ \(deleted\)$/, "", program)
        sub(/.*\//, "", program)
        # A process may call itself what it likes.
        speaks[pid] = name ~ /{_SPEAKING}/ || program ~ /{_SPEAKING}/
    }} else if (speaks[pid] && count[pid] <= 6) {{
        if (word ~ /^(TCP|UDP|SCTP|OPENSSL|SSL|EXEC|SYSTEM|UNIX|VSOCK|STDIO|PTY)[0-9A-Z-]*:/)
            sub(/[, ].*/, ",", word)
        else if (word ~ /^--[a-z][a-z0-9-]*=/) sub(/=.*/, "=", word)
        else if (word ~ /^-[a-zA-Z]/ && word !~ /^--/) word = substr(word, 1, 2)
        else if (word !~ /^(\/[^ ]*|--[a-z][a-z0-9-]*|[a-z][a-z0-9_.]*|[0-9]+|:[0-9]+)$/) word = "?"
        words[pid] = words[pid] " " substr(word, 1, 120)
    }}
    next
}}
$1 == "Name:" {{
    if (pid_of != "") tell()
    name_of = $2
    pid_of = uids = groups = eff = permitted = ambient = ""
    memory = 0
}}
$1 == "Pid:" {{ pid_of = $2 }}
$1 == "PPid:" {{ parent = $2 }}
$1 == "Uid:" {{ uids = $2 "," $3 "," $4 }}
$1 == "Groups:" {{ groups = $2 }}
$1 == "VmSize:" {{ memory = 1 }}
$1 == "CapEff:" {{ eff = $2 }}
$1 == "CapPrm:" {{ permitted = $2 }}
$1 == "CapAmb:" {{ ambient = $2 }}
END {{ if (pid_of != "") tell() }}
function tell() {{
    # A program that began or ended between the looks, such as those of this command, is not told.
    if (!memory || exe[pid_of] == "" || cgroup[pid_of] == "") return
    print "process\t" pid_of "\t" parent "\t" uids "\t" groups "\t" eff "," permitted "," \
        ambient "\t" net[pid_of] "\t" cgroup[pid_of] "\t" exe[pid_of] "\t" name_of "\t" words[pid_of]
}}'
u=$(systemctl list-units --type=service,socket,timer,path --state=active,activating,reloading \
    --no-legend --plain --full) || exit 9
printf '%s\n' "$u" | sed 's/^/unit\t/'
s=$(ss -Hlnpe -A tcp,udp,sctp) || exit 9
[ -z "$s" ] || printf '%s\n' "$s" | sed 's/^/socket\t/'
systemctl list-sockets --no-legend --full --show-types | sed 's/^/activating\t/'
# Not by `read`: the kernel gives such a file only to who reads it in one piece.
range=$(cat /proc/sys/net/ipv4/ip_local_port_range) || exit 9
printf 'ephemeral\t%s\n' "$range"
own=$(readlink /proc/1/ns/net)
find /proc/[0-9]*/ns/net -maxdepth 0 -printf '%l %h\n' 2>/dev/null | sort -u -k 1,1 | while read -r net at; do
    # A process that ended meanwhile has no link to tell.
    case $net in "$own") continue ;; net:*) ;; *) continue ;; esac
    pid=${{at#/proc/}}
    for kind in tcp tcp6 udp udp6; do
        awk -v pid="${{pid%/ns}}" -v kind=$kind 'FNR > 1 && ($4 == "0A" || $4 == "07" && kind ~ /udp/) {{
            print "elsewhere\t" pid "\t" kind "\t" $2 }}' "/proc/${{pid%/ns}}/net/$kind" 2>/dev/null
    done
done
{PRINT_END}
"""

_FIELDS = {"process": 10, "unit": 1} | SOCKET_FIELDS

_INTERPRETER = re.compile(
    r"(python|perl|ruby|php)[\d.]*|(ba|da|z|k|a)?sh|node|nodejs|mono|dotnet|busybox|env"
)


def is_interpreter(path: str) -> bool:
    """Say whether a program does what its arguments say."""
    return bool(_INTERPRETER.fullmatch(posixpath.basename(path)))


@dataclass(frozen=True)
class Process:
    """A process with memory of its own (no thread of the kernel, no zombie).

    `uids`: real, effective and saved; `groups`: the supplementary ones; `capabilities`: the numbers of those
    that are effective, permitted or ambient; `exe`: the program's path, with ` (deleted)` when it is gone.
    """

    pid: int
    parent: int
    uids: tuple[int, ...]
    groups: tuple[int, ...]
    capabilities: frozenset[int]
    network: str
    cgroup: str
    exe: str
    name: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        told = " ".join(self.words) or self.name
        return f"{told} (process {self.pid}, {self.exe or self.name})"

    @property
    def path(self) -> str:
        """The program's path, whether it still is there or not."""
        return self.exe.removesuffix(" (deleted)")

    @property
    def binary(self) -> str:
        """The name of the program itself, an interpreter's where it runs a script."""
        return posixpath.basename(self.path) or self.name

    @property
    def script(self) -> str:
        """The script, module or applet that an interpreter runs; empty if its words do not tell it."""
        if not _INTERPRETER.fullmatch(self.binary):
            return ""
        words = list(self.words[1:])
        while words and words[0].startswith("-") and words[0] != "-m":
            words.pop(0)
        if words[:1] == ["-m"]:
            words.pop(0)
        return words[0] if words else ""

    @property
    def program(self) -> str:
        """The program's name; of an interpreter the script's, module's or applet's, if its words tell it."""
        return posixpath.basename(self.script) or self.binary

    @cached_property
    def unit(self) -> str:
        """The unit of the system manager it runs in: a service or a scope; empty for none."""
        parts = [part for part in self.cgroup.split("/") if part]
        return next((part for part in parts if part.endswith((".service", ".scope"))), "")

    @cached_property
    def user_unit(self) -> str:
        """The unit of a user's own manager it runs in; empty if it does not run in one.

        Where it has left every unit, as a user may in his own part, the name of the part it is in.
        """
        _, at, below = self.cgroup.partition("/user@")
        parts = [part for part in below.split("/")[1:] if part] if at else []
        return next(
            (part for part in parts if part.endswith((".service", ".scope"))), parts[-1] if parts else ""
        )

    @property
    def in_session(self) -> bool:
        """Whether it runs in a person's session, or one of cron's where they are sessions too."""
        return "/user.slice/" in self.cgroup and bool(re.search(r"/session-[^/]*\.scope", self.cgroup))

    @property
    def is_root(self) -> bool:
        """Whether it has root's rights, or can take them back."""
        return 0 in self.uids


@dataclass(frozen=True)
class Elsewhere:
    """A listener in another network namespace, seen through one process in it."""

    process: int
    protocol: str
    address: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only processes in the same namespace can reach it."""
        return is_loopback(self.address)

    def __str__(self) -> str:
        return f"{self.protocol} {self.address}:{self.port} (network namespace of process {self.process})"


@dataclass(frozen=True)
class Running:
    """What runs and listens now; `units` are active ones with what they do (`running`, `exited`, …)."""

    processes: dict[int, Process]
    units: dict[str, str]
    sockets: tuple[Socket, ...]
    elsewhere: tuple[Elsewhere, ...] = field(default=())

    def holders(self, socket: Socket) -> list[Process]:
        """Return the processes that hold a socket; without the manager, where it opened it for another."""
        found = [self.processes[pid] for pid in socket.pids if pid in self.processes]
        return [process for process in found if process.pid != 1] or found

    def of_unit(self, unit: str) -> list[Process]:
        """Return the processes of a unit."""
        return [process for process in self.processes.values() if process.unit == unit]


def _process(row: tuple[str, ...]) -> Process:
    pid, parent, uids, groups, capabilities, network, cgroup, exe, name, words = row
    bits = 0
    for mask in capabilities.split(","):
        bits |= int(mask or "0", 16)
    return Process(
        pid=int(pid),
        parent=int(parent),
        uids=tuple(int(uid) for uid in uids.split(",")),
        groups=tuple(int(gid) for gid in groups.split()),
        capabilities=frozenset(number for number in range(64) if bits >> number & 1),
        network=network,
        cgroup=cgroup,
        exe=exe,
        name=name,
        words=tuple(words.split()),
    )


def _units(rows: Iterable[tuple[str, ...]]) -> dict[str, str]:
    found = {}
    for (line,) in rows:
        words = line.split()
        if len(words) >= 4:
            found[words[0]] = words[3]
    return found


def _parse(output: Output) -> Running:
    rows = Rows(output, _FIELDS)
    processes: dict[int, Process] = {}
    for row in rows["process"]:
        process = _process(row)
        if process.pid in processes:
            raise ParseError(f"process {process.pid} is told twice")
        processes[process.pid] = process
    if 1 not in processes:
        raise ParseError("the first process is not told")
    units = _units(rows["unit"])
    if not units:
        raise ParseError("systemd names no active unit")
    elsewhere = tuple(_elsewhere(row) for row in rows["elsewhere"])
    return Running(processes, units, sockets_of(rows), elsewhere)


def _elsewhere(row: tuple[str, ...]) -> Elsewhere:
    process, kind, local = row
    address, _, port = local.partition(":")
    words = [address[i : i + 8] for i in range(0, len(address), 8)]
    data = b"".join(bytes.fromhex(word)[::-1] for word in words)
    if len(data) == 16 and data[:12] == b"\0" * 10 + b"\xff\xff":
        data = data[12:]
    told = ".".join(map(str, data)) if len(data) == 4 else "[" + _ipv6(data) + "]"
    return Elsewhere(int(process), kind.removesuffix("6"), told, int(port, 16))


def _ipv6(data: bytes) -> str:
    import ipaddress

    return str(ipaddress.IPv6Address(data))


RUNNING: Probe[Running] = Probe("services.running", _COMMAND, _parse)

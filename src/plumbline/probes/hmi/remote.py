"""Remote sessions: what listens for operators at thin clients, and how xrdp protects them (xrdp.ini(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.files import FIELDS, ConfigFile, print_files, read_files
from plumbline.probes.ini import sections
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Reading

_XRDP = print_files(["/etc/xrdp/xrdp.ini"], r'/^[ \t]*[^ \t=]*(password|user)/ { sub(/=.*/, "=") }')
_COMMAND = rf"""
command -v ss >/dev/null || exit 9
sockets=$(ss -Hltnup) || exit 9
printf '%s\n' "$sockets" | sed -n 's/^./listen\t&/p'
for p in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$p/comm" || continue
    case $name in xrdp) tr '\000\n\t' '   ' 2>/dev/null <"$p/cmdline" | sed 's/^/xrdp\t/; s/$/\n/' ;; esac
done
if command -v xrdp >/dev/null; then echo 'installed	xrdp'; fi
{_XRDP}
{PRINT_END}
"""

_SERVERS = {
    "rdp": r"xrdp|freerdp-shadow.*|gnome-remote-de.*|krdpserver",
    "vnc": r"X?(tiger|tight|real)?vnc.*|x11vnc|x0(tiger)?vnc.*|vino-server|krfb|wayvnc|.*[Vv][Nn][Cc].*",
    "x11": r"X|Xorg|Xvfb|Xnest|Xephyr|Xwayland",
    "xdmcp": r"xdm|wdm",
    "telnet": r"(in\.)?telnetd",
    "rlogin": r"(in\.)?(rlogind|rshd|rexecd)",
    "nx": r"nxd|nxserver.*|nxnode.*",
    "teamviewer": r"teamviewerd|TeamViewer.*",
    "anydesk": r"anydesk",
    "rustdesk": r"rustdesk",
    "spice": r"spice.*",
    "shellinabox": r"shellinaboxd|ttyd|wetty|gotty",
}
"""Protocol -> names of programs that bring sessions by it."""


def _protocol_of_port(kind: str, port: int) -> str | None:
    """Return the protocol of remote sessions a port is known for."""
    if kind == "udp":
        return "xdmcp" if port == 177 else None
    if 5900 <= port <= 5999 or 5800 <= port <= 5899:
        return "vnc"
    if 6000 <= port <= 6063:
        return "x11"
    return {
        23: "telnet",
        443: "https",
        512: "rlogin",
        513: "rlogin",
        514: "rlogin",
        3389: "rdp",
        4000: "nx",
    }.get(port)


@dataclass(frozen=True)
class Listener:
    """Something that takes sessions from other machines: by which protocol, where, which program."""

    protocol: str
    where: str
    program: str

    def __str__(self) -> str:
        return f"{self.protocol}: {self.where} ({self.program})"


@dataclass(frozen=True)
class RemoteFacts:
    """Listeners that other machines reach; xrdp: installed or not, its command lines, its configuration."""

    listeners: list[Listener]
    has_xrdp: bool
    xrdp: list[str]
    files: dict[str, ConfigFile]

    def xrdp_setting(self, key: str) -> Reading:
        """Return a setting of xrdp's [Globals] with its place; of a key given twice the last counts."""
        found = Reading(key, None, "set nowhere")
        for file in self.files.values():
            for section in sections(file):
                for entry in section.entries:
                    if section.name.lower() == "globals" and entry.key.lower() == key:
                        found = Reading(key, entry.value, entry.where)
        return found


_SOCKET = re.compile(r"(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+\s*(.*)")
_LOOPBACK = re.compile(r"127\.|\[::1\]|\[::ffff:127\.|.*%lo$")


def _listener(line: str) -> Listener | None:
    found = _SOCKET.match(line)
    if found is None:
        raise ValueError(f"ss printed {line[:80]!r}")
    kind, address, port, users = found.groups()
    if _LOOPBACK.match(address):
        return None
    programs = re.findall(r'"([^"]*)"', users)
    by_port = _protocol_of_port(kind, int(port))
    for protocol, pattern in _SERVERS.items():
        if any(re.fullmatch(pattern, program) for program in programs):
            by_port = protocol
            break
    if by_port is None:
        return None
    return Listener(by_port, f"{kind} {address}:{port}", ", ".join(sorted(set(programs))) or "—")


def _remote(output: Output) -> RemoteFacts:
    rows = Rows(output, {"listen": 1, "xrdp": 1, "installed": 1} | FIELDS)
    listeners = [_listener(line) for (line,) in rows["listen"]]
    return RemoteFacts(
        listeners=[listener for listener in listeners if listener is not None],
        has_xrdp=bool(rows["installed"]),
        xrdp=[line.strip() for (line,) in rows["xrdp"] if line.strip()],
        files=read_files(rows),
    )


REMOTE = Probe("hmi.remote", _COMMAND, _remote)

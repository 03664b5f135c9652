"""Database servers on the host, however they got there: packages, programs, units, data, containers.

Programs and data are sought where suppliers put them, down to six levels, for two seconds at most and with
the lowest priority; a search that was cut short is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.database import engines
from plumbline.probes.database.engines import Engine
from plumbline.probes.tagged import PRINT_END, Rows

SEARCH_SECONDS = 2

_PROGRAMS = engines.all_programs()
_NAMES = " -o ".join(f"-name {name}" for name in _PROGRAMS)
_MARKERS = " -o ".join(f"-name {name}" for name in engines.all_markers())
_CASES = "|".join(dict.fromkeys(name[:15] for name in _PROGRAMS))
_IN_IMAGES = (
    "usr/sbin/mariadbd usr/sbin/mysqld usr/bin/mongod usr/local/bin/redis-server usr/bin/redis-server "
    "usr/local/bin/valkey-server usr/bin/influxd usr/lib/postgresql/*/bin/postgres usr/local/bin/postgres "
    "usr/local/bin/mysqld opt/mssql/bin/sqlservr opt/firebird/bin/firebird usr/local/firebird/bin/firebird"
)

_PACKAGES = (
    "sql|maria|percona|mongo|redis|valkey|keydb|influx|firebird|oracle|db2|edb|click|couch|cassandra|scylla|"
    "cockroach|tdengine|questdb|hana|sybase|informix|ferret"
)
_CONTAINED = r"s/.*[/:](docker|libpod|crio|cri-containerd|lxc|machine)[-./].*/container/p"
_PATHS = (
    "/opt /usr/local /srv /home /root /data /u01 /var/lib /var/opt "
    "/usr/bin /usr/sbin /usr/libexec /usr/lib/postgresql"
)
_LOCAL = "ext[234]|xfs|btrfs|zfs|jfs|f2fs|overlay"
_OTHERS = r"\/($|boot|var\/lib\/(docker|containers)|run\/|snap\/)"
_PRUNED = " -o ".join(
    f"-path {path}"
    for path in ("/var/lib/docker", "/var/lib/containers", "/var/lib/dpkg", "/var/lib/apt", "'*/base'")
)
_NO_START = "[#;]|[A-Za-z]*(Description|Documentation|Path|Paths|PIDFile|Condition)[A-Za-z]*="
_PODMAN = "containers/storage/overlay-containers/containers.json"

_COMMAND = rf"""
if command -v dpkg-query >/dev/null; then
    dpkg-query -W -f='${{db:Status-Status}}\t${{Package}}\t${{Version}}\n' | grep -E '	.*({_PACKAGES})' |
        grep -vE '^(not-installed|config-files)	' | sed 's/^/package\t/'
fi
for d in /snap/*; do [ ! -d "$d/current" ] || printf 'snap\t%s\n' "${{d#/snap/}}"; done
for p in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$p/comm" || continue
    case $name in {_CASES}|*_pmon_*) ;; *) continue ;; esac
    printf 'process\t%s\t%s\t%s\t%s\n' "${{p#/proc/}}" "$(readlink "$p/exe")" \
        "$(sed -nE '{_CONTAINED}' "$p/cgroup" | head -n 1)" "$name"
done
if command -v ss >/dev/null; then
    sockets=$(ss -Hltnp) || exit 9
    printf '%s\n' "$sockets" | sed -n 's/^./listen\t&/p'
fi
awk '$8 ~ /\.s\.PGSQL\.[0-9]+$|\/mysql[^\/]*\.sock$|\/(redis|valkey)[^\/]*\.sock$|\/mongodb-[0-9]+\.sock$/ {{
    print "socket\t" $8 }}' /proc/net/unix | sort -u
set --
for d in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system; do
    for f in "$d"/*.service "$d"/*.service.d/*.conf; do [ ! -f "$f" ] || set -- "$@" "$f"; done
done
[ $# -eq 0 ] || grep -HnE '/({_CASES})([^A-Za-z0-9_.-]|$)' "$@" |
    grep -vE '^[^:]*:[0-9]+:[[:space:]]*({_NO_START})' |
    sed -nE 's#^([^:]*:[0-9]+):.*/({_CASES})([^A-Za-z0-9_.-].*)?$#unit\t\1\t\2#p'
set --
for d in {_PATHS}; do [ ! -d "$d" ] || set -- "$@" "$d"; done
for d in $(awk '$3 ~ /^({_LOCAL})$/ && $2 !~ /^{_OTHERS}/ && $2 !~ /\\/ {{ print $2 }}' /proc/mounts); do
    set -- "$@" "$d"
done
calm=''
! command -v ionice >/dev/null || calm='ionice -c 3'
found=$(timeout {SEARCH_SECONDS} nice -n 19 $calm find "$@" -xdev -maxdepth 6 2>/dev/null \
    \( {_PRUNED} -o -name .git -o -name node_modules -o -name pg_wal \) -prune -o -type f \
    \( \( {_NAMES} \) -perm /111 -printf 'program\t%p\n' -o \( {_MARKERS} \) -printf 'data\t%p\n' \))
[ $? -ne 124 ] || echo 'cut	{SEARCH_SECONDS}'
[ -z "$found" ] || printf '%s\n' "$found" | sort -u | head -n 100
for place in /var/lib/docker/overlay2/*/diff /var/lib/containers/storage/overlay/*/diff /var/lib/machines/* \
    /var/lib/lxc/*/rootfs /var/snap/docker/common/var-lib-docker/overlay2/*/diff \
    /home/*/.local/share/containers/storage/overlay/*/diff; do
    [ -d "$place" ] || continue
    for f in {_IN_IMAGES}; do
        for g in "$place"/$f; do [ ! -f "$g" ] || printf 'program\t%s\n' "$g"; done
    done
done
for f in /var/lib/docker/containers/*/config.v2.json /var/lib/{_PODMAN} /home/*/.local/share/{_PODMAN}; do
    [ ! -f "$f" ] || grep -oE '"(Image|image-name|[Nn]ame)"[: \\"]+[^"\\,]+' "$f" | sed "s|^|image	$f	|"
done
{PRINT_END}
"""

_FIELDS = {
    "package": 3,
    "snap": 1,
    "process": 4,
    "listen": 1,
    "socket": 1,
    "unit": 2,
    "program": 1,
    "data": 1,
    "image": 2,
    "cut": 1,
}


@dataclass(frozen=True)
class Found:
    """A sign of a database server: of which engine, and what shows it where; `data` alone is no server."""

    engine: Engine
    sign: str
    running: bool = False
    data: bool = False
    contained: bool = False

    def __str__(self) -> str:
        return f"{self.engine.name}: {self.sign}"


@dataclass(frozen=True)
class ServerFacts:
    """What shows database servers; `cut`: seconds after which the search for programs and data was ended."""

    found: list[Found]
    cut: int | None

    @property
    def installed(self) -> list[Found]:
        """The signs of servers, whether they run or not."""
        return [found for found in self.found if not found.data]

    @property
    def engines(self) -> list[Engine]:
        """The engines that are there."""
        return list(dict.fromkeys(found.engine for found in self.installed))


_SOCKET = re.compile(r"LISTEN\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+\s*(.*)")


def _listening(line: str) -> Found | None:
    matched = _SOCKET.match(line)
    if matched is None:
        raise ValueError(f"ss printed {line[:80]!r}")
    address, port, users = matched[1], int(matched[2]), re.findall(r'"([^"]*)",pid=(\d+)', matched[3])
    names = [name for name, _ in users]
    engine = next((e for e in map(engines.of_program, names) if e is not None), None)
    if engine is None:
        engine = engines.of_port(port)
        if not names or all(name in engines.HARMLESS_LISTENERS or name == "systemd" for name in names):
            engine = None if names else engine
    if engine is None:
        return None
    who = ", ".join(sorted({f"{name}, process {pid}" for name, pid in users})) or "nobody named"
    return Found(engine, f"listens on {address}:{port} ({who})", running=True)


def _of_sockets(path: str) -> Found:
    words = {"PGSQL": "PostgreSQL", "mysql": "MariaDB/MySQL", "mongodb": "MongoDB"}
    name = next((engine for word, engine in words.items() if word in path), "Redis/Valkey")
    return Found(engines.by_name(name), f"listens on {path}", running=True)


def _servers(output: Output) -> ServerFacts:
    rows = Rows(output, _FIELDS)
    signs: list[Found | None] = []
    for status, package, version in rows["package"]:
        if status != "config-files" and (engine := engines.of_package(package)):
            signs.append(Found(engine, f"package {package} {version}"))
    for (snap,) in rows["snap"]:
        if engine := engines.of_package(snap):
            signs.append(Found(engine, f"snap {snap}"))
    seen: set[tuple[str, str]] = set()
    for pid, program, container, name in rows["process"]:
        running = engines.of_program(program) or engines.of_program(name)
        if running and (program, container) not in seen:
            seen.add((program, container))
            told = f"process {pid} runs {program or name}" + (" in a container" if container else "")
            signs.append(Found(running, told, running=True, contained=bool(container)))
    signs += [_listening(line) for (line,) in rows["listen"]]
    signs += [_of_sockets(path) for (path,) in rows["socket"]]
    for place, program in rows["unit"]:
        if engine := engines.of_program(program):
            signs.append(Found(engine, f"{place} starts {program}"))
    for (path,) in rows["program"]:
        if engine := engines.of_program(path):
            signs.append(Found(engine, f"program {path}"))
    for (path,) in rows["data"]:
        if engine := engines.of_marker(path):
            signs.append(Found(engine, f"data {path}", data=True))
    for file, image in rows["image"]:
        named = re.sub(r'^"[^"]*"[: \\"]+', "", image)
        if engine := engines.of_image(named):
            signs.append(Found(engine, f"container {named} ({file})", contained=True))
    cut = int(rows["cut"][0][0]) if rows["cut"] else None
    return ServerFacts(list(dict.fromkeys(sign for sign in signs if sign is not None)), cut)


SERVERS = Probe("database.servers", _COMMAND, _servers)

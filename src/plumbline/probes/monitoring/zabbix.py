"""Zabbix agent 2's configuration, with all it includes: who may ask, how it encrypts, what it runs.

The last of several values of one key counts (seen with 6.0). Rules for keys count in the order they stand,
the first that matches decides; commands are refused where no rule says otherwise.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.monitoring.agents import ZABBIX_FILE
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Seen

_KEYS = (
    "Server|ServerActive|ListenIP|ListenPort|Hostname|HostnameItem|TLS[A-Za-z0-9]+|AllowKey|DenyKey|"
    "UserParameter|UnsafeUserParameters|Alias|Include|StatusPort"
)
_FILES_MAX = 200
_DEPTH = 10

_COMMAND = rf"""main={ZABBIX_FILE}
[ -f "$main" ] || {{ echo end; exit 0; }}
n=0
tell() {{
    n=$((n + 1))
    [ "$n" -le {_FILES_MAX} ] || exit 9
    case $1 in *[[:cntrl:]]*) exit 9;; esac
    stat -L --printf 'file\t%.9Z\t%n\n' "$1" || exit 9
    grep -nE '^[[:space:]]*({_KEYS})[[:space:]]*=' "$1" |
        sed -E '/^[0-9]+:[[:space:]]*UserParameter/{{
            s/^([^,]*),.*\$[0-9*@#].*$/\1,$/
            t
            s/^([^,]*),.*$/\1,/
        }}' | while IFS= read -r l; do printf 'line\t%s\t%s\t%s\n' "$1" "${{l%%:*}}" "${{l#*:}}"; done
}}
IFS='
'
queue=$main
seen=
depth=0
while [ -n "$queue" ]; do
    depth=$((depth + 1)); [ "$depth" -le {_DEPTH} ] || exit 9
    later=
    for f in $queue; do
        tell "$f"
        seen=$seen$f$IFS
        set -f
        for i in $(sed -nE 's/[[:space:]]*$//; s/^[[:space:]]*Include[[:space:]]*=[[:space:]]*//p' "$f"); do
            case $i in /*) p=$i;; *) p=${{main%/*}}/$i;; esac
            d=$p; [ -d "$p" ] || d=${{p%/*}}
            [ ! -d "$d" ] || stat -L --printf 'folder\t%.9Z\t%n\n' "$d"
            [ ! -d "$p" ] || p=${{p%/}}/*
            set +f
            for g in $p; do
                [ -f "$g" ] || continue
                printf 'include\t%s\t%s\t%s\n' "$f" "$i" "$g"
                later="$later$g$IFS"
            done
            set -f
        done
        set +f
    done
    queue=$later
done
for f in $(sed -nE 's/[[:space:]]*$//; s/^[[:space:]]*TLSPSKFile[[:space:]]*=[[:space:]]*//p' $seen); do
    [ ! -f "$f" ] || printf 'psk\t%s\t%s\t%s\n' "$(stat -L --printf '%a %U %.9Z' "$f")" \
        "$(tr -d '[:space:]' <"$f" | wc -c)" "$f"
done
"""


@dataclass(frozen=True)
class Setting:
    """One line of the configuration: key, value, and where it stands."""

    key: str
    value: str
    where: str

    def __str__(self) -> str:
        return f"{self.key}={self.value} ({self.where})"


@dataclass(frozen=True)
class PskFile:
    """The file with the agent's key: mode, owner, and how many bits its key has; never the key itself."""

    path: str
    mode: str
    owner: str
    bits: int

    def __str__(self) -> str:
        return f"{self.path} (mode {self.mode}, owner {self.owner})"


@dataclass(frozen=True)
class Configuration:
    """The settings in the order they are read; `changed`: path -> when it last changed (seconds, epoch)."""

    settings: tuple[Setting, ...]
    psk_files: dict[str, PskFile]
    changed: dict[str, float]

    @property
    def there(self) -> bool:
        """Whether there is a configuration at all."""
        return bool(self.changed)

    def last(self, key: str) -> Setting | None:
        """Return the setting of a key that counts: the last one."""
        return next((each for each in reversed(self.settings) if each.key == key), None)

    def listed(self, key: str) -> list[Seen]:
        """Return the values of a comma-separated key, each with where it stands."""
        setting = self.last(key)
        parts = setting.value.split(",") if setting else []
        return [Seen(part.strip(), f"{key}, {setting.where}") for part in parts if setting and part.strip()]


def _configuration(output: Output) -> Configuration:
    rows = Rows(output, {"file": 2, "line": 3, "folder": 2, "include": 3, "psk": 3})
    by_file: dict[str, list[tuple[int, str]]] = {path: [] for _, path in rows["file"]}
    for path, number, text in rows["line"]:
        by_file[path].append((int(number), text))
    included: dict[tuple[str, str], list[str]] = {}
    for path, written, target in rows["include"]:
        targets = included.setdefault((path, written), [])
        if target not in targets:
            targets.append(target)
    if by_file and ZABBIX_FILE not in by_file:
        raise ParseError(f"{ZABBIX_FILE} is not among the files")
    settings = tuple(_flat(ZABBIX_FILE, by_file, included, 0)) if by_file else ()
    psk = {}
    for told, digits, path in rows["psk"]:
        mode, owner, _ = told.split(" ")
        psk[path] = PskFile(path, mode, owner, int(digits) * 4)
    changed = {path: float(when) for when, path in (*rows["file"], *rows["folder"])}
    changed |= {path: float(told.split(" ")[2]) for told, _, path in rows["psk"]}
    return Configuration(settings, psk, changed)


def _flat(
    path: str,
    by_file: dict[str, list[tuple[int, str]]],
    included: dict[tuple[str, str], list[str]],
    depth: int,
) -> Iterator[Setting]:
    """Yield the settings as the agent reads them: an included file stands where it is included."""
    if depth > _DEPTH:
        raise ParseError(f"{path} is included by itself")
    for number, text in by_file[path]:
        key, _, value = text.partition("=")
        key, value = key.strip(), value.strip()
        if key == "Include":
            for target in included.get((path, value), []):
                yield from _flat(target, by_file, included, depth + 1)
        else:
            yield Setting(key, value, f"{path}:{number}")


CONFIGURATION: Probe[Configuration] = Probe("monitoring.zabbix", _COMMAND + PRINT_END, _configuration)

_UNSET = "unencrypted"


def accepted_connections(found: Configuration) -> list[Seen]:
    """Return how servers may ask: what `TLSAccept` lists, and `unencrypted` where it is left out.

    A port for the agent's state answers anybody, in the clear.
    """
    told = found.listed("TLSAccept") or [Seen(_UNSET, "TLSAccept is not set")]
    port = found.last("StatusPort")
    return told + ([Seen(_UNSET, str(port))] if port is not None and port.value not in ("", "0") else [])


def own_connections(found: Configuration) -> list[Seen]:
    """Return how the agent reports; nothing if it reports to nobody."""
    if not found.listed("ServerActive"):
        return []
    return found.listed("TLSConnect") or [Seen(_UNSET, "TLSConnect is not set")]


def servers(found: Configuration) -> list[Seen]:
    """Return who may ask and whom it reports to, in small letters.

    Ports are left out, as are those of a cluster's nodes; a network of one address is that address.
    """
    told = [Seen(_alone(one.bare), one.where) for one in found.listed("Server")]
    for one in found.listed("ServerActive"):
        for node in one.bare.split(";"):
            name = re.sub(r"(?<=[^:]):\d+$|^\[(.*)\](:\d+)?$", r"\1", node.strip())
            told.append(Seen(_alone(name), one.where))
    return told


def _alone(server: str) -> str:
    """Return a server as it is compared: `10.0.0.1/32` as `10.0.0.1`, names in small letters."""
    try:
        network = ipaddress.ip_network(server)
    except ValueError:
        return server.lower()
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def commands(found: Configuration) -> list[str]:
    """Return what lets a server run commands of its own choice."""
    told = list(_rules(found.settings))
    unsafe = found.last("UnsafeUserParameters")
    told += [str(unsafe)] if unsafe is not None and unsafe.value != "0" else []
    told += [
        f"UserParameter={each.value}… ({each.where})"
        for each in found.settings
        if each.key == "UserParameter" and each.value.endswith(",$")
    ]
    return told


def _rules(settings: Sequence[Setting]) -> Iterator[str]:
    """Yield the rules that allow `system.run` with some command before a rule denies it with any."""
    for each in settings:
        if each.key not in {"AllowKey", "DenyKey"}:
            continue
        name, bracket, parameters = each.value.partition("[")
        if not fnmatch.fnmatchcase("system.run", name) or (not bracket and name != "*"):
            continue
        if each.key == "AllowKey":
            yield str(each)
        elif name == "*" or parameters == "*]":
            return


def weak_keys(found: Configuration, bits: Container[object], *, uses_psk: bool) -> list[str]:
    """Return what is wrong with the key that both sides have: too short, readable by others, or absent."""
    if not uses_psk:
        return []
    setting = found.last("TLSPSKFile")
    if setting is None:
        return ["TLSPSKFile is not set"]
    file = found.psk_files.get(setting.value)
    if file is None:
        return [f"{setting.value} is absent ({setting.where})"]
    told = [] if file.bits in bits else [f"{file}: {file.bits} bit"]
    return told + ([] if int(file.mode, 8) & 0o077 == 0 else [f"{file}: others may read it"])

"""PostgreSQL: who is let in by which rule, now and after a restart, and which roles log in.

A running server is asked over its local socket, as the account that runs it, in read-only transactions of two
seconds at most. Files are read for every cluster, also for those that do not run. Passwords to the directory
in rules, and those of roles, are never printed.
"""

from __future__ import annotations

import ipaddress
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plumbline.probes.base import Output, Probe
from plumbline.probes.database.hba import Rule, UnreadableError, address_of, rules
from plumbline.probes.files import FIELDS, ConfigFile, read_files
from plumbline.probes.tagged import PRINT_END, Rows

_SQL = (
    "select 'fact' || chr(9) || json_build_object('version', current_setting('server_version_num')::int, "
    "'loaded', extract(epoch from pg_conf_load_time()), 'hba', current_setting('hba_file'), "
    "'ident', current_setting('ident_file'), 'data', current_setting('data_directory'))",
    "select 'rule' || chr(9) || (to_jsonb(r) - 'options' || jsonb_build_object('options', (select "
    "jsonb_agg(o) from unnest(options) o where o !~* '^(ldapbindpasswd|radiussecrets)='))) "
    "from pg_hba_file_rules r",
    "select 'role' || chr(9) || json_build_object('name', rolname, 'built_in', oid = 10, "
    "'password', rolpassword is not null) from pg_authid where rolcanlogin",
    "select 'map' || chr(9) || json_build_object('map', map_name, 'system', sys_name, 'role', pg_username) "
    "from pg_ident_file_mappings",
)
_ASK = " ".join(f'-c "{statement}"' for statement in _SQL)
_KEYS = "hba_file|ident_file|data_directory|include|include_dir|include_if_exists|pg_ctl_options"
_HIDDEN = (
    r"gsub(/\"(ldapbindpasswd|radiussecrets)=[^\"]*\"/, \"ldapbindpasswd=-\"); "
    r"gsub(/(ldapbindpasswd|radiussecrets)=(\"[^\"]*\"|[^ \t\"]*)/, \"ldapbindpasswd=-\")"
).replace('\\"', '"')

_COMMAND = rf"""
sockets=$(awk '$8 ~ /^\/.*\.s\.PGSQL\.[0-9]+$/ {{ print $8 }}' /proc/net/unix | sort -u)
set --
for d in /etc/postgresql/*/*/; do [ ! -f "$d/postgresql.conf" ] || set -- "$@" "${{d%/}}"; done
if [ $# -eq 0 ] && [ -z "$sockets" ]; then {PRINT_END}; exit 0; fi
cd /
n=0
for socket in $sockets; do
    n=$((n + 1))
    if [ ! -S "$socket" ] || [ ! -f "$socket.lock" ]; then
        printf 'unreached\t%s\tit lies in another file system, as in a container\n' "$socket"
        continue
    fi
    {{ read -r pid; read -r data; read -r start; read -r port; read -r place; }} <"$socket.lock"
    program=$(readlink "/proc/$pid/exe") || program=''
    psql=${{program%/*}}/psql
    [ -x "$psql" ] || for psql in /usr/lib/postgresql/*/bin/psql; do :; done
    if [ ! -x "$psql" ]; then
        printf 'unreached\t%s\tthere is no psql to ask it with\n' "$socket"
        continue
    fi
    printf 'server\t%s\t%s\t%s\n' "$n" "$socket" "$data"
    set -- "$@" "$data"
    owner=$(stat -c %u "$socket")
    answer=$(timeout 4 setpriv --reuid="$owner" --regid="$(stat -c %g "$socket")" --clear-groups \
        env -i PATH=/usr/bin:/bin HOME=/nonexistent PGPASSFILE=/nonexistent PGCONNECT_TIMEOUT=2 \
        PGOPTIONS='-c statement_timeout=2000 -c default_transaction_read_only=on' "$psql" -XAtqw \
        -h "${{socket%/*}}" -p "${{socket##*.}}" -U "$(stat -c %U "$socket")" -d postgres {_ASK} 2>&1)
    printf '%s\n' "$answer" | grep -E '^(fact|rule|role|map)	' | sed "s/^/answer\t$n\t/"
    printf '%s\n' "$answer" | grep -vE '^(fact|rule|role|map)	|pg_ident_file_mappings|^LINE|\^$' |
        head -n 1 | sed "s/^/error\t$n\t/"
done
for d; do
    printf 'cluster\t%s\n' "$d"
    for f in "$d"/postgresql.conf "$d"/postgresql.auto.conf "$d"/pg_ctl.conf "$d"/conf.d/*.conf; do
        [ ! -f "$f" ] || awk '/^[ \t]*({_KEYS})[ \t=]/ {{ print "conf\t" FILENAME "\t" FNR "\t" $0 }}' "$f"
    done
    data=$(sed -nE "s/^[ \t]*data_directory[ \t]*=?[ \t]*'([^']*)'.*/\1/p" "$d/postgresql.conf" 2>/dev/null |
        tail -n 1)
    f=$data/postgresql.auto.conf
    [ -z "$data" ] || [ ! -f "$f" ] ||
        awk '/^[ \t]*({_KEYS})[ \t=]/ {{ print "conf\t" FILENAME "\t" FNR "\t" $0 }}' "$f"
    new=$(sed -nE "s/^[ \t]*(hba_file|ident_file)[ \t]*=?[ \t]*'([^']*)'.*/\2/p" "$d"/postgresql.conf \
        "$d"/conf.d/*.conf "$d"/postgresql.auto.conf "$data"/postgresql.auto.conf 2>/dev/null)
    all="$all $new $d/pg_hba.conf $d/pg_ident.conf"
done
all="$all $(printf '%s\n' "$answer" | sed -nE 's/^fact.*"hba" : "([^"]*)".*/\1/p')"
shown=' '
for turn in 1 2 3; do
    next=''
    for f in $all; do
        case $shown in *" $f "*) continue ;; esac
        [ -f "$f" ] || continue
        shown="$shown$f "
        printf 'file\tfile\t%s\nmtime\t%s\t%s\n' "$f" "$f" "$(stat -c %.Z "$f")"
        awk '{{ {_HIDDEN}; print "text\t" FILENAME "\t" FNR "\t" $0 }}' "$f"
        next="$next $(awk -v d="${{f%/*}}" '
            function at(p) {{ gsub(/"/, "", p); return substr(p, 1, 1) == "/" ? p : d "/" p }}
            /^[ \t]*#/ {{ next }}
            $1 ~ /^include(_if_exists)?$/ {{ print at($2) }}
            $1 == "include_dir" {{ print at($2) "/*.conf" }}
            {{ while (match($0, /@[^ \t,#]+/)) {{
                print at(substr($0, RSTART + 1, RLENGTH - 1)); $0 = substr($0, RSTART + RLENGTH) }} }}' "$f")"
    done
    all=$next
done
awk -F: '$1 !~ /^[+-]/ {{ print "local\t" $1 }}' /etc/passwd
services=$(grep -ohsE 'pamservice="?[A-Za-z0-9_.-]+' $shown | sed 's/.*[="]//')
for f in postgresql $services other common-auth; do
    f=/etc/pam.d/$f
    [ ! -f "$f" ] || awk '/^[ \t]*(-?auth|@include)[ \t]/ {{ print "pam\t" FILENAME "\t" $0 }}' "$f"
done | sort -u
{PRINT_END}
"""

_FIELDS = {
    "unreached": 2,
    "server": 3,
    "answer": 3,
    "error": 2,
    "cluster": 1,
    "conf": 3,
    "mtime": 2,
    "local": 1,
    "pam": 2,
} | FIELDS


@dataclass(frozen=True)
class Role:
    """A role that may log in: whether initdb made it, and whether the server keeps a password of its own."""

    name: str
    built_in: bool
    password: bool


@dataclass(frozen=True)
class Running:
    """A running server as it answered; `problem` says why it did not."""

    socket: str
    data: str
    facts: dict[str, Any] | None
    rules: list[Rule]
    errors: list[str]
    roles: list[Role]
    maps: list[dict[str, str]]
    problem: str


@dataclass(frozen=True)
class PostgresFacts:
    """Running servers, sockets nobody could ask at, clusters by the directory of their configuration."""

    running: list[Running]
    unreached: list[str]
    clusters: list[str]
    conf: list[tuple[str, int, str]]
    files: Mapping[str, ConfigFile]
    changed: dict[str, float]
    local: frozenset[str]
    pam: dict[str, list[str]] = field(default_factory=dict)

    @property
    def there(self) -> bool:
        """Whether there is any cluster or server."""
        return bool(self.clusters or self.running or self.unreached)

    def data_of(self, cluster: str) -> str:
        """Return a cluster's data directory: where its configuration says, or beside that."""
        settings: dict[str, str] = {}
        _follow(self, f"{cluster}/postgresql.conf", settings, 0)
        return settings.get("data_directory", cluster)

    @property
    def whole_clusters(self) -> list[str]:
        """The clusters, each once: a data directory whose configuration lies elsewhere is that one's."""
        elsewhere = {self.data_of(each) for each in self.clusters if self.data_of(each) != each}
        return [each for each in self.clusters if each not in elsewhere]


_SETTING = re.compile(r"\s*(\w+)\s*(?:=|\s)\s*(?:'((?:[^']|'')*)'|([^\s#]+))")


def hba_path(facts: PostgresFacts, cluster: str) -> str:
    """Return the file of rules a cluster will read when it starts again (postgresql.conf, its includes).

    `UnreadableError` where a command line decides it instead.
    """
    settings = {"hba_file": f"{cluster}/pg_hba.conf"}
    _follow(facts, f"{cluster}/postgresql.conf", settings, 0)
    automatic = f"{settings.get('data_directory', cluster)}/postgresql.auto.conf"
    _follow(facts, automatic, settings, 0)
    for file, number, text in facts.conf:
        if file == f"{cluster}/pg_ctl.conf" and "hba_file" in text:
            raise UnreadableError(f"{file}:{number} gives another file of rules on the command line")
    return posixpath.normpath(posixpath.join(settings.get("data_directory", cluster), settings["hba_file"]))


def _follow(facts: PostgresFacts, path: str, settings: dict[str, str], depth: int) -> None:
    for file, _, text in facts.conf:
        made = _SETTING.match(text) if file == path else None
        if made is None or depth > 10:
            continue
        key, value = made[1].lower(), (made[2] if made[2] is not None else made[3]).replace("''", "'")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), value))
        if key in ("include", "include_if_exists"):
            _follow(facts, target, settings, depth + 1)
        elif key == "include_dir":
            names = sorted({each for each, _, _ in facts.conf if posixpath.dirname(each) == target})
            for each in names:
                _follow(facts, each, settings, depth + 1)
        else:
            settings[key] = value


def rules_at_start(facts: PostgresFacts, cluster: str) -> list[Rule]:
    """Return the rules a cluster will have after a restart; `UnreadableError` where they cannot be read."""
    return rules(facts.files, hba_path(facts, cluster))


def _shown_rule(shown: dict[str, Any], file: str) -> Rule:
    address = shown.get("address") or ""
    if address and shown.get("netmask"):
        address = address_of(f"{address}/{_prefix(shown['netmask'])}")
    options = dict(option.partition("=")[::2] for option in shown.get("options") or [])
    return Rule(
        f"{shown.get('file_name') or file}:{shown['line_number']}",
        shown["type"],
        tuple(shown["database"]),
        tuple(shown["user_name"]),
        address,
        shown["auth_method"],
        options,
    )


def _prefix(mask: str) -> str:
    if ":" not in mask:
        return mask
    packed = int.from_bytes(ipaddress.IPv6Address(mask).packed, "big")
    return str(bin(packed).count("1"))


def _running(rows: Rows, number: str, socket: str, data: str) -> Running:
    answers: dict[str, list[dict[str, Any]]] = {}
    for of, kind, text in rows["answer"]:
        if of == number:
            answers.setdefault(kind, []).append(json.loads(text))
    facts = answers["fact"][0] if answers.get("fact") else None
    shown = answers.get("rule", [])
    file = facts["hba"] if facts else ""
    errors = [text for of, text in rows["error"] if of == number]
    return Running(
        socket,
        data,
        facts,
        [_shown_rule(each, file) for each in shown if not each.get("error")],
        [f"{file}:{each['line_number']}: {each['error']}" for each in shown if each.get("error")],
        [Role(each["name"], each["built_in"], each["password"]) for each in answers.get("role", [])],
        [{key: str(value) for key, value in each.items()} for each in answers.get("map", [])],
        "" if facts else (errors[0] if errors else "it did not answer"),
    )


def _postgres(output: Output) -> PostgresFacts:
    rows = Rows(output, _FIELDS)
    pam: dict[str, list[str]] = {}
    for file, line in rows["pam"]:
        pam.setdefault(posixpath.basename(file), []).append(line)
    return PostgresFacts(
        running=[_running(rows, *row) for row in rows["server"]],
        unreached=[f"{socket}: {why}" for socket, why in rows["unreached"]],
        clusters=list(dict.fromkeys(directory for (directory,) in rows["cluster"])),
        conf=[(file, int(number), text) for file, number, text in rows["conf"]],
        files=read_files(rows),
        changed={file: float(seconds) for file, seconds in rows["mtime"]},
        local=frozenset(name for (name,) in rows["local"]),
        pam=pam,
    )


POSTGRESQL = Probe("database.postgresql", _COMMAND, _postgres)

"""MariaDB and MySQL: which accounts there are and what vouches for each.

A running server is asked over its local socket as root, who needs no password there as Debian delivers it, in
one statement of two seconds at most. No hash is printed, only whether there is one that works.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows

_MARIADB = re.sub(
    r"<(\w+)>",
    r"IFNULL(JSON_VALUE(Priv, '$.\1'), '')",
    "SET STATEMENT max_statement_time=2 FOR SELECT CONCAT('account', CHAR(9), JSON_OBJECT("
    "'user', User, 'host', Host, 'plugin', <plugin>, "
    "'hash', <authentication_string> NOT IN ('', 'invalid', '*'), 'empty', <authentication_string> = '', "
    "'service', IF(<plugin> IN ('pam', 'dialog'), <authentication_string>, ''), "
    "'others', IFNULL(JSON_EXTRACT(Priv, '$.auth_or[*].plugin'), '[]'), "
    "'locked', <account_locked> IN ('1', 'true'), 'role', <is_role> IN ('1', 'true'))) "
    "FROM mysql.global_priv",
)
_MYSQL = (
    "SELECT CONCAT('account', CHAR(9), JSON_OBJECT('user', User, 'host', Host, 'plugin', plugin, "
    "'hash', authentication_string <> '' AND authentication_string NOT LIKE '%THISISACOMBINATION%', "
    "'empty', authentication_string = '', 'service', IF(plugin LIKE '%pam%', authentication_string, ''), "
    "'others', JSON_ARRAY(), 'locked', account_locked = 'Y', 'role', FALSE)) FROM mysql.user"
)

_COMMAND = rf"""
sockets=$(awk '$8 ~ /^\/.*\/(mysql|mariadb)[^\/]*\.sock$/ {{ print $8 }}' /proc/net/unix | sort -u)
for socket in $sockets; do
    why=''
    client=$(command -v mariadb || command -v mysql) || why='there is no client to ask it with'
    [ -S "$socket" ] || why='it lies in another file system, as in a container'
    if [ -n "$why" ]; then
        printf 'unreached\t%s\t%s\n' "$socket" "$why"
        continue
    fi
    ask() {{
        timeout 4 env -i PATH=/usr/bin:/bin HOME=/nonexistent "$client" --no-defaults --protocol=socket \
            --socket="$socket" --connect-timeout=2 -u root -N -B -r -e "$1" 2>&1 </dev/null
    }}
    answer=$(ask "{_MARIADB}") || answer=$(ask "{_MYSQL}") || {{
        printf 'unreached\t%s\t%s\n' "$socket" "$(printf '%s\n' "$answer" | head -n 1)"
        continue
    }}
    printf 'server\t%s\n' "$socket"
    printf '%s\n' "$answer" | grep '^account	' | sed "s|^|answer	$socket	|"
    services="$services $(printf '%s\n' "$answer" | sed -nE 's/.*"service": "([A-Za-z0-9_.-]+)".*/\1/p')"
done
for p in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$p/comm" || continue
    case $name in mariadbd | mysqld) ;; *) continue ;; esac
    printf 'process\t%s\n' "${{p#/proc/}}"
    tr '\000' '\n' 2>/dev/null <"$p/cmdline" | grep -E '^--(skip-grant-tables|skip_grant_tables)' |
        sed "s|^|open\tprocess ${{p#/proc/}}\t|"
done
set --
for f in /etc/my.cnf /etc/mysql/*.cnf /etc/mysql/*/*.cnf /root/.my.cnf /var/lib/mysql/my.cnf; do
    [ ! -f "$f" ] || set -- "$@" "$f"
done
for f in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system; do
    for f in "$f"/*.service "$f"/*.service.d/*.conf; do [ ! -f "$f" ] || set -- "$@" "$f"; done
done
[ $# -eq 0 ] || grep -HnsiE '(^|[[:space:]=-])(loose[-_])?skip[-_]grant[-_]tables' "$@" |
    grep -v '^[^:]*:[0-9]*:[[:space:]]*[#;]' | sed -nE 's/^([^:]*:[0-9]+):(.*)/file\t\1\t\2/p' | sort -u
awk -F: '$1 !~ /^[+-]/ {{ print "local\t" $1 }}' /etc/passwd
for f in $(printf '%s\n' mysql mariadb other common-auth $services | sort -u); do
    f=/etc/pam.d/$f
    [ ! -f "$f" ] || awk '/^[ \t]*(-?auth|@include)[ \t]/ {{ print "pam\t" FILENAME "\t" $0 }}' "$f"
done
{PRINT_END}
"""

_FIELDS = {
    "unreached": 2,
    "server": 1,
    "answer": 3,
    "process": 1,
    "open": 2,
    "file": 2,
    "local": 1,
    "pam": 2,
}

_BUILT_IN = (
    "root",
    "mysql",
    "mariadb.sys",
    "mysql.sys",
    "mysql.session",
    "mysql.infoschema",
    "debian-sys-maint",
)
_HERE = ("localhost", "127.0.0.1", "::1")
_DIRECTORY = (
    "gssapi", "auth_gssapi", "authentication_kerberos", "authentication_ldap_sasl",
    "authentication_ldap_simple", "authentication_windows",
)  # fmt: skip
_PAM = ("pam", "pam_v1", "dialog", "auth_pam", "auth_pam_compat", "authentication_pam")
_OF_SYSTEM = ("unix_socket", "auth_socket")


@dataclass(frozen=True)
class DatabaseAccount:
    """An account of the server: who, from where, and by which plugins; a `hash` is a password that works."""

    user: str
    host: str
    plugin: str
    hash: bool
    empty: bool
    service: str
    others: tuple[str, ...]
    locked: bool
    role: bool

    def __str__(self) -> str:
        return f"'{self.user}'@'{self.host}'"

    @property
    def built_in(self) -> bool:
        """Whether the installation made it, for the host itself alone."""
        return self.user in _BUILT_IN and self.host in _HERE


@dataclass(frozen=True)
class MariaFacts:
    """Servers by socket with their accounts, sockets nobody could ask at, and what opens servers to all."""

    servers: dict[str, list[DatabaseAccount]]
    unreached: list[str]
    processes: list[str]
    open_now: list[str]
    open_at_start: list[str]
    local: frozenset[str]
    pam: dict[str, list[str]] = field(default_factory=dict)

    def past_the_directory(self, pam_wrong: Mapping[str, str]) -> list[str]:
        """Return the accounts that log in on another word than the directory's, each with why.

        `pam_wrong`: PAM's service -> why it does not ask the directory, empty if it does.
        """
        found = []
        for accounts in self.servers.values():
            for account in accounts:
                if not account.role and not account.locked:
                    found += [f"{account}: {why}" for why in self._wrong(account, pam_wrong)]
        return found

    def _wrong(self, account: DatabaseAccount, pam_wrong: Mapping[str, str]) -> list[str]:
        if account.user == "":
            return ["anybody, without a name"]
        found = []
        for plugin in (account.plugin, *account.others):
            if plugin in _DIRECTORY:
                continue
            if plugin in _OF_SYSTEM:
                if not account.built_in and account.user in self.local:
                    found.append(f"{plugin}: {account.user} is an account of this host, not of the directory")
            elif plugin in _PAM:
                why = pam_wrong.get(account.service or "mysql", pam_wrong.get("other", ""))
                found += [why] if why else []
            elif plugin == account.plugin:
                found += self._by_password(account)
            elif not account.built_in:
                found.append(f"{plugin}: a password of the server's own")
        return found

    @staticmethod
    def _by_password(account: DatabaseAccount) -> list[str]:
        if account.empty:
            return [f"{account.plugin or 'no plugin'}: no password at all"]
        if account.hash and not account.built_in:
            return [f"{account.plugin}: a password of the server's own"]
        return []


def _account(told: dict[str, Any]) -> DatabaseAccount:
    others = told["others"]
    others = json.loads(others) if isinstance(others, str) else others
    return DatabaseAccount(
        user=told["user"],
        host=told["host"],
        plugin=told["plugin"],
        hash=bool(told["hash"]),
        empty=bool(told["empty"]),
        service=told["service"],
        others=tuple(str(each) for each in others),
        locked=bool(told["locked"]),
        role=bool(told["role"]),
    )


def _mariadb(output: Output) -> MariaFacts:
    rows = Rows(output, _FIELDS)
    servers: dict[str, list[DatabaseAccount]] = {socket: [] for (socket,) in rows["server"]}
    for socket, _, text in rows["answer"]:
        servers[socket].append(_account(json.loads(text)))
    empty = [socket for socket, accounts in servers.items() if not accounts]
    pam: dict[str, list[str]] = {}
    for file, line in rows["pam"]:
        pam.setdefault(file.rsplit("/", 1)[-1], []).append(line)
    return MariaFacts(
        servers={socket: accounts for socket, accounts in servers.items() if accounts},
        unreached=[f"{socket}: {why}" for socket, why in rows["unreached"]]
        + [f"{socket}: it told no account" for socket in empty],
        processes=[pid for (pid,) in rows["process"]],
        open_now=[f"{word} ({where})" for where, word in rows["open"]],
        open_at_start=[f"{line.strip()} ({where})" for where, line in rows["file"]],
        local=frozenset(name for (name,) in rows["local"]),
        pam=pam,
    )


def services(facts: MariaFacts) -> Sequence[str]:
    """Return the services of PAM that accounts name."""
    named = {account.service or "mysql" for accounts in facts.servers.values() for account in accounts}
    return sorted({*named, "mysql", "other"})


MARIADB = Probe("database.mariadb", _COMMAND, _mariadb)

"""The host's own accounts and groups: passwd, shadow, group and gshadow, as glibc reads them.

Of a password only its state, the id of its algorithm and the day of its change are printed, never a hash.
Sources: passwd(5), shadow(5), group(5), gshadow(5), crypt(5), and glibc's nss_files for what it tolerates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from plumbline.probes.accounts.local import (
    GROUP,
    GSHADOW,
    NO_SESSION,
    NOBODY,
    PASSWD,
    SHADOW,
    Account,
    Group,
    GshadowLine,
    Local,
    Password,
    ShadowLine,
)
from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows

__all__ = [
    "GROUP",
    "GSHADOW",
    "LOCAL",
    "NOBODY",
    "NO_SESSION",
    "PASSWD",
    "SHADOW",
    "Account",
    "Group",
    "GshadowLine",
    "Local",
    "Password",
    "ShadowLine",
]

# A field that is no hash matches no password (crypt(5)): `x`, `NP`, and whatever starts with `!` or `*`. A
# number or a name is printed as it is only where it looks like one, so that a hash in the wrong column stays.
_COMMAND = rf"""
printf 'today\t%s\n' $(($(date +%s) / 86400))
for file in {PASSWD} {SHADOW} {GROUP} {GSHADOW}; do
    [ -e "$file" ] || {{ printf 'absent\t%s\n' "$file"; continue; }}
    awk -F: -v kind="${{file#/etc/}}" '
    function state(hash) {{
        if (hash == "") return "empty\t"
        if (hash == "x" || hash ~ /^##/) return (kind ~ /shadow/ ? "none\t" : "elsewhere\t")
        if (hash ~ /^!+[$_.\/0-9A-Za-z]/ && length(hash) > 13) return "locked\t"
        if (hash ~ /^[!*]/) return "none\t"
        if (hash ~ /^[$]/) {{
            split(hash, part, "$")
            return "set\t" (part[2] ~ /^[0-9a-z]+$/ ? part[2] : "?")
        }}
        if (hash ~ /^_/ && length(hash) == 20) return "set\tbsdi"
        if (length(hash) >= 13) return "set\t" (hash ~ /^[.\/0-9A-Za-z]+$/ ? "des" : "?")
        return "none\t"
    }}
    function safe(text) {{
        if (text ~ /[$][0-9a-z]+[$]/) return "?"
        gsub(/\t/, "\\t", text)
        return text
    }}
    function number(text) {{
        sub(/^[ \t\v\f\r]+/, "", text)
        return text ~ /^[-+ 0-9]*$/ ? text : "?"
    }}
    {{ sub(/^[ \t\v\f\r]+/, "") }}
    /^(#|$)/ {{ next }}
    {{ start = kind "\t" FNR "\t" state($2) "\t" safe($1) }}
    kind == "passwd" {{
        shell = $7
        for (field = 8; field <= NF; field++) shell = shell ":" $field
        print start ":" number($3) ":" number($4) ":" safe($6) ":" safe(shell)
    }}
    kind == "shadow" {{ print start ":" number($3) ":" number($5) ":" number($7) ":" number($8) }}
    kind == "group" {{ print start ":" number($3) ":" safe($4) }}
    kind == "gshadow" {{ print start ":" safe($3) ":" safe($4) }}
    ' "$file" || exit 9
done
[ ! -L /usr/sbin/nologin ] || printf 'other\t/usr/sbin/nologin\n'
[ ! -r /var/lib/dpkg/diversions ] || awk 'NR % 3 == 1 {{ file = $0 }}
    NR % 3 == 0 && $0 == ":" && sub("^(/usr)?/(s?bin/(nologin|false|true|sync))$", "&", file) {{
        sub("^/usr", "", file); print "other\t/usr" file }}' /var/lib/dpkg/diversions
[ ! -r /etc/shells ] || sed -n 's/^[ \t]*\(\/[^ \t#]*\).*/shell\t\1/p' /etc/shells
{PRINT_END}
"""

_FIELDS = {
    "today": 1,
    "absent": 1,
    "passwd": 4,
    "shadow": 4,
    "group": 4,
    "gshadow": 4,
    "shell": 1,
    "other": 1,
}

_ID_MAX = 0xFFFFFFFF


def _number(text: str) -> int | None:
    """Read an id as glibc does (strtoul, base 10, capped at 32 bits); None where it is no number."""
    try:
        value = int(text)
    except ValueError:
        return None
    return value if 0 <= value <= _ID_MAX else _ID_MAX


def _days(text: str) -> int | None:
    return int(text) if text.strip() else None


def _day(text: str) -> date | None:
    """Return a day counted from 1970-01-01; None for an empty field, a negative or an impossible number."""
    days = _days(text)
    if days is None or not 0 <= days <= 1_000_000:
        return None
    return date(1970, 1, 1) + timedelta(days=days)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _shadow_line(row: tuple[str, ...]) -> ShadowLine:
    number, state, algorithm, rest = row
    name, changed, max_days, inactive, expires = rest.split(":")
    if "?" in (changed, max_days, inactive, expires):
        raise ParseError(f"{SHADOW}:{number} has fields that are no numbers")
    return ShadowLine(
        line=int(number),
        name=name,
        password=Password(state, algorithm),
        changed=_day(changed),
        must_change=_days(changed) == 0,
        max_days=_days(max_days),
        inactive_days=_days(inactive),
        expires=_day(expires),
    )


def _accounts(
    rows: Iterable[tuple[str, ...]], shadow: Mapping[str, ShadowLine], others: frozenset[str]
) -> Iterable[Account | str]:
    """Yield the accounts; of a line glibc skips its place and name."""
    for number, state, algorithm, rest in rows:
        name, uid_text, gid_text, home, shell = rest.split(":", 4)
        uid, gid = _number(uid_text), _number(gid_text)
        if uid is None or gid is None or not name:
            yield f"{PASSWD}:{number}: {name}"
            continue
        password = Password(state, algorithm)
        line = shadow.get(name) if state == "elsewhere" else None
        if state == "elsewhere":
            password = line.password if line else Password("none")
        is_other = shell.replace("/usr/", "/") in others
        yield Account(int(number), name, uid, gid, home, shell or "/bin/sh", password, line, is_other)


def _groups(rows: Iterable[tuple[str, ...]]) -> Iterable[Group | str]:
    for number, state, algorithm, rest in rows:
        name, gid_text, listed = rest.split(":", 2)
        gid = _number(gid_text)
        if gid is None or not name:
            yield f"{GROUP}:{number}: {name}"
            continue
        yield Group(int(number), name, gid, _names(listed), Password(state, algorithm))


def _gshadow_line(row: tuple[str, ...]) -> GshadowLine:
    number, state, algorithm, rest = row
    name, administrators, listed = rest.split(":", 2)
    return GshadowLine(int(number), name, Password(state, algorithm), _names(administrators), _names(listed))


def _is_compat(row: tuple[str, ...]) -> bool:
    return row[3].startswith(("+", "-"))


def _local(output: Output) -> Local:
    rows = Rows(output, _FIELDS)
    ((today,),) = rows["today"]
    if (PASSWD,) in rows["absent"] or not rows["passwd"]:
        raise ParseError("no account was printed")
    plain = {tag: [row for row in rows[tag] if not _is_compat(row)] for tag in _TAGS}
    compat = [f"{_TAGS[tag]}:{row[0]}: {row[3]}" for tag in _TAGS for row in rows[tag] if _is_compat(row)]
    shadow = [_shadow_line(row) for row in plain["shadow"]]
    first = {line.name: line for line in reversed(shadow)}
    others = frozenset(path.replace("/usr/", "/") for (path,) in rows["other"])
    accounts, groups = list(_accounts(plain["passwd"], first, others)), list(_groups(plain["group"]))
    return Local(
        accounts=tuple(one for one in accounts if isinstance(one, Account)),
        shadow=tuple(shadow),
        groups=tuple(one for one in groups if isinstance(one, Group)),
        gshadow=tuple(map(_gshadow_line, plain["gshadow"])),
        compat=tuple(compat),
        unread=tuple(one for one in [*accounts, *groups] if isinstance(one, str)),
        shells=frozenset(shell for (shell,) in rows["shell"]),
        today=date(1970, 1, 1) + timedelta(days=int(today)),
    )


_TAGS = {"passwd": PASSWD, "shadow": SHADOW, "group": GROUP, "gshadow": GSHADOW}

LOCAL = Probe("accounts.local", _COMMAND, _local)

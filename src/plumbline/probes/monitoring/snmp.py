"""Net-SNMP's agent: who may ask it, with what protection, by every file it reads (snmp_config(5))."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from plumbline.monitoring_keys import AUTH_OIDS, PRIV_OIDS
from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Seen

STATE_FILE = "/var/lib/snmp/snmpd.conf"
"""What the agent writes itself, and reads at its start: its users, with keys instead of passphrases."""

_DIRECTORIES = "/etc/snmp /usr/share/snmp /usr/lib/snmp /usr/lib/*/snmp /var/lib/snmp"
"""Where it looks; also in ~/.snmp, but only where its unit sets HOME, which is told as unusual."""

_GRANTS = "rouser|rwuser|authuser|authgroup|authaccess|setaccess|access|group|vacmaccess|vacmgroup"

# Secrets never leave the host: of a community, a passphrase or a key only that there is one. A word that may
# be a part of one is told only if it is of a known shape.
_EDIT = rf"""
function words(from, to,   i, s) {{
    s = $1
    for (i = from; i <= to && i <= NF; i++) s = s " " $i
    return s
}}
function known(word) {{
    if (toupper(word) ~ /^(MD5|SHA[-0-9]*|DES|AES[-0-9C]*|\.1\.[0-9.]+)$/) return word
    return "?"
}}
{{
    sub(/\r$/, ""); sub(/^[ \t]+/, "")
    if ($0 ~ /^(#|$)/) next
    type = (FILENAME in whole) ? whole[FILENAME] : (FILENAME ~ /\/snmp(\.local)?\.conf$/ ? "snmp" : "snmpd")
    if ($0 ~ /^\[/) {{
        section = $0; sub(/^\[[ \t]*/, "", section); sub(/[ \t]*\].*/, "", section)
        if ($0 ~ /\][ \t]*$/) {{ whole[FILENAME] = section; next }}
        sub(/^\[[^]]*\][ \t]*/, "")
        type = section
    }}
    # Its words may be quoted or escaped, the first one too.
    if ($1 ~ /[\042\047\\]/) {{ plain = $1; gsub(/[\042\047\\]/, "", plain); $1 = plain }}
    token = tolower($1)
    if (type != "snmpd" && !(type == "snmp" && token == "defversion")) next
    quoted = $0 ~ /[\042\047]/
    if (token ~ /^(ro|rw)community6?$/) told = quoted ? $1 : words(3, NF)
    else if (token ~ /^com2sec6?$/) told = quoted ? $1 : ($2 == "-Cn" ? words(4, 5) : words(2, 3))
    else if (token ~ /^(com2secunix|trapcommunity|trapsink|trap2sink|informsink)$/) told = $1
    else if (token == "authcommunity") told = words(2, 2)
    else if (token ~ /^({_GRANTS})$/) told = $0
    else if (token == "trapsess" || token == "proxy") {{
        told = $1
        for (i = 2; i <= NF; i++)
            if ($i ~ /^-v/) told = told " -v " (length($i) > 2 ? substr($i, 3) : $(i + 1))
    }}
    else if (token == "createuser") {{
        i = ($2 == "-e") ? 4 : 2
        told = $1 " " $i " " (i < NF ? known($(i + 1)) : "-")
        rest = $0
        for (j = 1; j <= i + 1; j++) if (!sub(/^[^ \t]+[ \t]+/, "", rest)) rest = ""
        sub(/^-[ml][ \t]+/, "", rest)
        if (rest ~ /^\042/) sub(/^\042[^\042]*\042[ \t]*/, "", rest)
        else if (rest ~ /^\047/) sub(/^\047[^\047]*\047[ \t]*/, "", rest)
        else if (!sub(/^[^ \t]+[ \t]+/, "", rest)) rest = ""
        split(rest, more, /[ \t]+/)
        told = told " " (more[1] == "" ? "-" : known(more[1]))
    }}
    else if (token == "usmuser") told = $1 " " $5 " " known($8) " " known($10)
    else if (token ~ /^(agentaddress|agentxsocket|defversion)$/) told = $0
    else next
    gsub(/\t/, " ", told)
    print "line\t" FILENAME "\t" FNR "\t" told
}}"""

_COMMAND = rf"""n=0
tell() {{
    n=$((n + 1))
    [ "$n" -le 200 ] || exit 9
    case $1 in *[[:cntrl:]]*) exit 9;; esac
    stat -L --printf 'file\t%.9Z\t%n\n' "$1" || exit 9
    awk '{_EDIT}' "$1" || exit 9
}}
[ ! -x /usr/sbin/snmpd ] || printf 'installed\tsnmpd\n'
queue=
for d in {_DIRECTORIES}; do
    for f in "$d"/snmpd.conf "$d"/snmpd.local.conf "$d"/snmpd.[0-9]*.conf "$d"/snmp.conf \
        "$d"/snmp.local.conf; do
        [ ! -f "$f" ] || queue="$queue$f
"
    done
done
IFS='
'
depth=0
while [ -n "$queue" ]; do
    depth=$((depth + 1)); [ "$depth" -le 10 ] || exit 9
    later=
    for f in $queue; do
        tell "$f"
        set -f
        for i in $(sed -nE 's/["\x27]//g; s/[[:space:]]*$//
            s/^[[:space:]]*(\[[^]]*\][[:space:]]*)?include(D|F|S)(ir|ile|earch)[[:space:]]+/\2/Ip' "$f"); do
            p=${{i#?}}
            case $i in
                [Ss]*) p=; for d in {_DIRECTORIES}; do p="$p$d/${{i#?}}.conf$IFS$d/${{i#?}}.local.conf$IFS"
                    done;;
                ?/*) ;;
                *) p=${{f%/*}}/$p;;
            esac
            [ ! -d "$p" ] || {{ stat -L --printf 'folder\t%.9Z\t%n\n' "$p"; p=${{p%/}}/*.conf; }}
            set +f
            for g in $p; do [ ! -f "$g" ] || later=$later$g$IFS; done
            set -f
        done
        set +f
    done
    queue=$later
done
"""


@dataclass(frozen=True)
class Directive:
    """One line of the agent's configuration without its secrets, and where it stands."""

    words: tuple[str, ...]
    where: str

    @property
    def kind(self) -> str:
        """What kind of line it is, in small letters, as Net-SNMP compares them."""
        return self.words[0].lower()

    def word(self, index: int, otherwise: str = "") -> str:
        """Return a word of the line, or what holds where the line ends before it."""
        return self.words[index] if index < len(self.words) else otherwise

    def __str__(self) -> str:
        return f"{' '.join(self.words)} ({self.where})"


@dataclass(frozen=True)
class Configuration:
    """What the agent reads; `changed`: path -> when it last changed (seconds since the epoch)."""

    installed: bool
    lines: tuple[Directive, ...] = ()
    changed: dict[str, float] = field(default_factory=dict)


def _configuration(output: Output) -> Configuration:
    rows = Rows(output, {"installed": 1, "file": 2, "folder": 2, "line": 3})
    lines = []
    for path, number, told in rows["line"]:
        try:
            words = shlex.split(told)
        except ValueError:
            words = told.split()
        if not words:
            raise ParseError(f"{path}:{number} is told without words")
        lines.append(Directive(tuple(words), f"{path}:{number}"))
    changed = {path: float(when) for when, path in (*rows["file"], *rows["folder"])}
    # The agent writes these itself, at its start and its end.
    changed = {path: when for path, when in changed.items() if not path.startswith("/var/lib/snmp/snmpd.")}
    return Configuration(bool(rows["installed"]), tuple(lines), changed)


CONFIGURATION: Probe[Configuration] = Probe("monitoring.snmp", _COMMAND + PRINT_END, _configuration)

_BY_COMMUNITY = {
    *("rocommunity", "rwcommunity", "rocommunity6", "rwcommunity6"),
    *("com2sec", "com2sec6", "com2secunix", "authcommunity"),
    *("trapcommunity", "trapsink", "trap2sink", "informsink"),
}
_OLD_MODELS = {"v1", "v2c", "any", "0", "1", "2"}
_AUTH_PRIV = {"priv", "authpriv", "3"}


def communities(found: Configuration) -> list[str]:
    """Return what lets versions 1 and 2c be spoken: communities, and grants to what has only these."""
    return [str(line) for line in found.lines if _is_old(line)]


def _is_old(line: Directive) -> bool:
    if line.kind in _BY_COMMUNITY:
        return True
    if line.kind in {"trapsess", "proxy"}:
        return line.word(1) == "-v" and line.word(2) in {"1", "2c"}
    if line.kind == "defversion":
        return line.word(1) in {"1", "2c", "v1", "v2c"}
    model = {"group": 2, "access": 3, "setaccess": 3, "vacmgroup": 3, "vacmaccess": 3}.get(line.kind)
    if model is not None:
        return line.word(model).lower() in _OLD_MODELS
    return line.kind in {"authuser", "authgroup", "authaccess"} and _option(line)[0] in _OLD_MODELS


def _option(line: Directive) -> tuple[str, list[str]]:
    """Return the security model of a grant (`-s`), usm if none is given, and the words without it."""
    words = list(line.words[1:])
    if "-s" not in words[:3]:
        return "usm", words
    at = words.index("-s")
    return (words[at + 1] if at + 1 < len(words) else ""), words[:at] + words[at + 2 :]


def _grants(found: Configuration) -> Iterator[tuple[Directive, str, str, bool]]:
    """Yield each grant: its line, to whom, the least protection it asks for, whether it lets write."""
    for line in found.lines:
        _, words = _option(line)
        words = [*words, "", "", ""]
        if line.kind in {"rouser", "rwuser"}:
            yield line, words[0], words[1] or "auth", line.kind == "rwuser"
        elif line.kind == "authuser":
            yield line, words[1], words[2] or "auth", "write" in words[0]
        elif line.kind == "authaccess":
            yield line, words[1], words[3] or "noauth", "write" in words[0]
        elif line.kind == "access":
            yield line, line.word(1), line.word(4, "noauth"), line.word(7, "none") != "none"
        elif line.kind == "setaccess":
            yield line, line.word(1), line.word(4, "noauth"), "write" in line.word(7)
        elif line.kind == "vacmaccess":
            yield line, line.word(6), line.word(4, "noauth"), line.word(9) not in {"", "none"}


def weak_grants(found: Configuration) -> list[str]:
    """Return the grants that ask for less than authentication with encryption; subagents over TCP too."""
    told = [str(line) for line, _, level, _ in _grants(found) if level.lower() not in _AUTH_PRIV]
    told += [
        str(line)
        for line in found.lines
        if line.kind == "agentxsocket" and any(kind in line.word(1) for kind in ("tcp", "udp", "ssh"))
    ]
    return told


def writable(found: Configuration) -> list[str]:
    """Return the grants that let somebody write."""
    return [str(line) for line, _, _, writes in _grants(found) if writes] + [
        str(line) for line in found.lines if line.kind in {"rwcommunity", "rwcommunity6"}
    ]


def readers(found: Configuration) -> list[Seen]:
    """Return the users and groups that may ask, each once; of a group, its members."""
    groups: dict[str, list[str]] = {}
    for line in found.lines:
        if line.kind == "group":
            groups.setdefault(line.word(1), []).append(line.word(3))
        elif line.kind == "authgroup":
            _, words = _option(line)
            groups.setdefault(words[1] if len(words) > 1 else "", []).append(
                words[1] if len(words) > 1 else ""
            )
    names: dict[str, Seen] = {}
    for line, name, _, _ in _grants(found):
        for each in groups.get(name, [name]):
            names.setdefault(each, Seen(each, line.where))
    return sorted(names.values(), key=lambda seen: seen.bare)


@dataclass(frozen=True)
class User:
    """A user of SNMPv3; how it authenticates and encrypts, `none` where it does not; where that stands."""

    name: str
    authentication: str
    privacy: str
    where: str

    def __str__(self) -> str:
        return f"{self.name}: {self.authentication}, {self.privacy} ({self.where})"


def users(found: Configuration) -> list[User]:
    """Return the users of SNMPv3: those the agent keeps, and those a `createUser` line makes at its start."""
    told = []
    auth = {oid: name for name, oid in AUTH_OIDS.items()}
    priv = {oid: name for name, oid in PRIV_OIDS.items()}
    for line in found.lines:
        if line.kind == "usmuser":
            kinds = (_named(line.word(2), auth), _named(line.word(3), priv))
        elif line.kind == "createuser":
            kinds = (_spelled(line.word(2)), _spelled(line.word(3)))
        else:
            continue
        told.append(User(line.word(1), *kinds, line.where))
    return told


_NOTHING = {".1.3.6.1.6.3.10.1.1.1", ".1.3.6.1.6.3.10.1.2.1", "-"}


def _named(oid: str, names: dict[str, str]) -> str:
    return "none" if oid in _NOTHING else names.get(oid, oid)


def _spelled(word: str) -> str:
    """Return an algorithm as policies name it: `SHA` is SHA-1, `AES` and `AES128` are AES-128."""
    if word in _NOTHING:
        return "none"
    plain = word.upper().replace("-", "")
    known = {each.replace("-", ""): each for each in (*AUTH_OIDS, *PRIV_OIDS)}
    return {"SHA": "SHA-1", "AES": "AES-128"}.get(plain) or known.get(plain, word)

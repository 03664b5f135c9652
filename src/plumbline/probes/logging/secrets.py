"""Passwords, hashes and tokens in logs and on command lines: where they stand and of what kind, no more."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows

FILES_MAX = 40
BYTES_MAX = 64 * 2**20
MESSAGES_MAX = 3000
SECONDS_MAX = 4
"""How much is searched: the newest files up to so many bytes in all, the newest messages of the journal."""

_NAMES = (
    r"[Pp]ass(word|wd|phrase)|PASS(WORD|WD|PHRASE)|[Ss]ecret|SECRET|[Aa][Pp][Ii][_-]?[Kk][Ee][Yy]|"
    r"([Aa]ccess|[Aa]uth)[_-]?[Tt]oken"
)
_OPTIONS = "password|passwd|passphrase|secret|token|api-key"

# Only what looks like a value counts: not a prompt, a path, a placeholder, or stars.
_HASH = r"\$(1|2[abxy]|5|6|7|y|gy|argon2[id]+)\$[./A-Za-z0-9=,$+]{16,}"
_VALUE = r"[^][:space:]\"'/*<(%$&,;:={}-][^][:space:]\"',;&]{3,}"
_ASSIGNED = rf"({_NAMES})([\"']?=[\"']?|[\"']: ?[\"']){_VALUE}"
_HEADER = r"(Basic|Bearer) +[A-Za-z0-9+/._=-]{12,}"
_TOKEN = r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}"  # noqa: S105  (a pattern of tokens, no token)
_ADDRESS = r"[a-z][a-z0-9+.-]*://[^][:space:]/:@\"']+:[^][:space:]/@\"'*]{3,}@[A-Za-z0-9]"
_PATTERNS = (
    _HASH,
    _ASSIGNED,
    _HEADER,
    _TOKEN,
    _ADDRESS,
    "-----BEGIN [A-Z ]*PRIVATE KEY-----",
    # What the audit keeps of a command: one argument after the other.
    rf"a[0-9]+=\"--?({_OPTIONS})\" a[0-9]+=\"[^\"-]",
    r"a0=\"([^\"]*/)?sshpass\" a1=\"-p[^\"]*\"",
    r"a0=\"([^\"]*/)?(mysql|mariadb)[a-z]*\".* a[0-9]+=\"-p[^\"]+\"",
    r"a0=\"([^\"]*/)?user(add|mod)\".* a[0-9]+=\"(-p|--password)\"",
    r"a0=\"([^\"]*/)?curl\".* a[0-9]+=\"(-u|--user)\" a[0-9]+=\"[^\":]+:[^\"]+\"",
)
_IN_LOGS = "|".join(_PATTERNS)
# On a running command line a byte of 0 stands between arguments.
_RUNNING = "|".join(
    (
        rf"--?({_OPTIONS})([^[:print:]]|=)[^-[:space:]/*<%$]",
        "(^|/)sshpass[^[:print:]]-p",
        r"(^|/)(mysql|mariadb)[a-z]*[^[:print:]](.*[^[:print:]])?-p[^[:space:]]",
        _HASH,
        _HEADER,
        _TOKEN,
        _ADDRESS,
    )
)

# Turns `place found` into `place kind`; what was found ends here.
_KINDS = r"""
    what == "journal" && match($0, /^[0-9.]+ [^ ]+ [^ ]+: /) {
        split($0, told, " ")
        where = told[1] " " told[3]
        sub(/:$/, "", where)
        rest = substr($0, RLENGTH + 1)
    }
    what != "journal" && match($0, /^[^:]*:[0-9]+:/) {
        where = substr($0, 1, RLENGTH - 1)
        rest = substr($0, RLENGTH + 1)
    }
    where != "" {
        low = tolower(rest)
        kind = "password"
        if (rest ~ /^\$/) kind = "password hash"
        else if (rest ~ /^-----BEGIN/) kind = "private key"
        else if (rest ~ /^(eyJ|Bearer|Basic)/ || low ~ /^[a-z]*[_-]?token/) kind = "token"
        else if (rest ~ /^a[0-9]+=/) kind = "password on a command line"
        else if (rest ~ /:\/\//) kind = "password in an address"
        value = low
        sub(/^[^=:]*["]?[=:]["]?/, "", value)
        sub(/[^a-z0-9].*/, "", value)
        if (kind != "password" || value !~ harmless) print what "\t" where "\t" kind
        where = ""
    }"""
_HARMLESS = (
    "^(x+|none|null|nil|true|false|yes|no|not|set|unset|required|changed|redacted|hidden|masked|files|"
    "compat)$"
)

_COMMAND = rf"""
logs={shlex.quote(_IN_LOGS)}
running={shlex.quote(_RUNNING)}
kinds() {{ awk -v what="$1" -v harmless={shlex.quote(_HARMLESS)} {shlex.quote(_KINDS)} | head -n 200; }}
quiet='nice -n 19'; ! command -v ionice >/dev/null || quiet='nice -n 19 ionice -c 3'
all=$(find /var/log -xdev -type f -size +0 ! -name '*.gz' ! -name '*.xz' ! -name '*.zst' \
    ! -name '*.journal*' ! -name 'wtmp*' ! -name 'btmp*' ! -name lastlog ! -name faillog \
    -printf '%T@ %s %p\n' 2>/dev/null | sort -rn)
newest=$(printf '%s\n' "$all" |
    awk '{{ total += $2 }} NR > {FILES_MAX} || total > {BYTES_MAX} {{ exit }} {{ print }}')
[ "$all" = "$newest" ] || printf 'cut\tfiles\n'
set --; IFS='
'
for f in $(printf '%s\n' "$newest" | cut -d' ' -f3-); do [ ! -f "$f" ] || set -- "$@" "$f"; done
unset IFS
{{ $quiet timeout {SECONDS_MAX} grep -aHnoE -e "$logs" /dev/null "$@"
    [ $? -ne 124 ] || echo 'cut:0:eyJ'; }} 2>/dev/null | kinds file
if command -v journalctl >/dev/null; then
    $quiet timeout {SECONDS_MAX} journalctl -q --no-pager -o short-unix -n {MESSAGES_MAX} 2>/dev/null |
        grep -aE -e "$logs" | sed -E 's#^([0-9.]+ [^ ]+ [^ ]+: ).*('"$logs"').*#\1\2#' | kinds journal
fi
for f in $(grep -alE -e "$running" /proc/[0-9]*/cmdline 2>/dev/null); do
    d=${{f%/cmdline}}
    [ "$d" = "/proc/$$" ] || printf 'process\t%s\t%s\n' "${{d#/proc/}}" "$(cat "$d/comm" 2>/dev/null)"
done
"""

_TAGS = {"file": 2, "journal": 2, "process": 2, "cut": 1}


@dataclass(frozen=True)
class Secrets:
    """Where something that authenticates a user stands: lines of files and of the journal, and processes.

    `is_cut` says that there was more to search than may be.
    """

    lines: list[str]
    processes: list[str]
    is_cut: bool


def parse_secrets(output: Output) -> Secrets:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    if any(not where or not kind for tag in ("file", "journal") for where, kind in rows[tag]):
        raise ParseError("a finding lacks its place or kind")
    files = [f"{where}: {kind}" for where, kind in rows["file"] if where != "cut:0"]
    journal = [f"journal, {where}: {kind}" for where, kind in rows["journal"]]
    processes = [f"process {pid} ({name})" for pid, name in rows["process"]]
    return Secrets(files + journal, processes, bool(rows["cut"]) or len(files) != len(rows["file"]))


SECRETS: Probe[Secrets] = Probe("logging.secrets", f"{_COMMAND}{PRINT_END}", parse_secrets, limit=30)

"""What users of SSH have: the client's settings, keys that open accounts, and keys of their own.

Of key files only the public half is printed, of authorized_keys only key types and public keys: its options
may hold what nobody else should read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.crypto.ssh_files import print_settings
from plumbline.probes.crypto.ssh_keys import KINDS, PEM_KINDS, Key, parse_public
from plumbline.probes.crypto.ssh_server import Line
from plumbline.probes.nobody import AS_NOBODY
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import EVERYWHERE

OPTIONS = (
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "requiredrsasize",
    "gssapikeyexchange",
    "gssapikexalgorithms",
)
_ALTERNATIVES = "|".join(
    (*OPTIONS, "pubkeyacceptedkeytypes", "hostbasedacceptedalgorithms", "identityfile", "proxycommand")
)

FILES_MAX = 400
"""Files of users that are looked at; the probe says so when there are more."""

# Accounts of the directory have their homes below /home but no line in /etc/passwd.
_COMMAND = rf"""
{AS_NOBODY}
looked=0
look() {{
    looked=$((looked + 1))
    [ $looked -le {FILES_MAX} ] || {{ printf 'cut\t%s\n' "$1"; exit; }}
}}
{print_settings(_ALTERNATIVES)}
# Of a command line only the options of SSH that choose algorithms: the rest may hold what nobody should read.
own_options() {{
    awk '{{
        rest = $0
        sub(/^line\t/, "", rest)
        place = rest
        sub(/\t[^\t]*$/, "", place)
        told = ""
        while (match(rest,
            /[ \t"=]-([cm][ \t]*[a-z0-9@.,^+-]+|o[ \t"]*[A-Za-z]+[ \t=]+[A-Za-z0-9@.,^+-]+)/)) {{
            told = told substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH)
        }}
        if (told != "") print "command\t" place "\t" told
    }}'
}}
# Every key of a line: what stands before or after the one that counts may look like one too.
authorized() {{
    awk '!/^[ \t]*#/ {{ rest = $0
        while (match(rest, /(ssh-|ecdsa-|sk-)[a-z0-9@.-]+[ \t]+AAAA[A-Za-z0-9+\/=]+/)) {{
            print "authorized\t" FILENAME "\t" FNR "\t" substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH) }} }}' "$1"
}}
own() {{
    first=''
    IFS= read -r first <"$1"
    case $first in
    *'PRIVATE KEY-----'*)
        public=$(timeout 2 ssh-keygen -y -P '' -f "$1" 2>/dev/null </dev/null) ||
            public=$(timeout 2 ssh-keygen -lf "$1" 2>/dev/null </dev/null) || public=''
        first=${{first#*BEGIN }} first=${{first%PRIVATE KEY*}}
        ;;
    PuTTY-User-Key-File-*)
        public="${{first#*: }} $(awk '/^Public-Lines:/ {{ lines = $2; next }} lines-- > 0 {{ sub(/\r$/, "")
            printf "%s", $0 }}' "$1")"
        public=$(printf %s "$public" | tr -d '\r') first=PuTTY
        ;;
    *) return 0 ;;
    esac
    printf 'own\t%s\t%s\t%s\t%s\n' "$1" "$(stat -Lc %Y "$1")" "$first" "$public"
    access=$(stat -Lc '%a %U:%G' "$1")
    case ${{access%% *}} in *[4567])
        ! as_nobody test -r "$1" || printf 'open\t%s\t%s\n' "$1" "$access" ;;
    esac
}}
date '+now%t%s'
if command -v ssh >/dev/null; then
    told=$(as_nobody timeout 2 ssh -G plumbline.invalid)
    printf 'client\t%s\n' $?
    printf '%s\n' "$told" | sed -nE '/^({"|".join(OPTIONS)}) /s/^/option\t/p'
fi
# Where keys are that open accounts, Match blocks, command lines and other configurations included.
patterns=$({{
    timeout 2 sshd -T 2>/dev/null || echo 'authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2'
    grep -rhisE '^[[:space:]"]*(authorizedkeysfile|trustedusercakeys)[[:space:]"=]' /etc/ssh
    grep -hisoE '(authorizedkeysfile|trustedusercakeys)[= ][^[:space:]"]+' /etc/default/ssh /dev/null \
        $(grep -lsE '^ExecStart.*sshd|SSHD_OPTS' /etc/systemd/system/*.service /etc/systemd/system/*ssh*.d/*)
}} | sed -nE 's/^[[:space:]"]*(authorizedkeysfile|trustedusercakeys)[[:space:]"=]+//Ip' | tr -d '"' |
    tr -s ' \t' '\n' | sort -u)
lines=$({{
    [ ! -f /etc/ssh/ssh_config ] || settings /etc/ssh/ssh_config /etc/ssh all 1
    for home in $(cut -d: -f6 /etc/passwd | sort -u) /home/* /home/*/*; do
        [ ! -f "$home/.ssh/config" ] || settings "$home/.ssh/config" "$home/.ssh" all 1
    done
}} | sort -u)
printf '%s\n' "$lines" | grep -ivE "$tab[[:space:]\"]*(proxycommand|identityfile)" | grep .
{{
    printf '%s\n' "$lines" | grep -iE "$tab[[:space:]\"]*proxycommand"
    for directory in {EVERYWHERE}; do
        grep -HnsE '^[[:space:]]*Exec[A-Za-z]*[[:space:]]*=.*(ssh|scp|sftp|rsync)([[:space:]]|$)' \
            "$directory"/*.service "$directory"/*.service.d/*.conf |
            sed -E 's/^([^:]*):([0-9]+):/line\t\1\t\2\t/'
    done
    grep -IHnsE '^[^#]*(^|[^A-Za-z0-9_.-])(auto)?(ssh|scp|sftp|rsync)[[:space:]]' /etc/crontab /etc/cron.*/* \
        /var/spool/cron/crontabs/* /etc/rc.local | sed -E 's/^([^:]*):([0-9]+):/line\t\1\t\2\t/'
}} | own_options
{{
    cut -d: -f1,3,6 /etc/passwd
    for home in /home/* /home/*/*; do
        [ ! -d "$home/.ssh" ] || printf '%s:%s:%s\n' "${{home##*/}}" "$(stat -c %u "$home")" "$home"
    done
}} | sort -t: -k3 -u | while IFS=: read -r user uid home; do
    set -f
    for pattern in $patterns; do
        case $pattern in *%*) file=$(printf %s "$pattern" |
            sed "s#%%#\a#g; s#%u#$user#g; s#%h#$home#g; s#%U#$uid#g; s#\a#%#g") ;;
        *) file=$pattern ;; esac
        case $file in none) continue ;; /*) ;; *) file=$home/$file ;; esac
        [ ! -f "$file" ] || {{ look "$file"; authorized "$file"; }}
    done
    set +f
    [ -d "$home/.ssh" ] || continue
    for file in "$home"/.ssh/* "$home"/.ssh/*/*; do [ ! -f "$file" ] || {{ look "$file"; own "$file"; }}; done
done | sort -u
printf '%s\n' "$lines" |
    sed -nE 's#.*\t[[:space:]"]*identityfile[[:space:]"=]+(/[^"]*[^"[:space:]]).*#\1#Ip' |
    sort -u | while IFS= read -r file; do
    case $file in */.ssh/*) ;; *) [ ! -f "$file" ] || own "$file" ;; esac
done
{PRINT_END}
"""

_FIELDS = {
    "now": 1,
    "client": 1,
    "option": 1,
    "line": 3,
    "authorized": 3,
    "own": 4,
    "open": 2,
    "command": 3,
    "cut": 1,
}

_LETTERS = re.compile(
    r"(?:^|[\s\"=])-([cm])\s*(\S*(?:aes|3des|chacha|arcfour|blowfish|cast128|hmac-|umac-)[a-z0-9@.,^+-]*)"
)
"""`-c` and `-m` of ssh; other programs on the line have such options too, of other values."""
_OPTIONS = re.compile(r"-o[\s\"]*([A-Za-z]+)[\s=]+([A-Za-z0-9@.,^+-]+)")


@dataclass(frozen=True)
class SshUsers:
    """`client`: option -> names by default, None without a client; `lines` of the client's configuration.

    `authorized` keys open accounts here; `own` are private keys of users, by file; `open` are those that
    everybody may read, with their access; `cut` is the file at which looking ended, if there were too many.
    """

    now: float
    client: dict[str, list[str]] | None
    client_status: int
    lines: list[Line]
    authorized: list[Key]
    own: list[Key]
    open: list[tuple[str, str]]
    cut: str | None


def _own(file: str, made: str, form: str, public: str) -> Key:
    if public:
        return _public(public, file, float(made))
    kind = PEM_KINDS.get(form.strip(), "")
    return Key(file, kind, None, float(made))


def _public(text: str, where: str, made: float | None = None) -> Key:
    """Read a public key; of one that is broken only what its first word says."""
    try:
        return parse_public(text, where, made)
    except (ValueError, IndexError):
        return Key(where, KINDS.get(text.split(" ")[0], ""), None, made)


def _of_command(file: str, number: str, text: str) -> list[Line]:
    """Return what a command line tells ssh, as lines of its configuration."""
    found = [("ciphers" if letter == "c" else "macs", value) for letter, value in _LETTERS.findall(text)]
    found += [(name.lower(), value) for name, value in _OPTIONS.findall(text)]
    return [Line(f"{file}:{number}", option, value) for option, value in found]


def _line(file: str, number: str, text: str) -> Line:
    words = text.replace('"', " ").replace("=", " ", 1).split(None, 1)
    return Line(f"{file}:{number}", words[0].lower(), words[1].strip() if len(words) == 2 else "")


def _ssh_users(output: Output) -> SshUsers:
    rows = Rows(output, _FIELDS)
    told = (text.partition(" ")[::2] for (text,) in rows["option"])
    return SshUsers(
        now=float(rows["now"][0][0]),
        client={name: value.strip().split(",") for name, value in told} if rows["client"] else None,
        client_status=int(rows["client"][0][0]) if rows["client"] else 0,
        lines=[_line(*row) for row in rows["line"]]
        + [line for row in rows["command"] for line in _of_command(*row)],
        authorized=[_public(text, f"{file}:{number}") for file, number, text in rows["authorized"]],
        own=[_own(*row) for row in rows["own"]],
        open=[(file, access) for file, access in rows["open"]],
        cut=next((file for (file,) in rows["cut"]), None),
    )


SSH_USERS = Probe("crypto.ssh_users", _COMMAND, _ssh_users)

"""What users of SSH have: the client's settings, keys that open accounts, and keys of their own.

Of key files only the public half is printed, of authorized_keys only key types and public keys: its options
may hold what nobody else should read.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.crypto.ssh_keys import PEM_KINDS, Key, parse_public
from plumbline.probes.crypto.ssh_server import Line
from plumbline.probes.nobody import AS_NOBODY
from plumbline.probes.tagged import PRINT_END, Rows

OPTIONS = (
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "requiredrsasize",
)
_ALTERNATIVES = "|".join((*OPTIONS, "pubkeyacceptedkeytypes", "hostbasedacceptedalgorithms"))

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
settings() (
    file=$1 directory=$2 depth=$3
    awk 'tolower($0) ~ /^[ \t]*"?({_ALTERNATIVES})[ \t="]/ {{
        print "line\t" FILENAME "\t" FNR "\t" $0 }}' "$file"
    [ $depth -lt 4 ] || return 0
    for pattern in $(sed -n 's/^[ \t"]*include[ \t="]//Ip' "$file" | tr -d '="'); do
        case $pattern in /*) ;; '~/'*) pattern=${{directory%/.ssh}}/${{pattern#'~/'}} ;;
        *) pattern=$directory/$pattern ;; esac
        for included in $pattern; do
            [ ! -f "$included" ] || settings "$included" "$directory" $((depth + 1))
        done
    done
)
authorized() {{
    awk '!/^[ \t]*#/ && match($0, /(ssh-|ecdsa-|sk-)[a-z0-9@.-]+[ \t]+AAAA[A-Za-z0-9+\/=]+/) {{
        print "authorized\t" FILENAME "\t" FNR "\t" substr($0, RSTART, RLENGTH) }}' "$1"
}}
own() {{
    first=''
    IFS= read -r first <"$1"
    case $first in
    *'PRIVATE KEY-----'*)
        public=$(timeout 2 ssh-keygen -y -P '' -f "$1" 2>/dev/null </dev/null) ||
            public=$(timeout 2 ssh-keygen -lf "$1" 2>/dev/null </dev/null) || public=''
        first=${{first#*BEGIN }} first=${{first%PRIVATE KEY*}}
        printf 'own\t%s\t%s\t%s\t%s\n' "$1" "$(stat -Lc %Y "$1")" "$first" "$public"
        ;;
    esac
}}
date '+now%t%s'
if command -v ssh >/dev/null; then
    told=$(as_nobody timeout 2 ssh -G plumbline.invalid)
    printf 'client\t%s\n' $?
    printf '%s\n' "$told" | sed -nE '/^({"|".join(OPTIONS)}) /s/^/option\t/p'
fi
[ ! -f /etc/ssh/ssh_config ] || settings /etc/ssh/ssh_config /etc/ssh 1
patterns=$(timeout 2 sshd -T 2>/dev/null | sed -n 's/^authorizedkeysfile //p')
{{
    cut -d: -f1,6 /etc/passwd
    for home in /home/* /home/*/*; do [ ! -d "$home/.ssh" ] || printf '%s:%s\n' "${{home##*/}}" "$home"; done
}} | sort -t: -k2 -u | while IFS=: read -r user home; do
    set -f
    for pattern in ${{patterns:-.ssh/authorized_keys}}; do
        case $pattern in *%*) file=$(printf %s "$pattern" | sed "s#%u#$user#g; s#%h#$home#g; s#%%#%#g") ;;
        *) file=$pattern ;; esac
        case $file in none) continue ;; /*) ;; *) file=$home/$file ;; esac
        [ ! -f "$file" ] || {{ look "$file"; authorized "$file"; }}
    done
    set +f
    [ -d "$home/.ssh" ] || continue
    for file in "$home"/.ssh/*; do [ ! -f "$file" ] || {{ look "$file"; own "$file"; }}; done
    [ ! -f "$home/.ssh/config" ] || settings "$home/.ssh/config" "$home/.ssh" 1
done | sort -u
{PRINT_END}
"""

_FIELDS = {"now": 1, "client": 1, "option": 1, "line": 3, "authorized": 3, "own": 4, "cut": 1}


@dataclass(frozen=True)
class SshUsers:
    """`client`: option -> names by default, None without a client; `lines` of the client's configuration.

    `authorized` keys open accounts here; `own` are private keys of users, by file; `cut` is the file at which
    looking ended, if there were too many.
    """

    now: float
    client: dict[str, list[str]] | None
    client_status: int
    lines: list[Line]
    authorized: list[Key]
    own: list[Key]
    cut: str | None


def _own(file: str, made: str, form: str, public: str) -> Key:
    if public:
        return parse_public(public, file, float(made))
    kind = PEM_KINDS.get(form.strip(), "")
    return Key(file, kind, None, float(made))


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
        lines=[_line(*row) for row in rows["line"]],
        authorized=[parse_public(text, f"{file}:{number}") for file, number, text in rows["authorized"]],
        own=[_own(*row) for row in rows["own"]],
        cut=next((file for (file,) in rows["cut"]), None),
    )


SSH_USERS = Probe("crypto.ssh_users", _COMMAND, _ssh_users, limit=10)

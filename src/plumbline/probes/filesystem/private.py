"""What is for few eyes only: passwords, private keys, homes; and what files users make are open to.

Of keys and passwords only their permissions are printed.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.filesystem.writers import Entry, entry
from plumbline.probes.nobody import AS_NOBODY
from plumbline.probes.tagged import PRINT_END, Rows

_SECRETS = (
    "/etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/security/opasswd /etc/krb5.keytab "
    "/etc/ssh/ssh_host_*_key /var/lib/samba/private/*.tdb /var/lib/samba/private/*.keytab /var/lib/sss/db"
)
_PRINT = r"%y\t%m\t%U\t%G\t%p\0"

_COMMAND = rf"""
{AS_NOBODY}
told() {{ tag=$1; shift; stat --printf "$tag\t%A\t%a\t%u\t%g\t%n\n" -- "$@" 2>/dev/null; }}
told secret {_SECRETS}
find /etc /usr/local/etc -xdev -type f -perm /044 -size -64k \
    -exec grep -lsE -e '-----BEGIN ([A-Z]+ )*PRIVATE KEY-----' {{}} + 2>/dev/null |
    while IFS= read -r file; do told secret "$file"; done
told home /root
find /home -mindepth 1 -maxdepth 2 -type d -uid +999 -prune -printf 'home\t{_PRINT}' 2>/dev/null |
    tr '\n\0' '?\n' | head -n 2000
awk -F: '$3 >= 1000 && $3 < 65534 && $6 ~ /^\/./ && $6 !~ /^\/(home|nonexistent|var\/empty)(\/|$)/ &&
    $7 !~ /(nologin|false)$/ {{
    print $6 }}' /etc/passwd | while IFS= read -r home; do [ ! -d "$home" ] || told home "$home"; done
word=$(cat /proc/sys/kernel/random/uuid) || exit 9
as_nobody bash -lc 'printf "\n%s%s\n" "$0" "$(umask)"' "$word" | sed -n "s/^$word/umask\t/p"
{PRINT_END}
"""


@dataclass(frozen=True)
class Private:
    """Files that hold secrets, the homes of people and of root, and the umask of a login shell in octal.

    `umask` holds every answer; there is more than one if a startup file forged it.
    """

    secrets: tuple[Entry, ...]
    homes: tuple[Entry, ...]
    umask: tuple[str, ...]


def _entry(row: tuple[str, ...]) -> Entry:
    kind, mode, uid, gid, path = row
    return entry("d" if kind.startswith("d") else "f", mode, uid, gid, path)


def _private(output: Output) -> Private:
    rows = Rows(output, {"secret": 5, "home": 5, "umask": 1})
    homes = tuple(map(_entry, rows["home"]))
    if not any(home.path == "/root" for home in homes):
        raise ParseError("root has no home")
    return Private(tuple(map(_entry, rows["secret"])), homes, tuple(answer for (answer,) in rows["umask"]))


PRIVATE = Probe("filesystem.private", _COMMAND, _private)

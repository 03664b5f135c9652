"""Accounts that may be the operator's: what they may do beside the visualisation, what starts with them.

Which account is the operator's only the specification knows. So these facts are printed of every account that
a locally made unit runs as, and of everybody who has a session now. No password is printed, only whether one
can be used.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.tagged import Rows

OWN_FILES = (
    ".xinitrc .xserverrc .xsession .xsessionrc .Xclients .xprofile .dmrc .config/autostart/*.desktop "
    ".config/systemd/user/*.* .config/systemd/user/*.wants/* .local/share/systemd/user/*.* "
    ".config/openbox/autostart .config/i3/config .config/sway/config .xbindkeysrc"
)
"""Files of a user's own by which a session starts more than it was given."""

_MAX = 12

PRINT_ACCOUNTS = rf"""
set --
for d in /etc/systemd/system /usr/local/lib/systemd/system /run/systemd/system; do
    [ ! -d "$d" ] || set -- "$@" "$d"
done
names=$(find "$@" -maxdepth 2 -type f \( -name '*.service' -o -path '*.service.d/*.conf' \) \
    -exec grep -hsE '^[[:space:]]*User[[:space:]]*=' /dev/null {{}} + | sed 's/.*=[[:space:]]*//')
for d in /run/user/[1-9]*; do [ ! -d "$d" ] || names="$names ${{d##*/}}"; done
set --
for name in $names; do case $name in root | *[!A-Za-z0-9_.-]*) ;; *) set -- "$@" "$name" ;; esac; done
accounts=''
[ $# -eq 0 ] || accounts=$(getent passwd -- "$@" | sort -u)
[ "$(printf '%s\n' "$accounts" | wc -l)" -le {_MAX} ] || {{
    accounts=$(printf '%s\n' "$accounts" | head -n {_MAX})
    echo 'cut	accounts'
}}
uids=' '
while IFS=: read -r name password uid gid gecos home shell; do
    [ -n "$name" ] || continue
    uids="$uids$uid "
    printf 'account\t%s\t%s\t%s\t%s\n' "$name" "$uid" "$home" "${{shell:-/bin/sh}}"
    awk -F: -v n="$name" '$1 == n {{
        print "password\t" n "\t" ($2 == "" ? "empty" : $2 ~ /^[!*]/ ? "locked" : "usable") }}' /etc/shadow
    printf 'groups\t%s\t%s\n' "$name" "$(id -Gn -- "$name")"
    if command -v sudo >/dev/null; then
        printf 'sudo\t%s\t%s\n' "$name" "$(LC_ALL=C timeout 2 sudo -n -l -U "$name" 2>&1 </dev/null |
            sed -n '/may run the/,$p; /not allowed to run/p' | head -n 6 | tr '\n' ' ')"
    fi
    [ ! -f /etc/doas.conf ] ||
        grep -nE "^[[:space:]]*permit.*[[:space:]]$name([[:space:]]|\$)" /etc/doas.conf |
        sed "s/^/doas\t$name\t/"
    [ ! -s "/var/spool/cron/crontabs/$name" ] ||
        printf 'own\t%s\t%s\n' "$name" "/var/spool/cron/crontabs/$name"
    grep -HnsE "^[[:space:]]*(@[a-z]+|([^[:space:]#]+[[:space:]]+){{5}})[[:space:]]*$name[[:space:]]" \
        /etc/crontab /etc/cron.d/* | sed -nE "s/^([^:]*:[0-9]+):.*/own\t$name\t\1/p"
    [ ! -d /var/spool/cron/atjobs ] ||
        find /var/spool/cron/atjobs -type f -uid "$uid" -printf "own\t$name\t%p\n"
    [ ! -f "/var/lib/AccountsService/users/$name" ] ||
        grep -HnE '^X?Session[[:space:]]*=' "/var/lib/AccountsService/users/$name" |
        sed "s/^/own\t$name\t/"
    case $home in / | /nonexistent | '' | *[[:cntrl:]]*) continue ;; esac
    for f in "$home"/.ssh/authorized_keys "$home"/.ssh/authorized_keys2 \
        /etc/ssh/authorized_keys/"$name" /etc/ssh/authorized_keys.d/"$name"; do
        [ ! -s "$f" ] || printf 'key\t%s\t%s\n' "$name" "$f"
    done
    cd "$home" 2>/dev/null || continue
    for f in {OWN_FILES}; do
        case $f in *[[:cntrl:]]*) exit 9 ;; esac
        [ ! -f "$f" ] && [ ! -L "$f" ] || printf 'own\t%s\t%s\n' "$name" "$home/$f"
    done
    cd /
done <<LIST
$accounts
LIST
"""
"""A shell command that prints rows of `FIELDS`, and leaves the accounts' numbers in `$uids`."""

FIELDS = {
    "cut": 1,
    "account": 4,
    "password": 2,
    "groups": 2,
    "sudo": 2,
    "doas": 2,
    "key": 2,
    "own": 2,
}


@dataclass(frozen=True)
class Account:
    """An account: where it may get in, and what starts by itself in its name.

    `password` is `locked`, `usable`, `empty`, or None where the host keeps none; `sudo` is what sudo says of
    it, None without sudo; `own` are files that start something as it or choose its session.
    """

    name: str
    uid: str
    home: str
    shell: str
    password: str | None
    groups: tuple[str, ...]
    sudo: str | None
    doas: tuple[str, ...]
    keys: tuple[str, ...]
    own: tuple[str, ...]


def accounts(rows: Rows) -> dict[str, Account]:
    """Read what `PRINT_ACCOUNTS` printed, by name."""
    return {row[0]: _account(rows, row[0], row[1], row[2], row[3]) for row in rows["account"]}


def _account(rows: Rows, name: str, uid: str, home: str, shell: str) -> Account:
    def seen(tag: str) -> tuple[str, ...]:
        return tuple(row[1] for row in rows[tag] if row[0] == name)

    password, sudo = seen("password"), seen("sudo")
    return Account(
        name=name,
        uid=uid,
        home=home,
        shell=shell,
        password=password[0] if password else None,
        groups=tuple(seen("groups")[0].split()),
        sudo=sudo[0].strip() if sudo else None,
        doas=seen("doas"),
        keys=seen("key"),
        own=seen("own"),
    )

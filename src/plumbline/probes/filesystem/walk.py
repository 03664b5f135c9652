"""A walk through the host's own disks for files that others may write, or that give rights.

The system's directories are walked wholly, other disks to a depth of `DEPTH`; each walk has a time limit, and
one that was cut is said to be. Nothing but the tables of file systems is read. An access list that lets
somebody write shows in the group's bits of a file's mode (acl(5)).
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.filesystem.mounts import LOCAL_DISKS, SETUID_DISKS
from plumbline.probes.filesystem.writers import ACCOUNT_FIELDS, PRINT_ACCOUNTS, Accounts, Entry, entry
from plumbline.probes.tagged import PRINT_END, Rows

DEPTH = 6
"""Directories below a mount point beside the root's, down to which permissions of files are looked at."""

SYSTEM = (
    "/etc /usr /boot /bin /sbin /lib /lib32 /lib64 /libx32 /root /var/lib/dpkg /var/lib/apt /var/lib/systemd "
    "/var/lib/pam /var/lib/ucf /var/lib/dbus /var/lib/polkit-1 /run/systemd/system /run/systemd/transient "
    "/run/udev/rules.d"
)
"""Directories of the operating system, all files of which are its own."""

_ALONE = (
    "/ /var /var/lib /var/cache /var/spool /var/spool/cron /var/spool/cron/crontabs "
    "/var/spool/cron/crontabs/root /home /opt /srv"
)
"""Directories that are the system's, but not what is in them."""

_OTHERS = "docker containers containerd machines lxc lxd incus snapd"
"""Below /var/lib: whole systems of others, which no user of this one reaches."""

TEMPORARY = "/tmp /var/tmp /dev/shm"  # noqa: S108  (names only, nothing is made)
"""Directories for everybody; what is in them is its owner's business, but for programs that give rights."""

PRUNED = r"-type d \( {} \) -prune".format(
    " -o ".join(
        f"-path {path}"
        for path in [
            *SYSTEM.split(),
            *(f"/var/lib/{name}" for name in _OTHERS.split()),
            *TEMPORARY.split(),
            *("/proc", "/sys", "/dev", "/run"),
        ]
    )
)

SET_SYSTEM = rf"""set --
for directory in {SYSTEM}; do [ ! -d "$directory" ] || [ -L "$directory" ] || set -- "$@" "$directory"; done
for point in $(awk '$5 ~ /^\/(etc|usr|boot|root)\// && $5 !~ /\\/ {{
    for (i = 7; i <= NF && $i != "-"; i++);
    if ($(i + 1) ~ /^(ext[234]|xfs|btrfs|zfs|f2fs|jfs|tmpfs|overlay|vfat)$/) print $5
}}' /proc/self/mountinfo | sort -u); do set -- "$@" "$point"; done
disks=$({LOCAL_DISKS}) || exit 9
able=$({SETUID_DISKS}) || exit 9
"""
"""Sets the arguments to the system's directories and what is mounted below them, `disks` to the others.

`able` are those other file systems on which programs can have rights of their own.
"""

_FIELDS = {**ACCOUNT_FIELDS, "far": 3, "os": 5, "rest": 5, "owned": 2, "cut": 1, "deep": 1, "more": 1}
_PRINT = r"%y\t%m\t%U\t%G\t%p\0"
_MORE_THAN = 200

_COMMAND = rf"""
{PRINT_ACCOUNTS}
walk() {{
    seconds=$1 told=$2 what=$3
    shift 3
    timeout "$seconds" find "$@"
    [ $? -ne 124 ] || printf '%s\t%s\0' "$told" "$what"
}}
users=$(awk -F: '{{ printf "%s -uid %d", (NR > 1 ? " -o" : ""), $3 }}' /etc/passwd) || exit 9
groups=$(awk -F: '{{ printf "%s -gid %d", (NR > 1 ? " -o" : ""), $3 }}' /etc/group) || exit 9
orphan="( ! ( $users ) -o ! ( $groups ) )"
open='-perm -0002 ! ( -type d -perm -1000 ) ! -type s ! -type p ! -type c'
rest="( $open -o -type f -perm /6000 -o $orphan )"
{SET_SYSTEM}
found=$({{
    set -f
    walk 20 cut / "$@" -xdev ! -type l ! -type s \( -perm /6022 -o ! -uid 0 -o $orphan \) \
        -printf 'os\t{_PRINT}'
    walk 20 cut / / -xdev {PRUNED} -o ! -type l $rest -printf 'rest\t{_PRINT}'
    for point in $disks; do
        walk 5 cut "$point" "$point" -xdev -maxdepth {DEPTH} ! -type l $rest -printf 'rest\t{_PRINT}'
    done
    for point in $able; do
        walk 8 deep "$point" "$point" -xdev -type f -perm /6000 -printf 'rest\t{_PRINT}'
    done
    walk 5 cut /tmp {TEMPORARY} /run /dev -xdev -type f -perm /6000 -printf 'rest\t{_PRINT}'
    find {_ALONE} -maxdepth 0 ! -type l \( -perm /022 -o ! -uid 0 \) -printf 'os\t{_PRINT}'
    find /dev -xdev -type b ! -name 'sr[0-9]*' ! -name 'fd[0-9]*' \( -perm /022 -o ! -uid 0 \) \
        -printf 'os\t{_PRINT}'
    find {TEMPORARY} -maxdepth 0 -perm -0002 ! -perm -1000 -printf 'rest\t{_PRINT}'
}} 2>/dev/null | tr '\n\0' '?\n' | awk -F'\t' '
    $1 == "cut" || $1 == "deep" {{ print; next }}
    seen[$0]++ {{ next }}
    {{ kind = $4 ":" $5; if (++seen[$1 kind] <= {_MORE_THAN}) print; else more[kind]++ }}
    END {{ for (kind in more) print "more\t" more[kind] " of " kind }}')
[ -z "$found" ] || printf '%s\n' "$found"
printf '%s\n' "$found" | awk -F'\t' '
    FILENAME == "/etc/passwd" {{ split($0, part, ":"); user[part[3]] = 1; next }}
    FILENAME == "/etc/group" {{ split($0, part, ":"); group[part[3]] = 1; next }}
    $1 == "os" || $1 == "rest" {{
        if (!($4 in user) && !asked["passwd " $4]++) print "passwd", $4
        if (!($5 in group) && !asked["group " $5]++) print "group", $5
    }}' /etc/passwd /etc/group - | head -n 40 | while read -r kind number; do
    printf 'far\t%s\t%s\t%s\n' "$kind" "$number" "$(timeout 2 getent "$kind" "$number" | cut -d: -f1)"
done
set --
for file in $(printf '%s\n' "$found" | awk -F'\t' '
    $2 == "f" && length($3) == 4 && $3 ~ /^[2-7]/ && $6 !~ /[ *?[]/ {{ print $6 }}'); do
    set -- "$@" -e "$file" -e "${{file#/usr}}"
done
[ $# -eq 0 ] || [ ! -d /var/lib/dpkg/info ] ||
    grep -HsxF "$@" -r /var/lib/dpkg/info --include='*.list' | sed 's|^[^:]*/||; s|\.list:|\t|; s/^/owned\t/'
{PRINT_END}
"""


@dataclass(frozen=True)
class Walk:
    """What was found: `system` in the operating system's directories, `rest` elsewhere.

    `owners` are the packages that bring a file which gives rights, by its path; `cut` are the places that
    were not walked to their end, `deep` those not searched wholly for programs that give rights; `more` tells
    how many findings of one owner were left out.
    """

    accounts: Accounts
    system: tuple[Entry, ...]
    rest: tuple[Entry, ...]
    owners: dict[str, tuple[str, ...]]
    orphans: tuple[Entry, ...]
    cut: tuple[str, ...]
    deep: tuple[str, ...]
    more: tuple[str, ...]


def _walk(output: Output) -> Walk:
    rows = Rows(output, _FIELDS)
    accounts = Accounts.read(rows["user"], rows["group"])
    far = {(kind, int(number)): name for kind, number, name in rows["far"] if name}
    accounts = accounts.with_directory(
        {number: name for (kind, number), name in far.items() if kind == "passwd"},
        {number: name for (kind, number), name in far.items() if kind == "group"},
    )
    system = tuple(entry(*row) for row in rows["os"])
    rest = tuple(entry(*row) for row in rows["rest"])
    owners: dict[str, tuple[str, ...]] = {}
    for package, path in rows["owned"]:
        name = package.partition(":")[0]
        for known in (path, f"/usr{path}"):
            owners[known] = (*owners.get(known, ()), name)
    return Walk(
        accounts=accounts,
        system=system,
        rest=rest,
        owners=owners,
        orphans=tuple(one for one in (*system, *rest) if not accounts.knows(one)),
        cut=tuple(place for (place,) in rows["cut"]),
        deep=tuple(place for (place,) in rows["deep"]),
        more=tuple(told for (told,) in rows["more"]),
    )


WALK = Probe("filesystem.walk", _COMMAND, _walk, limit=60)

"""Who can read and change log files: modes, owners, groups and their members, access control lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.files import glob_matches
from plumbline.probes.tagged import PRINT_END, Rows

ENTRIES_MAX = 2000
FIRST_PERSON = 1000
"""Uids from here on are people's (login.defs(5), UID_MIN)."""

# Only what more than root can read or change is printed; a directory that others can list shows names alone.
_COMMAND = rf"""
set -- /var/log
[ ! -d /run/log ] || set -- "$@" /run/log
f=$(sed -nE 's/^[[:space:]]*log_file[[:space:]]*=[[:space:]]*(.*)\/[^\/]*$/\1/p' /etc/audit/auditd.conf \
    2>/dev/null)
case $f in ''|/var/log|/var/log/*) ;; *) [ ! -d "$f" ] || set -- "$@" "$f" ;; esac
find -H "$@" -xdev ! -type l \( -perm /002 -o ! -type d -perm /004 -o ! -user root \
    -o ! -group root ! -group adm ! -group systemd-journal \) \
    -printf 'file\t%y\t%m\t%U\t%u\t%g\t%p\n' 2>/dev/null | head -n {ENTRIES_MAX + 1}
if command -v getfacl >/dev/null; then
    getfacl -R -P -s -p "$@" 2>/dev/null | awk '
        sub(/^# file: /, "") {{ path = $0; next }}
        /^(user|group):[^:]+:/ {{ sub(/[ \t]*#effective:/, "="); print "acl\t" $0 "\t" path }}'
else
    ls -lAR "$@" 2>/dev/null | grep -c '^[^ ]*+ ' | sed 's/^/unread\t/'
fi
awk -F: '{{ printf "group\t%s\t%s\t%s\n", $1, $3, $4 }}' /etc/group
awk -F: '{{ printf "account\t%s\t%s\t%s\n", $1, $3, $4 }}' /etc/passwd
"""

_TAGS = {"file": 6, "acl": 2, "unread": 1, "group": 3, "account": 3}


@dataclass(frozen=True)
class LogFile:
    """A file or directory below /var/log: kind as `find -printf %y`, mode, and who has it."""

    kind: str
    mode: int
    uid: int
    owner: str
    group: str
    path: str

    def __str__(self) -> str:
        return f"{self.path} ({self.mode:04o} {self.owner}:{self.group})"


@dataclass(frozen=True)
class LogFiles:
    """Log files that more than root can read or change; `is_cut` if there were too many to be told.

    `acls` are entries of access control lists with their paths; `unread_acls` is how many files have one that
    could not be read, for getfacl is not installed. `members` are those of local groups, primary ones too.
    """

    files: list[LogFile]
    is_cut: bool
    acls: list[tuple[str, str]]
    unread_acls: int
    members: dict[str, list[str]]
    uids: dict[str, int]

    def open_to_all(self, public: Sequence[str]) -> list[LogFile]:
        """Files that everybody can read, but for those public may see; and whatever everybody can change."""
        return [
            file
            for file in self.files
            if (file.mode & 0o002 and not (file.kind == "d" and file.mode & 0o1000))
            or (file.kind != "d" and file.mode & 0o004 and not is_public(file.path, public))
        ]

    def of_people(self, groups: Sequence[str]) -> list[str]:
        """Files that a person owns, or that a group has with people among its members; `groups` apart."""
        found = []
        for file in self.files:
            people = [
                m for m in self.members.get(file.group, []) if self.uids.get(m, FIRST_PERSON) >= FIRST_PERSON
            ]
            if file.uid >= FIRST_PERSON:
                found.append(str(file))
            elif file.mode & 0o060 and file.group not in groups and people:
                found.append(f"{file}: {', '.join(people)}")
        return found

    def readers(self, groups: Sequence[str]) -> list[str]:
        """Accounts that are in one of the groups that read logs, each with the group."""
        return [
            f"{member} ({group})"
            for group in groups
            for member in self.members.get(group, [])
            if member != group and self.uids.get(member) != 0
        ]

    def granted(self, groups: Sequence[str]) -> list[str]:
        """Entries of access control lists that let in others than these groups.

        The journal of a user is his own to read (systemd-journald.service(8)).
        """
        found = []
        for entry, path in self.acls:
            kind, name, rights = entry.split(":", 2)
            effective = rights.rpartition("=")[2]
            uid = name if name.isdecimal() else str(self.uids.get(name, ""))
            own = kind == "user" and path.rpartition("/")[2].startswith(f"user-{uid}")
            if set(effective) <= {"-"} or (kind == "group" and name in groups):
                continue
            if own and "w" not in effective and "/journal/" in path:
                continue
            found.append(f"{path} ({entry})")
        return found


def is_public(path: str, patterns: Sequence[str]) -> bool:
    """Say whether a path is one of the logs that everybody may read."""
    return any(glob_matches(path, pattern) for pattern in patterns)


def parse_files(output: Output) -> LogFiles:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    if not rows["group"] or not rows["account"]:
        raise ParseError("there are no groups or no accounts")
    files = [
        LogFile(kind, int(mode, 8), int(uid), owner, group, path)
        for kind, mode, uid, owner, group, path in rows["file"]
    ]
    names = {gid: name for name, gid, _ in rows["group"]}
    members = {name: [m for m in told.split(",") if m] for name, _, told in rows["group"]}
    for account, _, gid in rows["account"]:
        if gid in names and account not in members[names[gid]]:
            members[names[gid]].append(account)
    return LogFiles(
        files[:ENTRIES_MAX],
        len(files) > ENTRIES_MAX,
        [(entry, path) for entry, path in rows["acl"]],
        sum(int(count) for (count,) in rows["unread"]),
        members,
        {name: int(uid) for name, uid, _ in rows["account"]},
    )


FILES: Probe[LogFiles] = Probe("logging.files", f"{_COMMAND}{PRINT_END}", parse_files)

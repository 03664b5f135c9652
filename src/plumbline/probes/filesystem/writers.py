"""Who may write to a file: its owner, the members of its group, whoever its access list names, or everybody.

The standard lets administrators and system accounts write to the operating system's files. A system account
is one below uid 1000 (Debian policy 9.2.2); an administrator is in a group that may become root.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

FIRST_ORDINARY = 1000
NOBODY = 65534
DYNAMIC = range(61184, 65520)
"""Ids systemd gives to services while they run (systemd.exec(5), DynamicUser)."""

ADMINISTRATORS = frozenset({"sudo", "admin", "wheel"})
"""Groups whose members may become root on Debian, Ubuntu and their relatives."""

ACCOUNT_FIELDS = {"user": 4, "group": 3}
"""Rows: `user NAME UID GID HOME`, `group NAME GID MEMBERS`."""

PRINT_ACCOUNTS = r"""
awk -F: '/^[^#+-]/ && NF > 6 && $3 ~ /^[0-9]+$/ && $4 ~ /^[0-9]+$/ {
    print "user\t" $1 "\t" $3 "\t" $4 "\t" $6
}' /etc/passwd || exit 9
awk -F: '/^[^#+-]/ && NF > 3 && $3 ~ /^[0-9]+$/ { print "group\t" $1 "\t" $3 "\t" $4 }' /etc/group || exit 9
"""


@dataclass(frozen=True)
class Entry:
    """A file: its kind as `find -printf %y` tells it (f, d, l, b, c, p, s), permission bits, owner, path."""

    kind: str
    mode: int
    uid: int
    gid: int
    path: str

    @property
    def sticky(self) -> bool:
        """Whether in this directory only their owners may remove files."""
        return self.kind == "d" and bool(self.mode & 0o1000)


def entry(kind: str, mode: str, uid: str, gid: str, path: str) -> Entry:
    """Make an entry of the fields `find` printed; ValueError for what is none."""
    return Entry(kind, int(mode, 8), int(uid), int(gid), path)


@dataclass(frozen=True)
class Accounts:
    """The host's accounts and groups by number; `homes` by account, `far` the directory service's groups."""

    users: Mapping[int, str]
    groups: Mapping[int, str]
    members: Mapping[int, frozenset[str]]
    uids: Mapping[str, int]
    homes: Mapping[str, str] = field(default_factory=dict)
    administrators: frozenset[str] = ADMINISTRATORS
    far: frozenset[int] = frozenset()

    @staticmethod
    def read(users: list[tuple[str, ...]], groups: list[tuple[str, ...]]) -> Accounts:
        """Make them of the rows of `PRINT_ACCOUNTS`; the first line of a number or name counts."""
        by_uid: dict[int, str] = {}
        uids: dict[str, int] = {}
        homes: dict[str, str] = {}
        members: dict[int, set[str]] = {}
        by_gid: dict[int, str] = {}
        for name, uid, gid, home in users:
            by_uid.setdefault(int(uid), name)
            uids.setdefault(name, int(uid))
            homes.setdefault(name, home)
            members.setdefault(int(gid), set()).add(name)
        for name, gid, listed in groups:
            by_gid.setdefault(int(gid), name)
            members.setdefault(int(gid), set()).update(filter(None, (n.strip() for n in listed.split(","))))
        frozen = {gid: frozenset(names) for gid, names in members.items()}
        return Accounts(by_uid, by_gid, frozen, uids, homes)

    def with_directory(self, users: Mapping[int, str], groups: Mapping[int, str]) -> Accounts:
        """Return them with those that a directory service knows by these numbers."""
        return replace(
            self,
            users={**users, **self.users},
            groups={**groups, **self.groups},
            far=self.far | (groups.keys() - self.groups.keys()),
        )

    def administered_by(self, groups: Iterable[str]) -> Accounts:
        """Return them with groups of a directory service whose members are administrators too."""
        return replace(self, administrators=self.administrators | frozenset(groups))

    def knows(self, entry: Entry) -> bool:
        """Say whether a file's owner and group have a name; services' passing numbers need none."""
        return (entry.uid in self.users or entry.uid in DYNAMIC) and (
            entry.gid in self.groups or entry.gid in DYNAMIC
        )

    def user(self, uid: int) -> str:
        """Return an account's name, its number where it has none."""
        return self.users.get(uid, str(uid))

    def group(self, gid: int) -> str:
        """Return a group's name, its number where it has none."""
        return self.groups.get(gid, str(gid))

    def is_ordinary(self, uid: int) -> bool:
        """Say whether an account is neither the system's nor an administrator's."""
        if uid in DYNAMIC or (uid < FIRST_ORDINARY and uid != NOBODY):
            return False
        name = self.users.get(uid, "")
        return not any(name in names and self._administers(gid) for gid, names in self.members.items())

    def _administers(self, gid: int) -> bool:
        """Say whether a group's members are administrators; a directory's name may bear its domain."""
        name = re.sub(r"^.*\\|@.*$", "", self.groups.get(gid, "")).lower()
        return name in {administrator.lower() for administrator in self.administrators}

    def ordinary_members(self, gid: int) -> list[str] | None:
        """Return the ordinary accounts in a group; None for a group of the directory, whose members vary."""
        if self._administers(gid):
            return []
        unknown = gid not in self.groups and gid not in DYNAMIC and gid >= FIRST_ORDINARY
        if unknown or gid in self.far:
            return None
        return sorted(
            name
            for name in self.members.get(gid, frozenset())
            if name not in self.uids or self.is_ordinary(self.uids[name])
        )

    def writers(self, entry: Entry, access: tuple[Access, ...] = ()) -> list[str]:
        """Return who may write there beside the system and its administrators, in words; empty if nobody."""
        return list(self._others(entry, access, 0o2))

    def readers(self, entry: Entry, access: tuple[Access, ...] = ()) -> list[str]:
        """Return who may read it beside the system and its administrators, in words; empty if nobody."""
        return list(self._others(entry, access, 0o4))

    def _others(self, entry: Entry, access: tuple[Access, ...], right: int) -> Iterator[str]:
        if self.is_ordinary(entry.uid):
            yield f"its owner {self.user(entry.uid)}"
        if access:
            yield from self._by_list(entry, access, right)
        elif entry.mode & right << 3:
            yield from self._group(entry.gid)
        if entry.mode & right:
            yield "everybody"

    def _group(self, gid: int) -> list[str]:
        members = self.ordinary_members(gid)
        if members is None:
            return [f"the group {self.group(gid)}"]
        return [f"{', '.join(members)} of the group {self.group(gid)}"] if members else []

    def _by_list(self, entry: Entry, access: tuple[Access, ...], right: int) -> Iterator[str]:
        mask = next((one.rights for one in access if one.kind == "mask"), 0o7)
        for one in access:
            if not one.rights & mask & right:
                continue
            if one.kind == "group":
                gid = self._gid(one.whom) if one.whom else entry.gid
                named = [f"the group {one.whom}"] if gid is None else self._group(gid)
                yield from (f"{words} by its access list" for words in named)
            elif one.kind == "user" and one.whom:
                uid = int(one.whom) if one.whom.isdigit() else self.uids.get(one.whom)
                if uid is None or self.is_ordinary(uid):
                    yield f"{one.whom} by its access list"

    def _gid(self, name: str) -> int | None:
        if name.isdigit():
            return int(name)
        return next((gid for gid, known in self.groups.items() if known == name), None)


@dataclass(frozen=True)
class Access:
    """An entry of an access list (acl(5)): `user`, `group`, `mask` or `other`; the file's own if for nobody.

    `rights` are bits as in a mode.
    """

    kind: str
    whom: str
    rights: int


def access_list(text: str) -> tuple[Access, ...]:
    """Read an access list in its long text form; ValueError where it is none."""
    found = []
    for line in text.split("\n"):
        words = line.split("#")[0].strip()
        if not words:
            continue
        kind, rest = words.split(":", 1)
        whom, rights = rest.rsplit(":", 1)
        if kind not in ("user", "group", "mask", "other") or not re.fullmatch(r"[r-][w-][x-]", rights):
            raise ValueError(f"{words!r} is no entry of an access list")
        bits = sum(bit for letter, bit in zip("rwx", (4, 2, 1), strict=True) if letter in rights)
        found.append(Access(kind, whom, bits))
    return tuple(found)


_CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable "
    "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot "
    "sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease "
    "audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read "
    "perfmon bpf checkpoint_restore"
)
_CAPABILITY_NAMES = _CAPABILITIES.split()


def capabilities(raw: bytes) -> frozenset[str]:
    """Return the capabilities a file gives, of its attribute `security.capability` (capabilities(7)).

    Permitted and inheritable ones alike, without `cap_`; ValueError for another layout.
    """
    if len(raw) not in (12, 20, 24):
        raise ValueError(f"a file's capabilities have {len(raw)} bytes")
    words = struct.unpack(f"<{len(raw) // 4}I", raw)
    if words[0] >> 24 not in (1, 2, 3):
        raise ValueError(f"file capabilities of revision {words[0] >> 24} are not known")
    low, high = words[1] | words[2], (words[3] | words[4]) if len(raw) > 12 else 0
    bits = low | high << 32
    return frozenset(
        _CAPABILITY_NAMES[number] if number < len(_CAPABILITY_NAMES) else str(number)
        for number in range(64)
        if bits >> number & 1
    )

"""Files, their permissions and partitions as the suites see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from plumbline.policy.privileged import Privileged, Program, find
from plumbline.probes.filesystem import partitions
from plumbline.probes.filesystem.attributes import ATTRIBUTES, AllAttributes
from plumbline.probes.filesystem.given import GIVEN
from plumbline.probes.filesystem.mounted import DISKS, REMOTE, Mounts
from plumbline.probes.filesystem.mounts import MOUNTS
from plumbline.probes.filesystem.packages import PACKAGES
from plumbline.probes.filesystem.private import PRIVATE
from plumbline.probes.filesystem.reach import REACH
from plumbline.probes.filesystem.walk import SYSTEM, WALK, Walk
from plumbline.probes.filesystem.writers import Accounts, Entry
from plumbline.probes.subject import Subject
from plumbline.spec.model import HostSpec
from plumbline.spec.storage import Partition
from plumbline.verify.unknown import Unknown

_TREES = tuple(SYSTEM.split())
_COVERED = tuple(tree for tree in _TREES if tree != "/root")


def _merged(path: str) -> str:
    """Return a path as it is where /bin, /sbin and /lib are links into /usr."""
    return f"/usr{path}" if partitions.below(path, ("/bin", "/sbin", "/lib")) else path


class Filesystem(Subject):
    """Who may write where, what is packaged and unchanged, what lies on which partition."""

    @cached_property
    def mounts(self) -> Mounts:
        """What is mounted now and at boot."""
        return self.read(MOUNTS)

    @property
    def _walk(self) -> Walk:
        return self.read(WALK)

    def _walked(self, found: list[str]) -> list[str]:
        """Return what a walk found; `Unknown` if that is nothing, and the walk was cut."""
        walk = self._walk
        if not found and walk.cut:
            raise Unknown("the walk through {places} was not finished in time", places=", ".join(walk.cut))
        return [*found, *(f"{told} more" for told in walk.more)] if found else found

    def _attributes(self) -> AllAttributes:
        found = self.read(ATTRIBUTES)
        if found.lacking:
            raise Unknown("this host's tar shows no access lists and capabilities: {why}", why=found.lacking)
        if found.cut or found.more:
            raise Unknown("not all files with access lists or capabilities were looked at in time")
        return found

    def _accounts(self, spec: HostSpec) -> Accounts:
        groups = [user.group for user in spec.users if user.role == "os-administrator"]
        return self._walk.accounts.administered_by(groups)

    def writable_system_files(self, spec: HostSpec) -> list[str]:
        """Return the system's files somebody beside it and its administrators may write, with who."""
        attributes, accounts = self._attributes(), self._accounts(spec)
        found = []
        for entry in self._walk.system:
            access = attributes.files[entry.path].access if entry.path in attributes.files else ()
            who = accounts.writers(entry, access)
            if who:
                found.append(f"{entry.path}: {', '.join(who)}")
        return self._walked(found)

    def inherited_writers(self, spec: HostSpec) -> list[str]:
        """Return the system's directories in which new files will be somebody else's to write as well.

        And the files that the next boot, or the next update of their package, gives to somebody else.
        """
        accounts = self._accounts(spec)
        found = []
        for path, attributes in self._attributes().files.items():
            who = accounts.writers(Entry("d", 0o755, 0, 0, path), attributes.default)
            if who and partitions.below(path, _TREES):
                found.append(f"{path}: {', '.join(who)}, for files to come")
        for given in self.read(GIVEN):
            who = accounts.writers(given.entry(accounts), given.access)
            if who and partitions.below(given.path, _TREES):
                found.append(f"{given.where}: {given.path}: {', '.join(who)}")
        return found

    def writable_ways_of_root(self, spec: HostSpec) -> list[str]:
        """Return what root runs or searches where somebody else may write, with the place that names it."""
        reach, accounts, attributes = self.read(REACH), self._accounts(spec), self._attributes()
        if reach.cut:
            raise Unknown("too many paths are named for root to judge them all")
        found = dict.fromkeys(reach.relative)
        for named in reach.named:
            if not named.path.startswith("/") or not reach.counts(named):
                continue
            for entry in reach.ways(named.path):
                access = attributes.files[entry.path].access if entry.path in attributes.files else ()
                who = accounts.writers(entry, access)
                if who:
                    where = "" if entry.path == named.path else f" by {entry.path}"
                    found[f"{named.where}: {named.path}{where}: {', '.join(who)}"] = None
        return list(found)

    @property
    def covered_system(self) -> list[str]:
        """Return what is mounted over the system's own directories and is no disk of this host."""
        return [
            f"{mount.point}: {mount.kind} ({mount.source}, {mount.inside})"
            for mount in self.mounts.now
            if partitions.below(mount.point, _COVERED)
            and mount.kind not in ("squashfs", "autofs", "btrfs")
            and not (mount.kind in DISKS and mount.inside == "/")
        ]

    @property
    def covered_system_at_boot(self) -> list[str]:
        """Return what the next boot will mount over the system's directories and is no disk of this host."""
        return [
            f"{entry} ({entry.kind})"
            for entry in self.mounts.boot
            if entry.asked
            and partitions.below(entry.point, _COVERED)
            and (entry.bound or (entry.kind not in (*DISKS, "auto") and entry.number is None))
        ]

    def privileged_beyond(self, known: Privileged) -> list[str]:
        """Return setuid and setgid programs that the distribution does not bring so."""
        walk, programs = self._walk, known.of(self._host.system.distribution)
        if programs is None:
            raise self._unlisted()
        found = []
        for entry in (*walk.system, *walk.rest):
            if entry.kind != "f" or not entry.mode & 0o6000 or self._harmless(entry):
                continue
            program = find(programs, _merged(entry.path))
            owners = walk.owners.get(entry.path, ())
            owner, group = walk.accounts.user(entry.uid), walk.accounts.group(entry.gid)
            as_listed = (
                program is not None
                and entry.mode & 0o6000 & ~program.rights == 0
                and owner == program.owner
                and program.group in (group, "*")
                and any(package in owners for package in program.packages)
            )
            if not as_listed:
                by = f", of package {owners[0]}" if owners else ", of no package"
                found.append(f"{entry.path}: {entry.mode:04o} {owner}:{group}{by}")
        found += self._rights_to_come(programs)
        remote = [
            mount.point for mount in self.mounts.now if mount.kind in REMOTE and "nosuid" not in mount.options
        ]
        unseen = [*walk.deep, *remote]
        if not found and unseen:
            raise Unknown(
                "what {places} holds cannot be searched for setuid programs; mount it with nosuid",
                places=", ".join(unseen),
            )
        return self._walked(found)

    def _rights_to_come(self, programs: dict[str, Program]) -> list[str]:
        """Return the setuid and setgid bits that a boot or an update gives beyond those listed."""
        found = []
        for given in self.read(GIVEN):
            program = find(programs, _merged(given.path))
            beyond = (given.mode or 0) & 0o6000 & ~(program.rights if program else 0)
            of_group = beyond == 0o2000 and (given.is_directory or not partitions.below(given.path, _TREES))
            if beyond and not of_group:  # files in a directory with that bit get its group, no more
                found.append(f"{given.where}: {given.path}: {given.mode:04o} {given.owner}:{given.group}")
        return found

    def _unlisted(self) -> Unknown:
        return Unknown(
            "nobody has listed the programs that {distribution} gives rights",
            distribution=self._host.system.distribution or "this distribution",
        )

    def _harmless(self, entry: Entry) -> bool:
        return "nosuid" in self.mounts.of(entry.path).options

    def capable_beyond(self, known: Privileged) -> list[str]:
        """Return programs with capabilities that the distribution does not give them."""
        programs = known.of(self._host.system.distribution)
        if programs is None:
            raise self._unlisted()
        found = []
        for path, attributes in self._attributes().files.items():
            program = find(programs, _merged(path))
            beyond = attributes.capabilities - set(program.capabilities if program else ())
            if beyond and "nosuid" not in self.mounts.of(path).options:
                found.append(f"{path}: {', '.join(sorted(beyond))}")
        return found

    @property
    def changed_packaged_files(self) -> list[str]:
        """Return packaged files that are changed, missing, or a link now."""
        packaged = self.read(PACKAGES)
        if not packaged.database:
            raise Unknown("this host has no database of dpkg")
        if not packaged.files and (packaged.unread or packaged.cut):
            raise Unknown("not all packaged files were compared in time")
        return [str(file) for file in packaged.files]

    @property
    def open_to_everybody(self) -> list[str]:
        """Return files outside the system's directories that everybody may write, and such directories."""
        return self._walked(
            [
                f"{entry.path}: {entry.mode:04o}"
                for entry in self._walk.rest
                if entry.mode & 0o002 and not entry.sticky and entry.kind in "fdb"
            ]
        )

    @property
    def without_owner(self) -> list[str]:
        """Return files whose owner or group has no name."""
        return self._walked([f"{one.path}: {one.uid}:{one.gid}" for one in self._walk.orphans])

    def readable_secrets(self, spec: HostSpec) -> list[str]:
        """Return files that hold secrets and may be read by others than the system and administrators."""
        accounts, attributes = self._accounts(spec), self._attributes()
        found: dict[str, None] = {}
        for entry in self.read(PRIVATE).secrets:
            access = attributes.files[entry.path].access if entry.path in attributes.files else ()
            who = accounts.readers(entry, access)
            if who:
                found[f"{entry.path}: {', '.join(who)}"] = None
        return list(found)

    @property
    def open_homes(self) -> list[str]:
        """Return homes of people, and root's, that everybody may enter or read."""
        return [f"{home.path}: {home.mode:04o}" for home in self.read(PRIVATE).homes if home.mode & 0o007]

    @property
    def umask(self) -> str:
        """The umask a user's login shell starts with, as four octal digits."""
        answers = self.read(PRIVATE).umask
        if len(answers) != 1:
            raise Unknown("no login shell of a user says its umask")
        return answers[0]

    def without_partition(self, spec: HostSpec) -> list[str]:
        """Return the software of a host that is specified no partition for applications or data."""
        if any(part.holds in ("application", "data") for part in spec.storage):
            return []
        return [f"{software.name}: on {self.mounts.root.source}" for software in spec.software]

    def misplaced(self, parts: Sequence[Partition], spec: HostSpec) -> list[str]:
        """Return partitions that are not there now."""
        return partitions.mounted_wrongly(self.mounts, parts, spec.storage)

    def misplaced_at_boot(self, parts: Sequence[Partition], spec: HostSpec) -> list[str]:
        """Return partitions that the next boot will not mount."""
        return partitions.mounted_wrongly_at_boot(self.mounts, parts, spec.storage)

    def too_small(self, parts: Sequence[Partition], tolerance: int) -> list[str]:
        """Return partitions smaller than specified."""
        return partitions.too_small(self.mounts, parts, tolerance)

    def led_back(self, parts: Sequence[Partition]) -> list[str]:
        """Return what on a partition leads back to the system's."""
        return partitions.led_back(self.mounts, parts)

    def lying_on_system(self, places: Iterable[str]) -> list[str]:
        """Return files of applications on the system's partition."""
        return partitions.lying_on_system(self.mounts, places)

    @property
    def running_from_system(self) -> list[str]:
        """Services' programs that run from the system's partition and are no part of the system."""
        return partitions.running_on_system(self.mounts)

    def working_on_system(self, spec: HostSpec) -> list[str]:
        """Return declared services whose working directory lies on the system's partition."""
        return partitions.working_on_system(self.mounts, spec.services)

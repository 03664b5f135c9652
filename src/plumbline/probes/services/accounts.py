"""The accounts services run as, and the rights those have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from plumbline.policy.accounts import Known
from plumbline.probes.accounts.elevation import Elevation
from plumbline.probes.accounts.passwd import NOBODY, Account, Local
from plumbline.probes.accounts.sudoers import Member
from plumbline.probes.services.required import Required
from plumbline.probes.services.running import Process
from plumbline.spec.services import Service
from plumbline.verify.unknown import Unknown

DYNAMIC = range(61184, 65520)
"""User numbers systemd gives to services for the time they run (systemd.exec(5), DynamicUser=)."""

_SYSTEM = range(1, 1000)

CAPABILITIES = (
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
)
"""capabilities(7) by number."""


@dataclass(frozen=True)
class ServiceAccounts:
    """Accounts and processes of one host; `further_groups` are privileged beside those that give root."""

    required: Required
    local: Local
    elevation: Elevation
    known: Known
    further_groups: tuple[str, ...] = ()

    def name(self, uid: int) -> str:
        """Return the name of an account by its number; the number where the host has no name for it."""
        return next((account.name for account in self.local.accounts if account.uid == uid), str(uid))

    def _declared(self) -> Iterator[Service]:
        yield from self.required.permitted.services

    def service(self, process: Process) -> Service | None:
        """Return the declared service a process belongs to."""
        unit = process.unit
        return self.required.permitted.service_of(unit, self.required.package_of(unit)) if unit else None

    @cached_property
    def application_processes(self) -> list[Process]:
        """Processes of services that are neither the distribution's nor the site's."""
        return [
            process
            for process in self.required.running.processes.values()
            if process.unit.endswith(".service")
            and not process.user_unit
            and not process.unit.startswith("user@")
            and not self.required.is_system(process.unit)
        ]

    @cached_property
    def names(self) -> list[str]:
        """Local accounts that services are declared with or run as, and those of the system; never root."""
        declared = {service.account.partition("@")[0] for service in self._declared()}
        running = {
            self.name(process.uids[0])
            for process in self.required.running.processes.values()
            if process.unit.endswith(".service") and not process.unit.startswith("user@")
            # a person's job runs in cron's service, and is no service
            if process.uids[0] in _SYSTEM or not self.required.is_system(process.unit)
        }
        system = {one.name for one in self.local.accounts if one.uid in _SYSTEM or one.uid == NOBODY}
        people = {"root", *self.required.permitted.people}
        return sorted(((declared | running | system) & set(self.local.by_name)) - people)

    @cached_property
    def accounts(self) -> list[Account]:
        """The same as accounts."""
        return [self.local.by_name[name] for name in self.names]

    # Rights

    def privileged_groups(self, name: str) -> list[str]:
        """Return the groups an account is in that give root, or more than a service needs."""
        giving = {*self.known.distribution.root_groups, *self._further(name)}
        account = self.local.by_name.get(name)
        groups = self.local.groups_of(account) if account else []
        return [group for group in groups if group in giving]

    def _further(self, name: str) -> tuple[str, ...]:
        return () if self.known.is_built_in(name) else self.further_groups

    def rights(self) -> list[str]:
        """Root's rights, privileged groups, and rights by sudo, doas or polkit of services' accounts."""
        found = []
        for account in self.accounts:
            if account.uid == 0:
                found.append(f"{account.place}: {account.name} has uid 0")
            for group in self.privileged_groups(account.name):
                place = self.local.groups_by_name[group].place
                found.append(f"{place}: {account.name} is in {group}")
            found += self._granted(account)
        if not found and self.elevation.unread:
            raise Unknown("this part of sudoers is not understood: {line}", line=self.elevation.unread[0])
        return [*found, *self._groups_of_processes(), *self._groups_of_units()]

    def _granted(self, account: Account) -> Iterator[str]:
        for grant in self.elevation.sudoers.grants:
            if not grant.negated and any(self._means(who, account) for who in grant.who):
                yield grant.told(Member("user", account.name))
        for rule in self.elevation.doas():
            group = rule.who.removeprefix(":")
            if rule.who == account.name or (rule.who != group and group in self.local.groups_of(account)):
                yield str(rule)
        names = {account.name, *self.local.groups_of(account)} - {"nogroup"}
        for named in self.elevation.polkit_administrators():
            if named.name in names:
                yield str(named)
        for line in self.elevation.polkit_grants:
            if any(f'"{name}"' in line or f"'{name}'" in line for name in names):
                yield line

    def _means(self, who: Member, account: Account) -> bool:
        if who.negated:
            return False
        return {
            "user": who.name == account.name,
            "uid": who.name == str(account.uid),
            "group": who.name in self.local.groups_of(account),
            "gid": who.name in self._gids(account),
            "all": True,
        }.get(who.kind, False)

    def _gids(self, account: Account) -> set[str]:
        groups = self.local.groups_by_name
        joined = {str(groups[name].gid) for name in self.local.groups_of(account) if name in groups}
        return {str(account.gid), *joined}

    def _groups_of_processes(self) -> Iterator[str]:
        """Yield privileged groups that processes were given beside those of their account."""
        giving = {*self.known.distribution.root_groups, *self.further_groups}
        names = {group.gid: group.name for group in self.local.groups}
        for process in self.application_processes:
            if process.is_root:
                continue
            own = self.privileged_groups(self.name(process.uids[0]))
            given = {names.get(gid, "") for gid in process.groups} & giving
            for group in sorted(given - set(own)):
                yield f"{process}: is in {group}"

    def _groups_of_units(self) -> Iterator[str]:
        """Yield privileged groups that unit files give beside those of their account, at the next start."""
        giving = {*self.known.distribution.root_groups, *self.further_groups}
        names = {str(group.gid): group.name for group in self.local.groups}
        files = self.required.settings.files(self.required.on_disk)
        for unit in self.application_units():
            users = files.settings(unit, "User")
            user = users[-1].value if users else "root"
            if user in ("root", "0"):
                continue  # judged with root
            lines = [*files.settings(unit, "Group")[-1:], *files.settings(unit, "SupplementaryGroups")]
            own = self.privileged_groups(self.name(int(user)) if user.isdigit() else user)
            for line in lines:
                given = {names.get(word, word) for word in line.value.split()} & giving
                for group in sorted(given - set(own)):
                    yield f"{line.file}:{line.line}: {unit}: is in {group}"

    def capabilities(self) -> list[str]:
        """Capabilities of processes beyond those declared; root's are judged with root."""
        found = []
        for process in self.application_processes:
            service = self.service(process)
            if process.is_root or (service is not None and service.privileged is not None):
                continue
            declared = set(service.capabilities) if service else set()
            further = sorted({capability(number) for number in process.capabilities} - declared)
            if further:
                found.append(f"{process}: {', '.join(further)}")
        return found

    def capabilities_at_boot(self) -> list[str]:
        """Ambient capabilities that unit files give beyond those declared."""
        found = []
        files = self.required.settings.files(self.required.on_disk)
        for unit in self.application_units():
            service = self.required.permitted.service_of(unit, self.required.package_of(unit))
            declared = set(service.capabilities) if service else set()
            if service is not None and service.privileged is not None:
                continue
            for line in files.settings(unit, "AmbientCapabilities"):
                further = sorted(set(line.value.lower().split()) - declared)
                if further:
                    found.append(f"{line.file}:{line.line}: {unit}: {', '.join(further)}")
        return found

    def other_accounts(self) -> list[str]:
        """Processes of declared services that run under another account than declared, root's apart."""
        found = []
        for process in self.application_processes:
            service = self.service(process)
            name = self.name(process.uids[0])
            if service is not None and not process.is_root and not _is_same(name, process.uids[0], service):
                found.append(f"{process}: as {name}; declared is {service.account}")
        return found

    def other_accounts_at_boot(self) -> list[str]:
        """Unit files of declared services that name another account than declared, root's apart."""
        found = []
        files = self.required.settings.files(self.required.on_disk)
        for unit in self.application_units():
            service = self.required.permitted.service_of(unit, self.required.package_of(unit))
            lines = files.settings(unit, "User")
            if service is None or not lines:
                continue
            user = self.name(int(lines[-1].value)) if lines[-1].value.isdigit() else lines[-1].value
            if user not in ("root", service.account, service.account.partition("@")[0]):
                found.append(f"{lines[-1].file}:{lines[-1].line}: {unit}: as {user}")
        return found

    def application_units(self) -> list[str]:
        """Services that may start at boot or by their timer and are not the distribution's or the site's."""
        on_disk = self.required.on_disk
        return [
            name
            for name in on_disk.services()
            if on_disk.file(name) is not None
            and on_disk.files.get(on_disk.file(name) or "") != "/dev/null"
            and not (on_disk.file(name) or "").startswith("/run/")
            and not self.required.is_system(name)
            and not self.required.is_dormant(name)
        ]

    def of_the_directory(self) -> list[str]:
        """Declared accounts that run services and are not the host's own: the directory decides of them."""
        uids = {account.uid for account in self.local.accounts}
        found = {
            service.account
            for process in self.application_processes
            if process.uids[0] not in uids and process.uids[0] not in DYNAMIC
            if (service := self.service(process)) is not None
        }
        return sorted(found)


def capability(number: int) -> str:
    """Return a capability's name by its number."""
    return f"cap_{CAPABILITIES[number]}" if number < len(CAPABILITIES) else f"cap {number}"


def _is_same(name: str, uid: int, service: Service) -> bool:
    wanted: Collection[str] = (service.account, service.account.partition("@")[0])
    return name in wanted or uid in DYNAMIC or name == str(uid)

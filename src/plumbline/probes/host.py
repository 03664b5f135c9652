"""The host as the suites see it: testinfra's Host, with a property a subject."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import testinfra.backend.base
import testinfra.host

from plumbline.probes.base import Output, Probe
from plumbline.probes.subject import parsed
from plumbline.verify.unknown import Unknown

if TYPE_CHECKING:
    from plumbline.probes.accounts import Accounts
    from plumbline.probes.antivirus import Antivirus
    from plumbline.probes.connections import Connections
    from plumbline.probes.crypto import Crypto
    from plumbline.probes.database import Database
    from plumbline.probes.directory import Directory
    from plumbline.probes.filesystem import Filesystem
    from plumbline.probes.firewall import Firewall
    from plumbline.probes.hmi import Hmi
    from plumbline.probes.kernel_modules import KernelModules
    from plumbline.probes.logging import Logging
    from plumbline.probes.monitoring import Monitoring
    from plumbline.probes.network import Network
    from plumbline.probes.operating_system import OperatingSystem
    from plumbline.probes.removable_media import RemovableMedia
    from plumbline.probes.services import Services
    from plumbline.probes.session import Session
    from plumbline.probes.sysctl import Sysctl
    from plumbline.probes.system import System
    from plumbline.probes.time import Time

T = TypeVar("T")


class DeliveredHost(testinfra.host.Host):  # type: ignore[misc]  # testinfra ships no types
    """A host as delivered; every observation goes through a probe's command run by the backend."""

    def __init__(self, backend: testinfra.backend.base.BaseBackend) -> None:
        super().__init__(backend)
        self._read: dict[str, Any] = {}
        self.probes_read: list[str] = []
        """Names of the probes read since the list was last emptied: what a verdict rests on."""

    def read(self, probe: Probe[T]) -> T:
        """Return what a probe observed, from memory if read before; `Unknown` if that cannot be said."""
        if probe.name not in self.probes_read:
            self.probes_read.append(probe.name)
        if probe.name not in self._read:
            try:
                self._read[probe.name] = self._ask(probe)
            except Unknown as unknown:
                self._read[probe.name] = unknown
        found = self._read[probe.name]
        if isinstance(found, Unknown):
            raise Unknown(found.message, **found.arguments)
        return found  # type: ignore[no-any-return]  # the memory holds what this probe's parser returned

    def _ask(self, probe: Probe[T]) -> T:
        result = self.backend.run(probe.command)
        return parsed(probe, Output(result.stdout_bytes, result.stderr_bytes, result.rc))

    @cached_property
    def system(self) -> System:
        """The operating system: release, host name, virtualisation."""
        from plumbline.probes.system import System

        return System(self)

    @cached_property
    def sysctl(self) -> Sysctl:
        """Kernel settings, now and at the next boot."""
        from plumbline.probes.sysctl import Sysctl

        return Sysctl(self)

    @cached_property
    def kernel_modules(self) -> KernelModules:
        """Loaded kernel modules, and what loading one would do."""
        from plumbline.probes.kernel_modules import KernelModules

        return KernelModules(self)

    @cached_property
    def network(self) -> Network:
        """Interfaces, addresses, routes; as they are and as they will be configured."""
        from plumbline.probes.network import Network

        return Network(self)

    @cached_property
    def session(self) -> Session:
        """How long interactive sessions may sit idle, and what opens them again."""
        from plumbline.probes.session import Session

        return Session(self)

    @cached_property
    def removable_media(self) -> RemovableMedia:
        """What happens when a medium is plugged in."""
        from plumbline.probes.removable_media import RemovableMedia

        return RemovableMedia(self)

    @cached_property
    def time(self) -> Time:
        """Where the host takes its time from."""
        from plumbline.probes.time import Time

        return Time(self)

    @cached_property
    def firewall(self) -> Firewall:
        """The packet filter: what is loaded, and what will be at boot."""
        from plumbline.probes.firewall import Firewall

        return Firewall(self)

    @cached_property
    def connections(self) -> Connections:
        """Whom the host talks to, and what listens, for the firewall's controls."""
        from plumbline.probes.connections import Connections

        return Connections(self)

    @cached_property
    def antivirus(self) -> Antivirus:
        """The antivirus: packages, services, signatures, exclusions."""
        from plumbline.probes.antivirus import Antivirus

        return Antivirus(self)

    @cached_property
    def services(self) -> Services:
        """What is installed, runs and listens, and under which accounts."""
        from plumbline.probes.services import Services

        return Services(self)

    @cached_property
    def filesystem(self) -> Filesystem:
        """Who may write where, what is packaged and unchanged, what lies on which partition."""
        from plumbline.probes.filesystem import Filesystem

        return Filesystem(self)

    @cached_property
    def operating_system(self) -> OperatingSystem:
        """The release, its updates, a reboot owed, the machine beneath."""
        from plumbline.probes.operating_system import OperatingSystem

        return OperatingSystem(self)

    @cached_property
    def accounts(self) -> Accounts:
        """Who can log on: local accounts, keys, sudo rights, sources of names."""
        from plumbline.probes.accounts import Accounts

        return Accounts(self)

    @cached_property
    def crypto(self) -> Crypto:
        """Algorithms, key lengths and lifetimes of what the host offers and keeps."""
        from plumbline.probes.crypto import Crypto

        return Crypto(self)

    @cached_property
    def logging(self) -> Logging:
        """Which events leave an entry, and who can read or change it."""
        from plumbline.probes.logging import Logging

        return Logging(self)

    @cached_property
    def hmi(self) -> Hmi:
        """The kiosk: what an operator can reach beside the application."""
        from plumbline.probes.hmi import Hmi

        return Hmi(self)

    @cached_property
    def database(self) -> Database:
        """Database servers, and who authenticates their users."""
        from plumbline.probes.database import Database

        return Database(self)

    @cached_property
    def directory(self) -> Directory:
        """Whether the host is in the operator's directory, and whom it lets in."""
        from plumbline.probes.directory import Directory

        return Directory(self)

    @cached_property
    def monitoring(self) -> Monitoring:
        """The agent of the operator's monitoring, and what it answers to whom."""
        from plumbline.probes.monitoring import Monitoring

        return Monitoring(self)

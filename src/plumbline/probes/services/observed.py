"""Services as the suites see them: the observations of one host, held together."""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.policy.accounts import Known
from plumbline.policy.permitted import Permitted
from plumbline.policy.protocols import Protocol
from plumbline.policy.servers import ServersFile
from plumbline.probes.accounts.elevation import ELEVATION, Elevation
from plumbline.probes.accounts.keys import KEYS
from plumbline.probes.accounts.passwd import LOCAL, Local
from plumbline.probes.programs import PROGRAMS
from plumbline.probes.services.accounts import ServiceAccounts
from plumbline.probes.services.applications import Applications
from plumbline.probes.services.cleartext import Cleartext
from plumbline.probes.services.configuration import CONFIGURATION
from plumbline.probes.services.installed import INSTALLED
from plumbline.probes.services.listening import Listening
from plumbline.probes.services.logon import Logon
from plumbline.probes.services.mail import Mail
from plumbline.probes.services.required import Required
from plumbline.probes.services.running import RUNNING
from plumbline.probes.services.unit_settings import UNIT_SETTINGS
from plumbline.probes.subject import Subject
from plumbline.probes.systemd import ON_DISK
from plumbline.spec.site import Site


class Services(Subject):
    """What is installed, runs and listens, and under which accounts."""

    def required(self, permitted: Permitted) -> Required:
        """What is installed, runs and starts at boot, against what the host may run."""
        return Required(
            running=self.read(RUNNING),
            installed=self.read(INSTALLED),
            on_disk=self.read(ON_DISK),
            settings=self.read(UNIT_SETTINGS),
            programs=self.read(PROGRAMS),
            permitted=permitted,
        )

    def listening(self, permitted: Permitted) -> Listening:
        """What listens, against where the host's services may listen."""
        return Listening(self.required(permitted))

    def accounts(
        self, permitted: Permitted, known: Known, further_groups: tuple[str, ...] = ()
    ) -> ServiceAccounts:
        """The accounts services run as, and their rights; `further_groups` are privileged too."""
        required, local, elevation = self._of_accounts(permitted)
        return ServiceAccounts(required, local, elevation, known, further_groups)

    def applications(
        self, permitted: Permitted, known: Known, further_groups: tuple[str, ...] = ()
    ) -> Applications:
        """Applications and the rights they have."""
        required, local, elevation = self._of_accounts(permitted)
        return Applications(required, local, elevation, known, further_groups)

    def logon(self, permitted: Permitted, known: Known) -> Logon:
        """Roads by which somebody could log on as a service."""
        required, local, elevation = self._of_accounts(permitted)
        return Logon(required, local, elevation, known, ssh=self.read(KEYS))

    def cleartext(
        self, permitted: Permitted, servers: ServersFile, protocols: Mapping[str, Protocol]
    ) -> Cleartext:
        """What is served unencrypted."""
        return Cleartext(self.required(permitted), self.read(CONFIGURATION), servers, protocols)

    def mail(self, permitted: Permitted, servers: ServersFile, site: Site) -> Mail:
        """How mail is sent and taken."""
        return Mail(self.listening(permitted), self.read(CONFIGURATION), servers, site)

    @property
    def readable_passwords(self) -> list[str]:
        """Where a password stands readable for a service or a job; never the password."""
        of_units = [f"{line}: password in Environment" for line in self.read(UNIT_SETTINGS).secrets]
        return [*self.read(CONFIGURATION).secrets, *of_units]

    def _of_accounts(self, permitted: Permitted) -> tuple[Required, Local, Elevation]:
        return self.required(permitted), self.read(LOCAL), self.read(ELEVATION)

"""The directory as the suites see it: whether the host is in it, and whom it lets in."""

from __future__ import annotations

from collections.abc import Sequence

from plumbline.probes.accounts.sources import SOURCES
from plumbline.probes.directory.detours import PINNED, moved, other_keytabs
from plumbline.probes.directory.enforced import password_not_asked, refusal_ignored
from plumbline.probes.directory.membership import MEMBERSHIP, TRUST, Key, MembershipFacts, Resolver
from plumbline.probes.directory.ssh_logon import SSH_LOGON
from plumbline.probes.directory.sssd import SERVICE, SSSD, SssdFacts
from plumbline.probes.directory.stand_ins import stand_ins
from plumbline.probes.session.authentication import AUTHENTICATION
from plumbline.probes.subject import Subject
from plumbline.probes.systemd import ON_DISK
from plumbline.verify.unknown import Unknown

_ASKED = ("passwd", "group")
_PROVIDERS = {
    "id_provider": ("ad",),
    "auth_provider": ("ad", "krb5"),
    "chpass_provider": ("ad", "krb5", "none"),
}


class Directory(Subject):
    """Whether the host is in the operator's directory, and whom it lets in. `domain` is the site's."""

    @property
    def _sssd(self) -> SssdFacts:
        return self.read(SSSD)

    @property
    def _membership(self) -> MembershipFacts:
        return self.read(MEMBERSHIP)

    # Membership

    def foreign_keys(self, domain: str, computer: str | None = None) -> list[str]:
        """What speaks against the keytab being this domain's: none, no key of its own, another realm's.

        With the host's name, another host's too: a copy of its disk would bring them.
        """
        seen = self._membership
        if seen.keytab is None:
            return ["/etc/krb5.keytab is not there"]
        keys = seen.all_keys()
        found = sorted(
            {key.principal for key in keys if not _same(key.realm, domain) and key.is_of_a_computer}
        )
        if not any(_same(key.realm, domain) and key.is_of_a_computer for key in keys):
            found.append(f"/etc/krb5.keytab has no key of a computer of {domain.upper()}")
        if computer is not None:
            # The directory cuts names at 15 letters.
            own = f"{computer[:15]}$".lower()
            ours = {key.principal for key in keys if _same(key.realm, domain) and key.is_of_a_computer}
            found += sorted(name for name in ours if name.partition("@")[0].lower() != own)
        return found

    def other_keytabs(self, domain: str) -> list[str]:
        """Settings by which keys are read from elsewhere than the host's keytab."""
        return other_keytabs(self._sssd, self._membership, domain)

    @property
    def keys(self) -> list[Key]:
        """The keys of the keytab."""
        return list(self._membership.all_keys())

    @property
    def weak_types(self) -> list[str]:
        """Lines of krb5.conf by which weak keys are taken again."""
        return list(self._membership.weak_types())

    @property
    def keytab_open_to_others(self) -> list[str]:
        """How others than root can read or change the keytab."""
        if (told := self._membership.keytab) is None:
            return []
        mode, owner, _ = told.split()
        return [f"/etc/krb5.keytab: {mode} {owner}"] if int(mode, 8) & 0o077 or owner != "root" else []

    def not_honoured(self, domain: str) -> list[str]:
        """What a domain controller answered to the host's key, other than a ticket; `Unknown` if none did."""
        if foreign := self.foreign_keys(domain):
            return foreign
        answers = [one for one in self.read(TRUST) if _same(one.principal.rpartition("@")[2], domain)]
        if not answers:
            raise Unknown("the host did not ask the domain, as it has no program kinit; install krb5-user")
        for answer in answers:
            if answer.status and not answer.is_refused:
                raise Unknown(
                    "no domain controller said whether the domain honours the host: {said}",
                    said=answer.said.removeprefix("kinit: ") or "none answered in time",
                )
        return [str(answer) for answer in answers if answer.is_refused]

    def password_age(self, domain: str) -> int | None:
        """Days since the host's password was last renewed, by the newest key; None without one."""
        return self._membership.days_old(domain)

    def renewed_after(self, domain: str) -> int | None:
        """Days after which sssd renews the host's password; 30 if nothing is said, and 0 means never."""
        setting = self._sssd.of_domain(domain).get("ad_maximum_machine_account_password_age")
        return 30 if setting is None else _number(setting.value)

    def other_controllers(self, domain: str, controllers: Sequence[str]) -> list[str]:
        """What makes Kerberos or sssd ask other servers than the site's controllers."""
        allowed = {name.rstrip(".").lower() for name in controllers}
        found = []
        realms = [
            told for told in self._membership.kerberos() if told[1:3] == ("libdefaults", "default_realm")
        ]
        for place, _, key, value in realms:
            if not _same(value, domain):
                found.append(f"{place}: {key} = {value}")
        if not realms:
            found.append("/etc/krb5.conf: no default_realm")
        for place, section, key, value in self._membership.kerberos():
            inside = section.partition("/")
            if section == "domain_realm" and _same(key.lstrip("."), domain) and not _same(value, domain):
                found.append(f"{place}: {key} = {value}")
            servers = key in ("kdc", "master_kdc", "primary_kdc", "admin_server", "kpasswd_server")
            if (
                inside[0] == "realms"
                and _same(inside[2], domain)
                and servers
                and not _allowed(value, allowed)
            ):
                found.append(f"{place}: {key} = {value}")
        for key in ("ad_server", "ad_backup_server", "krb5_server", "krb5_backup_server", "krb5_kpasswd"):
            setting = self._sssd.of_domain(domain).get(key)
            if setting and not all(_allowed(word, allowed) or word == "_srv_" for word in setting.words):
                found.append(str(setting))
        return found

    @property
    def resolvers(self) -> list[Resolver]:
        """The name servers the host asks; of systemd-resolved those it asks in turn."""
        return self._membership.resolvers

    def moved(self, servers: Sequence[str], own: str) -> list[str]:
        """Lines of /etc/hosts that give a server of the site another address than the name servers do."""
        return moved(self.read(PINNED), servers, own)

    # Who gets in

    def other_domains(self, domain: str) -> list[str]:
        """Domains sssd serves that are not the site's, or the site's in another way than as the directory."""
        served = self._sssd.domains
        found = [str(one) for one in served if not _same(one.value, domain)]
        if not any(_same(one.value, domain) for one in served):
            found.append(f"sssd does not serve {domain}")
        settings = self._sssd.of_domain(domain)
        for key, accepted in _PROVIDERS.items():
            if key in settings and settings[key].value.lower() not in accepted:
                found.append(str(settings[key]))
        if served and "id_provider" not in settings:
            found.append(f"[domain/{domain}] has no id_provider")
        for key in ("ad_domain", "krb5_realm"):
            if key in settings and not _same(settings[key].value, domain):
                found.append(str(settings[key]))
        if "krb5_validate" in settings and settings["krb5_validate"].value.lower() != "true":
            found.append(str(settings["krb5_validate"]))
        return found

    def stand_ins(self, domain: str) -> list[str]:
        """What makes somebody of the directory another, or of another group, than it says."""
        return list(stand_ins(self._sssd, self._membership, domain))

    def let_in_otherwise(self, domain: str, groups: Sequence[str]) -> list[str]:
        """How the access sssd gives differs from these groups alone, group by group."""
        settings = self._sssd.of_domain(domain)
        if not settings:
            return [f"[domain/{domain}] is in no file of sssd's: none of its groups gets in"]
        provider = settings.get("access_provider")
        if provider is None:
            return [f"[domain/{domain}] has no access_provider, so it is permit: everybody gets in"]
        kind = provider.value.lower()
        if kind == "deny":
            return [f"{provider}: {group} does not get in" for group in groups]
        if kind != "simple":
            return [str(provider)]
        found = [str(users)] if (users := settings.get("simple_allow_users")) else []
        allowed = settings.get("simple_allow_groups")
        named = allowed.words if allowed else []
        if not named and not users:
            found.append(f"{provider}, and no simple_allow_groups: everybody gets in")
        wanted = {group.lower() for group in groups}
        # Without a group to compare with, the setting's place would not be told.
        found += [
            f"{allowed.place}: simple_allow_groups: {name}"
            for name in named
            if allowed and _bare(name, domain) not in wanted
        ]
        there = {_bare(name, domain) for name in named}
        found += [f"simple_allow_groups lacks {group}" for group in groups if group.lower() not in there]
        denied = settings.get("simple_deny_groups")
        refused = {_bare(name, domain) for name in denied.words} if denied else set()
        return found + [f"{denied}" for group in groups if group.lower() in refused]

    @property
    def changed_since_started(self) -> list[str]:
        """Files of sssd's that were changed after it had read them."""
        return self._sssd.changed_since_started

    def refusal_ignored(self, domain: str) -> list[str]:
        """Services whose PAM stack opens a session to somebody sssd refuses."""
        return refusal_ignored(self.read(AUTHENTICATION), domain)

    @property
    def ssh_without_pam(self) -> list[str]:
        """How sshd opens sessions without asking PAM."""
        seen = self.read(AUTHENTICATION)
        if seen.sshd is None:
            return []
        said = seen.sshd_says("usepam")
        return ([] if said == "yes" else [f"sshd: UsePAM {said}"]) + seen.other_than("usepam", "yes")

    def passwords_of_others(self, groups: Sequence[str], accounts: Sequence[str]) -> list[str]:
        """How sshd takes a password of others than these groups of the directory and local accounts."""
        seen = self.read(AUTHENTICATION)
        started = [
            told
            for name in ("passwordauthentication", "kbdinteractiveauthentication")
            for told in seen.other_than(name, "no")
        ]
        return [*self.read(SSH_LOGON).passwords_of_others(groups, accounts), *started]

    # The client

    @property
    def parts_missing(self) -> list[str]:
        """What of sssd does not run now."""
        return self._sssd.parts_missing

    @property
    def state_at_boot(self) -> str:
        """`enabled` if sssd starts at boot, else why not."""
        return self.read(ON_DISK).state(SERVICE)

    @property
    def started_otherwise(self) -> list[str]:
        """Words, commands and conditions by which sssd serves something else, or does not start."""
        return self._sssd.started_otherwise

    @property
    def open_to_others(self) -> list[str]:
        """Files of sssd's that others can read; it does not start, or leaves them out."""
        return self._sssd.open_to_others

    @property
    def not_asked_for_names(self) -> list[str]:
        """Databases of nsswitch.conf that are not asked of the directory, or no more when it is its turn."""
        seen = self.read(SOURCES)
        clients = {"sss", "winbind"} & seen.modules
        asked = {one.database for one in seen.sources if one.name in clients and one.reached}
        # Where it is there, this one says alone whose groups somebody has (nsswitch.conf(5)).
        own = ["initgroups"] if any(one.database == "initgroups" for one in seen.sources) else []
        return [database for database in (*_ASKED, *own) if database not in asked]

    @property
    def password_not_asked(self) -> list[str]:
        """Services by which people come in that do not take the directory's word for a password."""
        return password_not_asked(self.read(AUTHENTICATION))

    # Offline

    def keeps_passwords(self, domain: str) -> bool:
        """Whether somebody can log on while no domain controller answers."""
        setting = self._sssd.of_domain(domain).get("cache_credentials")
        return setting is not None and setting.value.lower() == "true"

    @property
    def offline_days(self) -> int | None:
        """Days for which a remembered password opens; 0 means for ever."""
        return self._number("pam", "offline_credentials_expiration", 0)

    @property
    def offline_attempts(self) -> int | None:
        """How many wrong passwords are taken while the directory is away; 0 means without end."""
        return self._number("pam", "offline_failed_login_attempts", 0)

    def _number(self, section: str, key: str, default: int) -> int | None:
        setting = self._sssd.get(section, key)
        return default if setting is None else _number(setting.value)


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _same(one: str, other: str) -> bool:
    return one.strip().rstrip(".").lower() == other.rstrip(".").lower()


def _allowed(server: str, known: set[str]) -> bool:
    """Say whether a server, perhaps with a port or as a URI, is one of those known."""
    return server.rpartition("/")[2].partition(":")[0].rstrip(".").lower() in known


def _bare(group: str, domain: str) -> str:
    """Return a group's name without the domain's; that of another domain keeps its own."""
    name, _, of = group.partition("@")
    if not of and "\\" in group:
        of, _, name = group.partition("\\")
    same = not of or _same(of, domain) or of.lower() == domain.partition(".")[0].lower()
    return name.lower() if same else group.lower()

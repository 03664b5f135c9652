"""Accounts as the suites see them: who can log on, by what, and with which rights."""

from __future__ import annotations

import re

from plumbline.policy.accounts import Known
from plumbline.probes.accounts.anonymous import ANONYMOUS
from plumbline.probes.accounts.at_boot import made_at_boot
from plumbline.probes.accounts.elevation import ELEVATION, Elevation
from plumbline.probes.accounts.keys import KEYS, Key, SshAccess
from plumbline.probes.accounts.local_judged import LocalAccounts
from plumbline.probes.accounts.pam_sources import handed_passwords, other_authenticators, uses
from plumbline.probes.accounts.rights import Rights
from plumbline.probes.accounts.sources import SOURCES, Source, Sources
from plumbline.probes.session.authentication import AUTHENTICATION
from plumbline.verify.unknown import Unknown

_APPLICATION = frozenset(
    {"application-administrator", "application-permission-administrator", "application-user"}
)


class Accounts(LocalAccounts):
    """Who can log on: local accounts, keys, sudo rights, sources of names."""

    @property
    def _ssh(self) -> SshAccess:
        return self.read(KEYS)

    @property
    def _sources(self) -> Sources:
        return self.read(SOURCES)

    @property
    def _elevation(self) -> Elevation:
        return self.read(ELEVATION)

    # Sources of names

    @property
    def name_sources(self) -> list[Source]:
        """What is asked for users, groups and rights. `compat` without + lines is the files alone.

        A source of netgroups counts only if its module is there: stock Debian names one it does not have.
        """
        seen = self._sources
        return [
            source
            for source in seen.sources
            if source.database != "netgroup" or source.name in seen.modules
            if source.name != "compat" or self.local.compat
        ]

    @property
    def compat_lines(self) -> list[str]:
        """Lines that start with + or -, by which `compat` takes users in or out."""
        return list(self.local.compat)

    @property
    def records(self) -> list[str]:
        """Files and programs that define users beside passwd and group, now or at the next boot."""
        seen = self._sources
        return [*seen.records, *seen.strange_sockets, *made_at_boot(seen.sysusers, self.local)]

    @property
    def from_systemd(self) -> list[str]:
        """Users that only systemd knows and that are none of its services'."""
        return self._sources.from_systemd

    def other_authenticators(self, domain: str) -> list[str]:
        """Lines of PAM by which something else than files and the directory of `domain` lets in."""
        trusted = {"pam_unix", "pam_sss", "pam_winbind"}
        realms = [one for one in self._sources.settings("/etc/krb5.conf") if one.key == "default_realm"]
        if realms and all(one.value.lower() == domain.lower() for one in realms):
            trusted.add("pam_krb5")
        return other_authenticators(self.read(AUTHENTICATION), frozenset(trusted))

    @property
    def handed_passwords(self) -> list[str]:
        """Lines of PAM that start a program where passwords pass."""
        return handed_passwords(self.read(AUTHENTICATION))

    @property
    def has_directory_client(self) -> bool:
        """Whether a client of a directory is configured or runs."""
        return self._sources.has_client

    def other_directories(self, domain: str) -> list[str]:
        """Settings of directory clients that name another directory than that of `domain`."""
        return self._sources.other_directories(domain)

    def added_at_login(self, known: Known) -> list[str]:
        """Lines by which PAM gives who logs on groups that give root, or capabilities."""
        seen, pam = self._sources, self.read(AUTHENTICATION)
        found = []
        if uses(pam, "pam_group"):
            for place, fields in seen.added_by_pam("pam_group"):
                groups = re.split(r"[\s,]+", fields[-1].strip())
                if wrong := [group for group in groups if group in known.distribution.root_groups]:
                    whom = fields[2].strip() if len(fields) > 2 else "?"
                    found.append(f"{place}: {whom}: {', '.join(wrong)}")
        if uses(pam, "pam_cap"):
            for place, fields in seen.added_by_pam("pam_cap"):
                # The word `none` takes capabilities away, as does one with a ! before it.
                given = [word for word in fields[0].split(",") if word != "none" and word[:1] != "!"]
                if given and fields[1:] != ["root"]:
                    found.append(f"{place}: {' '.join(fields)}")
        return found

    # Keys

    @property
    def has_ssh(self) -> bool:
        """Whether there is an SSH server; `Unknown` if it does not tell its settings."""
        if self._ssh.status is None:
            return False
        self.read(AUTHENTICATION).all_judged()
        if not self._ssh.is_answered:
            raise Unknown(
                "where sshd looks for keys cannot be said: sshd -T failed, or it includes a name with a blank"
            )
        return True

    def undeclared_keys(self, known: Known) -> list[str]:
        """Keys that open an account they are not declared for."""
        found = [str(key) for key in self._ssh.keys if not _is_declared(key, known)]
        seen = self.read(AUTHENTICATION)
        found += seen.other_than("authorizedkeysfile", "none")
        if self._ssh.cut and not found:
            raise Unknown("{file} holds more keys than are read", file=self._ssh.cut[0])
        return found

    @property
    def key_authorities(self) -> list[str]:
        """What else than files says which keys open accounts."""
        seen = self.read(AUTHENTICATION)
        options = ("authorizedkeyscommand", "trustedusercakeys", "authorizedprincipalscommand")
        return self._ssh.authorities + [told for name in options for told in seen.other_than(name, "none")]

    @property
    def trusted_hosts(self) -> list[str]:
        """Settings of sshd by which a host proves who its user is."""
        return self._ssh.trusting + self.read(AUTHENTICATION).other_than("hostbasedauthentication", "no")

    @property
    def trust_files(self) -> list[str]:
        """Files that let somebody in, here or elsewhere, in the place of a password."""
        return list(self._ssh.trust_files)

    @property
    def open_to_strangers(self) -> list[str]:
        """What services give to whom they do not know."""
        return self.read(ANONYMOUS).open

    # Rights

    def rights(self, known: Known) -> Rights:
        """Who may do what as somebody else, held against whom the host may know."""
        return Rights(self.local, self._elevation, known)

    def administrators_using_applications(self, known: Known) -> list[str]:
        """Administrators of the system who are, on this host, also in a group of an application's role."""
        by_role = {role: {one.group for one in known.groups if one.role == role} for role in _APPLICATION}
        administrators = {one.group for one in known.groups if one.role == "os-administrator"}
        found = [
            f"{group}: os-administrator, {role}"
            for role, groups in by_role.items()
            for group in groups & administrators
        ]
        for group in self.local.groups:
            if known.roles(group.name) & _APPLICATION:
                found += [
                    f"{group.place}: {group.name}: {member}"
                    for member in self.local.members(group.name)
                    if known.is_administrator(member)
                ]
        return sorted(found)

    def people_let_in_by_name(self, known: Known) -> list[str]:
        """Words of sshd's AllowUsers that name somebody who is no declared local account."""
        return [
            f"{place}: AllowUsers {word}"
            for place, word in self._ssh.named_people
            if word.partition("@")[0] != "root" and word.partition("@")[0] not in known.accounts
        ]


def _is_declared(key: Key, known: Known) -> bool:
    accounts = [known.accounts.get(name) for name in key.accounts]
    return all(account is not None and key.fingerprint in account.keys for account in accounts)

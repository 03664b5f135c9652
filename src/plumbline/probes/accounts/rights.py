"""Who may act as somebody else on a host, held against whom it may know (17.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.policy.accounts import Known
from plumbline.probes.accounts.elevation import Elevation
from plumbline.probes.accounts.passwd import Local
from plumbline.probes.accounts.sudoers import Grant, Member
from plumbline.verify.unknown import Unknown

_OWN_COMMANDS = frozenset({"os-user", "application-administrator"})
"""Roles that may be given single commands as another account than root (17.4)."""


@dataclass(frozen=True)
class Rights:
    """What sudo, doas and polkit give, and to whom; a list is `Unknown` if it is empty but not sure."""

    local: Local
    elevation: Elevation
    known: Known

    @property
    def to_root(self) -> list[str]:
        """Whoever may become root and is no administrator."""
        found = [grant.told(who) for grant, who in self._grants() if grant.gives_root and not self._may(who)]
        found += [str(rule) for rule in self.elevation.doas() if not self._may(_of_doas(rule.who))]
        for named in self.elevation.polkit_administrators():
            kind = _POLKIT_KINDS.get(named.kind, "netgroup")
            number = kind == "user" and named.name.isdigit()
            if not self._may(Member("uid" if number else kind, named.name)):
                found.append(str(named))
        return self._sure(found)

    @property
    def administrators_left_out(self) -> list[str]:
        """Groups of the role os-administrator that sudo does not make root."""
        named = {
            _without_domain(who.name)
            for grant, who in self._grants()
            if grant.gives_root and who.kind in ("group", "nonunix-group") and self.known.roles(who.name)
        }
        groups = [one.group for one in self.known.groups if one.role == "os-administrator"]
        return [group for group in groups if group.lower() not in named]

    @property
    def to_others(self) -> list[str]:
        """Rights to act as another account than root, beside single commands for a group of a role."""
        found = []
        for grant, who in self._grants():
            if grant.gives_root or self._may(who):
                continue
            roles = self.known.roles(who.name) if who.kind in ("group", "nonunix-group") else set()
            if grant.gives_everything or not roles or not roles <= _OWN_COMMANDS:
                found.append(grant.told(who))
        return self._sure(found)

    @property
    def without_password(self) -> list[str]:
        """Rights given without asking for the user's own password, and options that ask for none."""
        found = [
            grant.told(who)
            for grant, who in self._grants()
            if grant.without_password and not self._needs_no_password(who)
        ]
        found += [
            str(rule)
            for rule in self.elevation.doas()
            if rule.without_password and not self._needs_no_password(_of_doas(rule.who))
        ]
        return self._sure([*found, *map(str, self.elevation.without_proof)])

    @property
    def open_environment(self) -> list[str]:
        """Settings by which a user's environment steers what runs as root."""
        found = [str(rule) for rule in self.elevation.doas() if "keepenv" in rule.options]
        return self._sure([*map(str, self.elevation.open_environment), *found])

    @property
    def other_deciders(self) -> list[str]:
        """What else than sudoers and a password decides who becomes root."""
        return [*self.elevation.plugins, *self.elevation.polkit_grants]

    def _grants(self) -> Iterator[tuple[Grant, Member]]:
        for grant in self.elevation.sudoers.grants:
            if not grant.negated:
                for who in grant.who:
                    if not who.negated:
                        yield grant, who

    def _needs_no_password(self, who: Member) -> bool:
        return who.is_root or (who.kind == "user" and self.known.needs_no_password(who.name))

    def _may(self, who: Member) -> bool:
        """Say whether this is an administrator, or a group of nobody else."""
        if who.is_root:
            return True
        if who.kind == "user":
            return self.known.is_administrator(who.name)
        if who.kind == "uid":
            named = [one.name for one in self.local.accounts if str(one.uid) == who.name]
            return bool(named) and all(map(self.known.is_administrator, named))
        if who.kind not in ("group", "gid", "nonunix-group"):
            return False
        if roles := self.known.roles(who.name):
            # A group of the host's own goes before the directory's of that name.
            own = who.name in self.local.groups_by_name
            return roles == {"os-administrator"} and (not own or self._holds_only_administrators(who))
        return who.kind != "nonunix-group" and self._holds_only_administrators(who)

    def _holds_only_administrators(self, who: Member) -> bool:
        """Judge a group of the host's own; one that is not there may stand where distributions put it."""
        key = "gid" if who.kind == "gid" else "name"
        names = [one.name for one in self.local.groups if str(getattr(one, key)) == who.name]
        if not names:
            return who.name in self.known.distribution.administrators
        return all(self.known.is_administrator(one) for name in names for one in self.local.members(name))

    def _sure(self, found: list[str]) -> list[str]:
        """Return what was found; `Unknown` if nothing was, but part of sudoers is not understood."""
        if not found and self.elevation.unread:
            raise Unknown("this part of sudoers is not understood: {line}", line=self.elevation.unread[0])
        return found


_POLKIT_KINDS = {"unix-user": "user", "unix-group": "group"}


def _of_doas(who: str) -> Member:
    if who.startswith(":"):
        return Member("group", who[1:])
    return Member("uid", who) if who.isdigit() else Member("user", who)


def _without_domain(group: str) -> str:
    """Return the name of a group of the directory, in small letters, as `Known.roles` reads it."""
    name, at, _ = group.partition("@")
    return (name if at else name.rpartition("\\")[2]).lower()

"""Whom a host may know: the accounts and groups its distribution brings, as data, and those declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from plumbline.errors import InputError
from plumbline.findings import nearest
from plumbline.model import Strict
from plumbline.policy.model import ControlName
from plumbline.policy.standard import DesiredState
from plumbline.rooms import POLICIES
from plumbline.spec.people import Handover, LocalAccount, UserRole
from plumbline.spec.values import FilePath, Filled
from plumbline.yamlfile import read_yaml, validated

Number = Annotated[int, Field(strict=True, ge=0, le=65534)]


class BuiltIn(Strict):
    """An account of the distribution or one of its packages.

    `uid` and `gid` where they are fixed; `shell` where it is delivered with one, so that one may stay.
    """

    uid: Number | None = None
    gid: Number | None = None
    shell: FilePath | None = None


class Distribution(Strict):
    """What a distribution brings.

    `administrators`: groups its sudoers and polkit rules name. `root_groups`: groups whose members can make
    themselves root, whether by sudo, a socket, a disk or a file. One that `extends` another has all of that
    one's too.
    """

    extends: ControlName | None = None
    accounts: dict[Filled, BuiltIn] = {}
    administrators: list[Filled] = []
    root_groups: list[Filled] = []


class AccountsFile(Strict):
    """`accounts.yml`: distributions by the ID of their os-release(5)."""

    distributions: dict[ControlName, Distribution]

    @model_validator(mode="after")
    def _extended_are_there(self) -> AccountsFile:
        for name, one in self.distributions.items():
            if one.extends is None:
                continue
            other = self.distributions.get(one.extends)
            if other is None:
                raise ValueError(
                    f"{name} extends {one.extends}, which is not here"
                    f"{nearest(one.extends, self.distributions)}"
                )
            if other.extends is not None:
                raise ValueError(f"{name} extends {one.extends}, which extends another itself")
        return self


def whole(file: AccountsFile, name: str) -> Distribution:
    """Return a distribution with what it extends; KeyError if there is none of that name."""
    one = file.distributions[name]
    if one.extends is None:
        return one
    other = file.distributions[one.extends]
    return Distribution(
        accounts={**other.accounts, **one.accounts},
        administrators=[*other.administrators, *one.administrators],
        root_groups=[*other.root_groups, *one.root_groups],
    )


@cache
def load_distribution(standard: str, name: str, root: Path = POLICIES) -> Distribution:
    """Return what a distribution brings, by the standard's name and the distribution's.

    Raises FindingsError for a wrong file, and InputError for a distribution nobody described.
    """
    document = read_yaml(root / standard / "accounts.yml")
    file = validated(AccountsFile, document)
    if name not in file.distributions:
        raise InputError(
            f"nothing is known of the accounts {name} brings{nearest(name, file.distributions)}",
            file=document.file,
            hint=f"known are: {', '.join(file.distributions)}",
        )
    return whole(file, name)


@dataclass(frozen=True)
class Known:
    """Whom a host may know: what its distribution brings, and what its specification declares."""

    distribution: Distribution
    accounts: Mapping[str, LocalAccount]
    groups: tuple[UserRole, ...]
    domain: str
    handover: Handover | None

    def is_built_in(self, name: str) -> bool:
        """Say whether an account is the distribution's own."""
        return name in self.distribution.accounts

    def is_administrator(self, name: str) -> bool:
        """Say whether a local account may be root, or become so."""
        return name == "root" or (name in self.accounts and self.accounts[name].is_administrator)

    def needs_no_password(self, name: str) -> bool:
        """Say whether sudo may let an account in without its password."""
        return name == "root" or (name in self.accounts and self.accounts[name].sudo == "without-password")

    def roles(self, group: str) -> set[str]:
        """Return the roles a group of the directory stands for.

        As sudoers may name it: alone, as `group@domain`, or as `DOMAIN\\group` with the domain's first
        label or all of it; of another domain's group of that name there are none. Case does not count.
        """
        name, at, domain = group.partition("@")
        if not at and "\\" in group:
            domain, _, name = group.partition("\\")
        names = {self.domain.lower(), self.domain.partition(".")[0].lower(), ""}
        if domain.lower() not in names:
            return set()
        return {one.role for one in self.groups if one.group.lower() == name.lower()}


def known(desired: DesiredState) -> Known:
    """Return whom a host may know, the kiosk's account among them.

    Raises InputError for a distribution nobody described.
    """
    host = desired.host
    accounts = {account.name: account for account in host.local_accounts}
    if host.kiosk is not None:
        operator = LocalAccount(name=host.kiosk.user, reason="the session of the operator visualisation")
        accounts.setdefault(host.kiosk.user, operator)
    return Known(
        distribution=load_distribution(desired.standard.name, host.os.distribution),
        accounts=accounts,
        groups=tuple(host.users),
        domain=desired.site.directory_domain,
        handover=host.handover,
    )

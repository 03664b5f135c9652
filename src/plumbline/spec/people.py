"""Who uses a host: directory groups and their roles, declared local accounts, the handover record."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from plumbline.model import Strict
from plumbline.spec.values import Filled, twice

_ACCOUNT = r"[a-z_][a-z0-9_.-]{0,30}\$?"
_FINGERPRINT = r"SHA256:[A-Za-z0-9+/]{43}"


def _account(text: str) -> str:
    if not re.fullmatch(_ACCOUNT, text):
        raise ValueError(f"{text!r} is no name of a local account; write a-z, 0-9, _, . and -, at most 31")
    return text


def _fingerprint(text: str) -> str:
    if not re.fullmatch(_FINGERPRINT, text):
        raise ValueError(
            f"{text!r} is no fingerprint; write what `ssh-keygen -lf FILE` prints, such as SHA256:…"
        )
    return text


AccountName = Annotated[str, AfterValidator(_account), Field(json_schema_extra={"pattern": f"^{_ACCOUNT}$"})]
Fingerprint = Annotated[
    str, AfterValidator(_fingerprint), Field(json_schema_extra={"pattern": f"^{_FINGERPRINT}$"})
]


class UserRole(Strict):
    """Who uses the host: an AD group and the role of 17.4 it stands for."""

    group: Filled
    role: Literal[
        "os-administrator",
        "os-user",
        "system-user",
        "application-administrator",
        "application-permission-administrator",
        "application-user",
    ]
    description: str = ""


class LocalAccount(Strict):
    """A local account that may be used, and why the directory cannot hold it (17.1).

    `root` stands here too if it is entered by a key. `keys` are the SSH keys that open the account;
    `sudo` says whether it may become root, and whether sudo asks it for its password.
    """

    name: AccountName
    reason: Filled
    keys: list[Fingerprint] = []
    sudo: Literal["none", "with-password", "without-password"] = "none"

    @field_validator("keys")
    @classmethod
    def _keys_are_distinct(cls, keys: list[str]) -> list[str]:
        if repeated := twice(keys):
            raise ValueError(f"key declared twice: {repeated}")
        return keys

    @property
    def is_administrator(self) -> bool:
        """Whether the account may become root."""
        return self.sudo != "none" or self.name == "root"


class Handover(Strict):
    """The record of the handover to the operator (17.1).

    `delivered` is the day the supplier delivered the host; `passwords_held_since` says of a local account
    which day the operator's responsible person gave it a password only he knows. Never the password.
    """

    delivered: date
    passwords_held_since: dict[AccountName, date] = {}

    @model_validator(mode="after")
    def _passwords_are_held_after_delivery(self) -> Handover:
        early = [name for name, day in self.passwords_held_since.items() if day < self.delivered]
        if early:
            raise ValueError(
                f"passwords held before the delivery on {self.delivered}: {', '.join(early)};"
                " the supplier knew them then"
            )
        return self

"""Secrets that a run needs: where a person gives them, and how a deploy comes to one without it being told.

A secret is asked for by name (`directory.join`) when something truly needs it: first the environment
(`PLUMBLINE_SECRET_DIRECTORY_JOIN`), then `secrets.yml` beside the inventory's site.yml, encrypted with
Ansible Vault, then a prompt on a terminal. It is never an argument of a program, and no text of it is ever
made by `str`, `repr` or an error.
"""

from __future__ import annotations

import getpass
import os
import re
import stat
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path

import yaml

from plumbline.errors import InputError, PlumblineError

ENVIRONMENT = "PLUMBLINE_SECRET_"
VAULT_PASSWORD = "PLUMBLINE_VAULT_PASSWORD"  # noqa: S105  (a variable's name)
VAULT_PASSWORD_FILE = "PLUMBLINE_VAULT_PASSWORD_FILE"  # noqa: S105  (as above)
FILE = "secrets.yml"
VAULT_HEAD = b"$ANSIBLE_VAULT;"

Ask = Callable[[str], str]
"""Asks a person, who sees the question and whose answer nobody sees."""


class MissingSecretError(PlumblineError):
    """Nobody has given this secret."""


class Secret:
    """A secret by its name; only `reveal` gives it away."""

    def __init__(self, name: str, source: Callable[[str], str]) -> None:
        self.name = name
        self._source = source

    def reveal(self) -> str:
        """Return the secret; MissingSecretError if nobody gives it."""
        return self._source(self.name)

    def __repr__(self) -> str:
        return f"<secret {self.name}>"


class Secrets:
    """The secrets of an inventory, each sought when it is first asked for and then remembered."""

    def __init__(self, inventory: Path, ask: Ask | None, environment: Mapping[str, str]) -> None:
        self._inventory, self._ask, self._environment = inventory, ask, environment
        self._known: dict[str, str] = {}
        self._in_file: dict[str, str] | None = None

    @classmethod
    def load(
        cls, inventory: Path | str, ask: Ask | None = None, environment: Mapping[str, str] = os.environ
    ) -> Secrets:
        """Return the secrets of an inventory; `ask` is None where nobody can be asked.

        Raises InputError for a secrets.yml that is not encrypted; it is not opened before it is needed.
        """
        secrets = cls(Path(inventory), ask, environment)
        secrets._refuse_plain()
        return secrets

    def get(self, name: str) -> str:
        """Return a secret; MissingSecretError if none of the sources has it, InputError for a bad file."""
        if name not in self._known:
            self._known[name] = self._sought(name)
        return self._known[name]

    def __repr__(self) -> str:
        return f"<secrets of {self._inventory}>"

    def _sought(self, name: str) -> str:
        variable = variable_of(name)
        found = self._environment.get(variable) or self._from_file().get(name)
        if found is None and self._ask is not None:
            found = self._ask(f"Secret {name}")
        if not found:
            raise MissingSecretError(
                f"the secret {name} is not given",
                hint=f"set {variable}, put it into {self._inventory / FILE} (ansible-vault create),"
                " or run it on a terminal to be asked",
            )
        if "\n" in found or "\0" in found:
            raise InputError(f"the secret {name} has a line break or a NUL byte in it")
        return found

    def _refuse_plain(self) -> None:
        path = self._inventory / FILE
        if path.is_file() and not _read(path).startswith(VAULT_HEAD):
            raise InputError(
                "it is not encrypted, so anybody who sees the inventory reads its secrets",
                file=path,
                hint=f"ansible-vault encrypt {path}; count what stood in it as known to others",
            )

    def _from_file(self) -> dict[str, str]:
        if self._in_file is None:
            path = self._inventory / FILE
            self._in_file = self._opened(path) if path.is_file() else {}
        return self._in_file

    def _opened(self, path: Path) -> dict[str, str]:
        self._refuse_plain()
        try:
            from ansible.errors import AnsibleError  # type: ignore[import-untyped]  # it has no types
            from ansible.parsing.vault import (  # type: ignore[import-untyped]  # as above
                VaultLib,
                VaultSecret,
            )
        except ImportError as error:
            raise PlumblineError(
                f"{path} cannot be opened without ansible-core", hint="install plumbline[windows]"
            ) from error
        password = self._vault_password(path)
        try:
            plain = VaultLib([("default", VaultSecret(password.encode()))]).decrypt(_read(path))
        except (AnsibleError, ValueError):
            raise InputError(
                "it cannot be decrypted: the vault password is not the one it was encrypted with,"
                " or the file was damaged",
                file=path,
            ) from None
        return secrets_in(plain, path)

    def _vault_password(self, path: Path) -> str:
        if given := self._environment.get(VAULT_PASSWORD):
            return given
        if named := self._environment.get(VAULT_PASSWORD_FILE):
            file = Path(named)
            if file.is_file() and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise InputError("others than its owner may read it", file=file, hint=f"chmod 600 {file}")
            if first := _read(file).decode("utf-8", "replace").partition("\n")[0].strip():
                return first
            raise InputError("its first line is empty; the vault password belongs there", file=file)
        if self._ask is not None and (answer := self._ask(f"Vault password of {path}")):
            return answer
        raise MissingSecretError(
            f"the vault password of {path} is not given",
            hint=f"set {VAULT_PASSWORD} or {VAULT_PASSWORD_FILE}, or run it on a terminal to be asked",
        )


def secrets_in(plain: bytes, path: Path) -> dict[str, str]:
    """Return name -> secret of a decrypted file: `directory.join: …` or nested, each value a text.

    Raises InputError that says where something is wrong and nothing of what stands there.
    """
    try:
        data = yaml.safe_load(plain)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise InputError("what is encrypted in it is no YAML", file=path, line=line) from None
    found: dict[str, str] = {}

    def take(name: str, value: object) -> None:
        if isinstance(value, dict):
            for key, below in value.items():
                take(f"{name}.{key}" if name else str(key), below)
        elif isinstance(value, str) and value and name:
            found[name] = value
        else:
            raise InputError(
                f"{name or 'what is encrypted in it'} is no text; write `directory.join: '…'` with quotes",
                file=path,
            )

    take("", {} if data is None else data)
    return found


def variable_of(name: str) -> str:
    """Return the environment variable that may hold a secret."""
    return ENVIRONMENT + re.sub(r"[^A-Z0-9]", "_", name.upper())


def without_secrets(environment: Mapping[str, str]) -> MutableMapping[str, str]:
    """Return an environment for a process that is to hold none of the secrets."""
    ours = (ENVIRONMENT, VAULT_PASSWORD)
    return {name: value for name, value in environment.items() if not name.startswith(ours)}


def asked_on_terminal() -> Ask | None:
    """Return what asks the person at this terminal, the answer not shown; None if there is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return lambda question: getpass.getpass(f"{question}: ", stream=sys.stderr)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", file=path) from error


def _nobody(name: str) -> str:
    raise MissingSecretError(f"the secret {name} is not given: nobody gives any here")


class _Given:
    """Who gives secrets to the deploys of this process, and whether they only plan."""

    source: Callable[[str], str] = staticmethod(_nobody)
    only_planning = True


def give(source: Callable[[str], str], *, only_planning: bool) -> None:
    """Say where `secret` takes its values from in this process: the worker asks its parent."""
    _Given.source = staticmethod(source)
    _Given.only_planning = only_planning


def secret(name: str) -> Secret:
    """Return a secret for a deploy; nobody is asked for it before it is revealed."""
    return Secret(name, lambda wanted: _Given.source(wanted))


def wanted(needed: Secret) -> None:
    """Have a secret asked for now, before anything is changed with it missing; a mere plan needs none."""
    if not _Given.only_planning:
        needed.reveal()


def only_planning() -> bool:
    """Say whether this process changes nothing, so that a secret may be missing."""
    return _Given.only_planning

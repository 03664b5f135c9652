"""The keys a person enters hosts with: the given file, or the agent's keys and those in ~/.ssh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import paramiko

from plumbline.errors import NotReachedError

_DEFAULTS = ("id_ed25519", "id_ecdsa", "id_rsa")
_USE_THE_AGENT = "load it into the SSH agent: ssh-add {file}"


def identities(identity_file: Path | None) -> Iterator[paramiko.PKey]:
    """Yield the keys to try, in order; the agent and the disk are asked only as far as they are needed.

    Raises NotReachedError when the given file is not there, is no private key, or is encrypted and not in
    the agent.
    """
    if identity_file is not None:
        yield _given(identity_file)
        return
    yield from _agent_keys()
    for name in _DEFAULTS:
        path = Path.home() / ".ssh" / name
        try:
            yield paramiko.PKey.from_path(path)
        except (OSError, ValueError, TypeError, paramiko.SSHException, paramiko.pkey.UnknownKeyType):
            continue  # a key of the person's that cannot be used without asking; ssh passes over it as well


def _given(file: Path) -> paramiko.PKey:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise NotReachedError(f"the key {file} cannot be read: {error.strerror}") from error
    try:
        return paramiko.PKey.from_path(file)
    except (OSError, ValueError, TypeError, paramiko.SSHException, paramiko.pkey.UnknownKeyType) as error:
        if isinstance(error, OSError):
            raise NotReachedError(f"the key {file} cannot be read: {error.strerror}") from error
        if not _is_encrypted(data, error):
            raise NotReachedError(f"the key {file} is no private SSH key (RSA, ECDSA or Ed25519)") from error
        found = _in_agent(file)
        if found is None:
            raise NotReachedError(
                f"the key {file} is encrypted", hint=_USE_THE_AGENT.format(file=file)
            ) from error
        return found


def _is_encrypted(data: bytes, error: Exception) -> bool:
    # OpenSSH's own format says it inside the encoding, so there the library's complaint has to do.
    return isinstance(error, TypeError) or b"ENCRYPTED" in data or "password" in str(error).lower()


def _in_agent(file: Path) -> paramiko.PKey | None:
    """Return the agent's key whose public half lies beside the file."""
    public = file.with_name(f"{file.name}.pub")
    try:
        wanted = public.read_text("ascii").split()[1]
    except (OSError, ValueError, IndexError):
        return None
    return next((key for key in _agent_keys() if key.get_base64() == wanted), None)


def _agent_keys() -> tuple[paramiko.PKey, ...]:
    try:
        return paramiko.Agent().get_keys()
    except (OSError, paramiko.SSHException):
        return ()  # an agent that is gone, or no agent at all behind the socket

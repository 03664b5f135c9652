"""Logging in: the host shows a key that is known, then accepts one of the person's."""

from __future__ import annotations

import base64
import hashlib
import socket
from pathlib import Path

import paramiko

from plumbline.errors import NotReachedError
from plumbline.evidence.identity import identities
from plumbline.evidence.known_hosts import KnownKey, known_keys

GREETING_SECONDS = 10.0
"""Seconds for the server to greet, and again to agree on keys."""

TRIES = 5
"""Keys that are offered; an OpenSSH server hangs up after six (sshd_config(5), MaxAuthTries)."""

# Only what is not broken; SHA-1, CBC and the like are left out even where a host would still take them.
_KEX = (
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
)
_CIPHERS = ("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
_HOST_KEYS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""Kind of key as known_hosts calls it -> the signatures it may make."""


def transport(link: socket.socket) -> paramiko.Transport:
    """Return an SSH transport over a connected socket, not yet negotiated."""
    made = paramiko.Transport(link, disabled_algorithms={"pubkeys": ["ssh-rsa"]})
    made.banner_timeout = made.handshake_timeout = made.auth_timeout = GREETING_SECONDS
    options = made.get_security_options()
    options.kex = tuple(name for name in _KEX if name in options.kex)
    options.ciphers, options.digests = _CIPHERS, _MACS
    return made


def known_hosts_files(named: Path | None) -> list[Path]:
    """Return the files in which host keys are known: the one that is named, else the usual ones."""
    return [named] if named else [Path.home() / ".ssh/known_hosts", Path("/etc/ssh/ssh_known_hosts")]


def negotiate(link: paramiko.Transport, address: str, name: str, port: int, known_hosts: Path | None) -> None:
    """Agree with the host on encryption; its key must be known, by its address or else by its name.

    Raises NotReachedError for a host that speaks no SSH of today, whose key is not known, is another than
    the known one, or was revoked.
    """
    files = known_hosts_files(known_hosts)
    known = known_keys(files, (address, name), port)
    kinds = {key.kind for key in known if not key.revoked}
    ordered = sorted(_HOST_KEYS, key=lambda kind: kind not in kinds)
    link.get_security_options().key_types = tuple(name for kind in ordered for name in _HOST_KEYS[kind])
    try:
        link.start_client(timeout=2 * GREETING_SECONDS)
        shown = link.get_remote_server_key()
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise NotReachedError(f"it offers no encryption that can be relied on: {error}") from error
    except (paramiko.SSHException, EOFError) as error:
        if link.remote_version:
            raise NotReachedError("it broke off while agreeing on encryption") from error
        raise NotReachedError(f"something listens at port {port}, but it does not greet as SSH") from error
    _believe(shown, known, port if port != 22 else None, address, files)


def _believe(
    shown: paramiko.PKey, known: list[KnownKey], port: int | None, address: str, files: list[Path]
) -> None:
    kind, blob = shown.get_name(), shown.asbytes()
    print_ = f"{kind} SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"
    of_this = [key for key in known if key.blob == blob]
    for key in of_this:
        if key.revoked:
            raise NotReachedError(f"its host key {print_} was revoked in {key.file}, line {key.line}")
    if of_this:
        return
    wanted = f"[{address}]:{port}" if port else address
    if not known:
        raise NotReachedError(
            f"its host key is not known: {print_}",
            hint="compare it with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on its console, then add "
            f"it: ssh-keyscan -H {f'-p {port} ' if port else ''}{address} >> {files[0]}",
        )
    held = known[0]
    raise NotReachedError(
        f"its host key has changed: it shows {print_}, {held.file} holds another in line {held.line}",
        hint="somebody may be answering in its place; if the host was reinstalled, remove the old key: "
        f"ssh-keygen -f {held.file} -R '{wanted}'",
    )


def authenticate(link: paramiko.Transport, user: str, identity_file: Path | None) -> None:
    """Log in with a key; NotReachedError if none is accepted, or there is none."""
    tried = 0
    for key in identities(identity_file):
        if tried == TRIES:
            break
        tried += 1
        try:
            further = link.auth_publickey(user, key)
        except paramiko.BadAuthenticationType as error:
            allowed = ", ".join(error.allowed_types)
            raise NotReachedError(f"it lets {user} in by {allowed} only, not by a key") from error
        except paramiko.AuthenticationException as error:
            if not link.is_active():
                raise NotReachedError(f"it hung up on {user} after {tried} keys were offered") from error
            continue
        if further:
            raise NotReachedError(f"it wants more of {user} than a key: {', '.join(further)}")
        return
    if tried == 0:
        raise NotReachedError(
            "there is no key to log in with", hint="load one into the SSH agent, or name it in connection.yml"
        )
    offered = f"the key {identity_file}" if identity_file else f"any of the {tried} keys offered"
    raise NotReachedError(
        f"it does not accept {offered} for {user}",
        hint=f"add the public key to {user}'s authorized_keys there",
    )

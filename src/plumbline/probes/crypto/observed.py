"""Cryptography as the suites see it: SSH, keys and certificates, TLS, disks, passwords."""

from __future__ import annotations

from collections.abc import Container, Iterable

from plumbline.probes.crypto import ssh_algorithms
from plumbline.probes.crypto.certificates import CERTIFICATES, Keys
from plumbline.probes.crypto.disks import DISKS, Disks
from plumbline.probes.crypto.gnutls import Policy
from plumbline.probes.crypto.libraries import LIBRARIES, Libraries, Method, OpenSsl
from plumbline.probes.crypto.lifetimes import Dated, of_certificate, of_file
from plumbline.probes.crypto.listeners import LISTENERS, TLS_PORTS, Listener
from plumbline.probes.crypto.ssh_keys import Key
from plumbline.probes.crypto.ssh_server import SSH_SERVER, SshServer
from plumbline.probes.crypto.ssh_users import SSH_USERS, SshUsers
from plumbline.probes.crypto.x509 import Certificate
from plumbline.probes.subject import Subject
from plumbline.verify.seen import Reading, Seen
from plumbline.verify.unknown import Unknown


class Crypto(Subject):
    """Algorithms, key lengths and lifetimes of what the host offers and keeps."""

    @property
    def _server(self) -> SshServer:
        return self.read(SSH_SERVER)

    @property
    def _users(self) -> SshUsers:
        users = self.read(SSH_USERS)
        if users.cut is not None:
            raise Unknown("users have more SSH files than are looked at, from {file} on", file=users.cut)
        return users

    @property
    def _keys(self) -> Keys:
        keys = self.read(CERTIFICATES)
        if keys.unread:
            raise Unknown("not all places of keys were searched: {places}", places=", ".join(keys.unread))
        if keys.private and not keys.has_program:
            raise Unknown("the host has no program openssl, which reading its keys needs; install it")
        return keys

    @property
    def _libraries(self) -> Libraries:
        return self.read(LIBRARIES)

    @property
    def disks(self) -> Disks:
        """Block devices, what encrypts them, what is mounted from them."""
        return self.read(DISKS)

    @property
    def has_ssh_server(self) -> bool:
        """Whether an SSH server is installed."""
        return self._server.installed or self.ssh_listens

    @property
    def ssh_listens(self) -> bool:
        """Whether an SSH server listens now."""
        return bool(self._server.listening)

    @property
    def has_ssh_client(self) -> bool:
        """Whether there is an SSH client."""
        return self.read(SSH_USERS).client is not None

    def ssh_now(self, kind: str, *accepted: Container[object]) -> list[Seen]:
        """Algorithms of a kind (`ssh_algorithms.KINDS`) that running servers offer and no list accepts."""
        offered = ssh_algorithms.offered_now(self._server, kind)
        return _others(offered, accepted)

    def ssh_at_boot(self, kind: str, *accepted: Container[object]) -> list[Seen]:
        """Algorithms of a kind that sshd will offer or take after a boot and no list accepts."""
        return _others(ssh_algorithms.offered_at_boot(self._server, kind), accepted)

    def ssh_client(self, kind: str, *accepted: Container[object]) -> list[Seen]:
        """Algorithms of a kind that the SSH client proposes to somebody and no list accepts."""
        return _others(ssh_algorithms.proposed_by_client(self.read(SSH_USERS), kind), accepted)

    @property
    def moduli(self) -> list[Reading]:
        """The sizes, in bits, of groups that sshd may choose from for a key exchange."""
        return [
            Reading("bits", size, f"{file}: {count} groups")
            for file, sizes in self._server.moduli.items()
            for size, count in sorted(sizes.items())
        ]

    @property
    def smallest_rsa(self) -> list[Reading]:
        """The length, in bits, of the smallest RSA key that sshd takes, by each of its configurations."""
        found = []
        for config in self._server.configs:
            told = config.options.get("requiredrsasize", [])
            if config.status != 0:
                raise Unknown(
                    "sshd does not take its configuration {file}: {error}",
                    file=config.file,
                    error=config.error,
                )
            found.append(
                Reading("RequiredRSASize", int(told[0]) if told else None, f"sshd -T -f {config.file}")
            )
        for line in self._server.lines:
            if line.option == "requiredrsasize" and line.in_match:
                found.append(_size(line.value, line.where))
        for daemon in self._server.daemons:
            found += [_size(value, str(daemon)) for value in daemon.options("requiredrsasize")]
        return found

    @property
    def host_keys(self) -> list[Key]:
        """SSH host keys that sshd will offer."""
        return ssh_algorithms.host_keys(self._server)

    @property
    def authorized_keys(self) -> list[Key]:
        """SSH keys that open accounts of this host."""
        return self._users.authorized

    @property
    def user_keys(self) -> list[Key]:
        """SSH keys that users of this host have."""
        return self._users.own

    @property
    def listeners(self) -> list[Listener]:
        """Listeners that speak TLS; `Unknown` if there may be some and none could be greeted."""
        found = self.read(LISTENERS)
        if any(listener.speaks is None for listener in found):
            raise Unknown(
                "what {listeners} offers in TLS was not asked: the host has no program openssl; install it",
                listeners=", ".join(str(listener) for listener in found),
            )
        return [listener for listener in found if listener.speaks]

    @property
    def silent_listeners(self) -> list[Seen]:
        """Listeners at a port that is for TLS which do not answer in TLS."""
        self.listeners  # noqa: B018  (Unknown where nothing could be asked)
        silent = (found for found in self.read(LISTENERS) if not found.speaks)
        return [
            Seen("no TLS", str(found)) for found in silent if found.at.rsplit(":", 1)[1] in TLS_PORTS.split()
        ]

    @property
    def presented_with(self) -> list[tuple[str, Certificate]]:
        """Certificates of authorities that listeners present with their own."""
        return [
            (f"presented with its own at {listener}", each)
            for listener in self.listeners
            for each in listener.chain
        ]

    def certificates(self) -> list[tuple[str, Certificate]]:
        """The host's own certificates with where they are: presented by listeners, and lying on disk."""
        presented = [
            (f"presented at {listener}", certificate)
            for listener in self.listeners
            for certificate in listener.certificates
        ]
        return presented + [(found.where, found.certificate) for found in self._keys.own]

    @property
    def unreadable(self) -> list[str]:
        """Files with something that is called a certificate and cannot be read as one."""
        return self._keys.unreadable

    @property
    def private_keys(self) -> list[Key]:
        """Private keys that lie on disk, and stores of keys, of which neither kind nor length is told.

        One that is encrypted is left to its certificate, where it has one beside it.
        """
        keys = self._keys
        with_certificate = {found.file.rpartition(".")[0] for found in keys.certificates}
        found = [
            Key(key.file, key.kind or "", key.bits, key.made)
            for key in keys.private
            if key.public is not None or key.file.rpartition(".")[0] not in with_certificate
        ]
        return found + [Key(file, "", None) for file in keys.stores]

    @property
    def open_private_keys(self) -> list[Seen]:
        """Private keys that everybody on the host may read."""
        found = [Seen(key.access, key.file) for key in self._keys.private if key.is_open]
        return found + [Seen(access, file) for file, access in self._users.open]

    def lifetimes(self) -> list[Dated]:
        """How long each of the host's own keys lives, in days, and whether it has ended."""
        server, users, keys = self._server, self._users, self._keys
        found = [of_file("SSH host key", key.where, key.made, server.now) for key in self.host_keys]
        found += [of_file("SSH key", key.where, key.made, users.now) for key in users.own]
        found += [of_file("keytab", file, made, keys.now) for file, made in keys.keytabs]
        return found + [of_certificate(where, one, keys.now) for where, one in self.certificates()]

    @property
    def has_gnutls(self) -> bool:
        """Whether GnuTLS is installed."""
        return "gnutls" in self._libraries.has

    @property
    def has_openssl(self) -> bool:
        """Whether OpenSSL's TLS library is installed."""
        return "openssl" in self._libraries.has

    @property
    def gnutls(self) -> Policy:
        """What GnuTLS offers by itself; `Unknown` if something gives it another configuration."""
        for name, where, file in self._libraries.own:
            if name == "GNUTLS_SYSTEM_PRIORITY_FILE":
                raise Unknown("{where} gives GnuTLS another policy, {file}", where=where, file=file)
        policy = Policy(self._libraries.gnutls)
        if policy.default_priority is not None:
            raise Unknown(
                "{file} gives applications another priority, {priority}; compare it by hand",
                file=policy.where,
                priority=policy.default_priority,
            )
        return policy

    @property
    def openssl_old(self) -> list[Seen]:
        """Suites OpenSSL has for TLS before 1.2, by each configuration it is given on the host."""
        return [Seen(name, self._place(told.configuration)) for told in self._openssl() for name in told.old]

    def openssl_suites(self, accepted: Container[object]) -> list[Seen]:
        """Suites OpenSSL offers by itself and that are not accepted."""
        return [
            Seen(suite.name, self._place(told.configuration))
            for told in self._openssl()
            for suite in told.suites
            if suite.name not in accepted
        ] + [
            Seen("@SECLEVEL=0", self._place(told.configuration))
            for told in self._openssl()
            if told.refuses_nothing
        ]

    def _openssl(self) -> list[OpenSsl]:
        libraries = self._libraries
        if not libraries.openssl:
            raise Unknown(
                "what {library} offers by itself was not asked: the host has no program openssl; install it",
                library=libraries.has.get("openssl", "OpenSSL"),
            )
        for told in libraries.openssl:
            if told.status != 0:
                raise Unknown(
                    "OpenSSL does not take its configuration ({place}): {error}",
                    place=self._place(told.configuration),
                    error=told.error,
                )
        return libraries.openssl

    def _place(self, configuration: str) -> str:
        places = [where for name, where, file in self._libraries.own if file == configuration]
        return ", ".join([configuration, *places])

    @property
    def java(self) -> dict[str, str]:
        """Java's policies: file -> what it disables in TLS."""
        return self._libraries.java

    @property
    def set_hashing(self) -> list[Method]:
        """How new passwords are hashed."""
        return self._libraries.set_methods

    @property
    def used_hashing(self) -> list[Method]:
        """How the passwords there are were hashed."""
        return self._libraries.used_methods


def _size(value: str, where: str) -> Reading:
    """Return a RequiredRSASize that a line gives; what is no number as it stands."""
    first = value.split("#", 1)[0].strip()
    return Reading("RequiredRSASize", int(first) if first.isdecimal() else first, where)


def _others(offered: Iterable[Seen], accepted: Iterable[Container[object]]) -> list[Seen]:
    """Return what no list accepts, each name once a place."""
    lists = list(accepted)
    refused = {str(name): name for name in offered if not ssh_algorithms.is_accepted(name.bare, lists)}
    return list(refused.values())

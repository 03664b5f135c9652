"""Servers that speak unencrypted or a restricted protocol: by package, program, port and configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from plumbline.policy.protocols import Protocol
from plumbline.policy.servers import Server, ServersFile
from plumbline.probes.services.configuration import Configuration
from plumbline.probes.services.listening import Listening
from plumbline.probes.services.required import Required
from plumbline.probes.services.sockets import Socket
from plumbline.probes.services.web import READERS, Configured

_MQTT_PORT = "mqtt-tls"


@dataclass(frozen=True)
class Cleartext:
    """What one host serves, held against what may be served unencrypted: nothing others can reach."""

    required: Required
    configuration: Configuration
    servers: ServersFile
    protocols: Mapping[str, Protocol]

    @cached_property
    def listening(self) -> Listening:
        """The sockets others can reach."""
        return Listening(self.required)

    def installed(self, kinds: Mapping[str, Server]) -> list[str]:
        """Packages of these kinds of servers that are installed."""
        return [
            f"{package} ({server.offers})"
            for server in kinds.values()
            for package in server.packages
            if package in self.required.installed.packages
        ]

    def running(self, kinds: Mapping[str, Server]) -> list[str]:
        """Processes that are such a server, whatever port they use."""
        return [
            f"{process}: {server.offers}"
            for server in kinds.values()
            for process in self.required.running.processes.values()
            if {process.program, process.name} & set(server.programs)
        ]

    def at_boot(self, kinds: Mapping[str, Server]) -> list[str]:
        """Units started at boot and entries of inetd that start such a server, or are of its packages."""
        found: dict[str, None] = {}
        for server in kinds.values():
            for started in self.required.programs.boot_units(server.programs):
                found[f"{started}: {server.offers}"] = None
            for entry in self.required.installed.inetd:
                if entry.name in server.programs or entry.service == server.offers:
                    found[f"{entry}: {server.offers}"] = None
        for unit in self.required.enabled():
            package = self.required.package_of(unit)
            for server in kinds.values():
                if package in server.packages:
                    found[f"{self.required.told(unit)}: {server.offers}"] = None
        return list(found)

    # By port

    def at_forbidden_ports(self) -> list[str]:
        """Sockets at a port of a forbidden protocol; at one of HTTP only where nothing encrypts."""
        found: dict[str, None] = {}
        for socket in self.listening.open:
            for name, protocol in self.protocols.items():
                if protocol.use != "forbidden" or protocol.transport != socket.protocol:
                    continue
                if socket.port in protocol.ports and not self._is_replaced(protocol, socket):
                    found[f"{socket} by {self.listening.told(socket)}: {name}"] = None
        return list(found)

    def _is_replaced(self, protocol: Protocol, socket: Socket) -> bool:
        """Say whether what replaces a protocol is spoken at its port: HTTPS at 8080."""
        if protocol.replacement != "https":
            return False
        configured = self._configured(socket)
        if configured:
            return all(each.encrypted for each in configured)
        return any(listener.encrypted for _, listener in self.listening.declared(socket))

    # By configuration

    def _configured(self, socket: Socket) -> list[Configured]:
        """Return what a server's own configuration says of a socket it holds."""
        return [each for program in self._programs(socket) for each in self._ports(program, socket.port)]

    def _programs(self, socket: Socket) -> list[str]:
        holders = self.listening.holders(socket)
        return sorted({process.program for process in holders if process.program in READERS})

    def _ports(self, program: str, port: int) -> list[Configured]:
        server, read = READERS[program]
        return [each for each in read(self.configuration.lines_of(server)) if each.port == port]

    def unencrypted_servers(self) -> list[str]:
        """Sockets of servers whose configuration encrypts nothing there, as a redirect to HTTPS does not."""
        found: dict[str, None] = {}
        for socket in self.listening.open:
            for program in self._programs(socket):
                configured = self._ports(program, socket.port)
                plain = [each.line for each in configured if not each.encrypted]
                if plain:
                    found |= {f"{socket} by {program}: {line}": None for line in plain}
                elif not configured:
                    found[f"{socket} by {program}: its configuration names no such port"] = None
        return list(found) + self._always_plain()

    def _always_plain(self) -> list[str]:
        return [
            f"{socket} by memcached"
            for socket in self.listening.open
            if any(process.program == "memcached" for process in self.listening.holders(socket))
        ]

    def unencrypted_at_boot(self) -> list[str]:
        """Lines by which a server that starts at boot will listen without encryption."""
        found = []
        for program, (server, read) in READERS.items():
            lines = self.configuration.lines_of(server)
            if lines and self.required.programs.boot_units([program]):
                found += [str(each.line) for each in read(lines) if not each.encrypted and not each.is_local]
        return found

    def mqtt_elsewhere(self) -> list[str]:
        """Sockets of MQTT brokers at another port than that of MQTT over TLS."""
        allowed = self.protocols[_MQTT_PORT].ports
        return [
            f"{socket} by {self.listening.told(socket)}"
            for socket in self.listening.open
            if "mosquitto" in self._programs(socket) and socket.port not in allowed
        ]

    def has_broker(self) -> bool:
        """Whether there is an MQTT broker whose configuration is read."""
        return "mosquitto" in self.required.installed.packages or bool(
            self.configuration.lines_of("mosquitto")
        )

    def shares(self) -> list[str]:
        """File shares that go over the network unencrypted: NFS without Kerberos' privacy, SMB 1."""
        found = [str(line) for line in self.configuration.lines_of("exports") if not _is_private(line.text)]
        old = ("nt1", "lanman1", "lanman2", "core", "coreplus")
        for line in self.configuration.lines_of("samba"):
            key, _, value = line.text.partition("=")
            if "protocol" in key.lower() and value.strip().lower() in old:
                found.append(str(line))
        return found

    # By declaration

    def declared_unencrypted(self) -> list[str]:
        """Declared listeners that, by the specification itself, do not encrypt."""
        return [
            f"{service.name}: {listener}"
            for service in self.required.permitted.services
            for listener in service.listeners
            if listener.encrypted is False
        ]

    def undeclared_encryption(self) -> list[str]:
        """Open sockets of declared services of which nothing says whether they encrypt."""
        found: dict[str, None] = {}
        for socket in self.listening.open:
            if self._configured(socket):
                continue
            for service, listener in self.listening.declared(socket):
                if listener.encrypted is None:
                    found[f"{service.name} {socket}"] = None
        return list(found)


def _is_private(export: str) -> bool:
    """Say whether every client of a line of exports(5) may speak with Kerberos' privacy alone."""
    common, private = "", []
    text = re.sub(r'^\s*("[^"]*"|/\S*)', "", export.partition("#")[0].rstrip("\\ \t"))
    for word in text.split():
        if word.startswith("-"):
            common = word[1:]
            continue
        options = f"{common},{word.partition('(')[2].rstrip(')')}".split(",")
        flavours = [option[4:] for option in options if option.startswith("sec=")]
        private.append(bool(flavours) and set(flavours[-1].split(":")) == {"krb5p"})
    return bool(private) and all(private) if text.strip() else export.strip().startswith("#")

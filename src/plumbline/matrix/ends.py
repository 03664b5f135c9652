"""Whose addresses the ends of a row are: names become ranges once, here, and never when rules are loaded."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from plumbline.findings import nearest
from plumbline.matrix.model import Matrix
from plumbline.report.locales import text
from plumbline.spec.load import Inventory
from plumbline.spec.model import Site

SERVICES = ("time", "dns", "directory", "log", "management", "monitoring", "mail", "updates")
"""What `site:` can stand for."""


@dataclass(frozen=True, order=True)
class Span:
    """A range of IPv4 addresses as numbers, both ends included, and the word of the row it came from."""

    low: int
    high: int
    word: str = ""

    def __str__(self) -> str:
        low, high = ipaddress.IPv4Address(self.low), ipaddress.IPv4Address(self.high)
        if low == high:
            return str(low)
        networks = list(ipaddress.summarize_address_range(low, high))
        return str(networks[0]) if len(networks) == 1 else f"{low}-{high}"

    @property
    def size(self) -> int:
        """How many addresses it has."""
        return self.high - self.low + 1

    def networks(self) -> Iterator[ipaddress.IPv4Network]:
        """Yield it as networks in CIDR notation, the fewest there are."""
        yield from ipaddress.summarize_address_range(
            ipaddress.IPv4Address(self.low), ipaddress.IPv4Address(self.high)
        )


class UnknownEndError(ValueError):
    """A word that is the name of nothing declared; `told` is the sentence for the person."""

    def __init__(self, message: str, **said: object) -> None:
        self.told = text(message, **said)
        super().__init__(self.told.en)


def servers(site: Site, service: str) -> list[str] | None:
    """Return the names or addresses of a site's servers for a service; None where the site declares none.

    The mirror of the antivirus' signatures is one of updates. Sources that lie on the hosts themselves
    (`file:`) have no server.
    """
    if service == "updates":
        sources = site.updates.sources
        mirrors = [site.antivirus.mirror] if site.antivirus.mirror else []
        if sources is None and not mirrors:
            return None
        named = [host for one in (*(sources or ()), *mirrors) if (host := urlsplit(one).hostname)]
        return list(dict.fromkeys(named))
    found: dict[str, list[str] | None] = {
        "time": [str(source) for source in site.time_sources],
        "dns": [str(address) for address in site.dns],
        "directory": site.active_directory.controllers if site.active_directory else None,
        "log": [site.log_collector.host] if site.log_collector else None,
        "monitoring": site.monitoring.servers if site.monitoring else None,
        "mail": [site.mail_relay.host] if site.mail_relay else None,
    }
    return found[service] or None


class Ends:
    """What the words of a matrix mean in an inventory."""

    def __init__(self, inventory: Inventory, matrix: Matrix) -> None:
        self._inventory = inventory
        self._matrix = matrix
        self._known: dict[str, tuple[Span, ...]] = {}

    def spans(self, word: str) -> tuple[Span, ...]:
        """Return the addresses a word of a row stands for; UnknownEndError if nothing is declared."""
        if word not in self._known:
            self._known[word] = tuple(self._spans(word))
        return self._known[word]

    @cached_property
    def hosts(self) -> dict[str, tuple[ipaddress.IPv4Address, ...]]:
        """Every host of the specification with the addresses it has, the one it is reached at first."""
        return {
            name: tuple(face.address for face in host.interfaces if face.address is not None)
            for name, (_, host) in self._inventory.hosts().items()
        }

    @cached_property
    def meant(self) -> dict[str, tuple[ipaddress.IPv4Address, ...]]:
        """The addresses that a host's name stands for in a row: not those of isolated or industrial networks.

        Those are meant only where they are written out.
        """
        return {
            name: tuple(
                face.address
                for face in host.interfaces
                if face.address is not None and face.purpose in ("service", "redundant-uplink")
            )
            for name, (_, host) in self._inventory.hosts().items()
        }

    @cached_property
    def owners(self) -> dict[int, str]:
        """Which host has an address, by the address as a number."""
        return {int(address): name for name, found in self.hosts.items() for address in found}

    def _spans(self, word: str) -> Iterator[Span]:
        kind, colon, name = word.partition(":")
        if colon:
            yield from {"system": self._system, "vlan": self._vlan, "site": self._service}[kind](word, name)
        elif word in self.meant:
            yield from (_address(address, word) for address in self.meant[word])
        elif word in self._matrix.names:
            yield from (_address(address, word) for address in self._matrix.names[word])
        elif (written := _written(word)) is not None:
            yield written
        else:
            known = [*self.hosts, *self._matrix.names]
            if re.fullmatch(r"[\d./]+", word):
                raise UnknownEndError(
                    "{word} is no range; its host bits are zero, as in 10.1.2.0/24", word=word
                )
            raise UnknownEndError(
                "{word} is no host of the specification, no name of the matrix and no address{near}",
                word=word,
                near=nearest(word, known),
            )

    def _system(self, word: str, name: str) -> Iterator[Span]:
        system = self._inventory.systems.get(name)
        if system is None:
            raise UnknownEndError(
                "there is no system {name}{near}", name=name, near=nearest(name, self._inventory.systems)
            )
        for host in system.hosts:
            yield from (_address(address, word) for address in self.meant[host.name])

    def _vlan(self, word: str, name: str) -> Iterator[Span]:
        names = [vlan.name for vlan in self._inventory.site.vlans]
        if name not in names:
            raise UnknownEndError("the site has no VLAN {name}{near}", name=name, near=nearest(name, names))
        network = self._inventory.site.vlan(name).network
        yield Span(int(network.network_address), int(network.broadcast_address), word)

    def _service(self, word: str, name: str) -> Iterator[Span]:
        if name not in SERVICES:
            raise UnknownEndError(
                "the site has no service {name}{near}; it has {known}",
                name=name,
                near=nearest(name, SERVICES),
                known=", ".join(SERVICES),
            )
        site = self._inventory.site
        if name == "management":
            for network in site.management_sources:
                yield Span(int(network.network_address), int(network.broadcast_address), word)
            return
        declared = servers(site, name)
        if declared is None:
            raise UnknownEndError("{word}: site.yml declares no {name}", word=word, name=name)
        for found in declared:
            yield from (Span(span.low, span.high, word) for span in self._named(found, word))

    def _named(self, name: str, word: str) -> Iterator[Span]:
        """Return the addresses of a server of the site, which may be given by a name."""
        if (written := _written(name)) is not None:
            yield written
        elif name in self._matrix.names:
            yield from (_address(address, word) for address in self._matrix.names[name])
        elif name in self.meant:
            yield from (_address(address, word) for address in self.meant[name])
        else:
            raise UnknownEndError(
                "{word} is {name}, whose address is not known; give it under `names` of the matrix",
                word=word,
                name=name,
            )


def _address(address: ipaddress.IPv4Address, word: str) -> Span:
    return Span(int(address), int(address), word)


def _written(word: str) -> Span | None:
    """Return what is written as an address, a network or a range; None if it is no such thing."""
    try:
        if "/" in word:
            network = ipaddress.IPv4Network(word)
            return Span(int(network.network_address), int(network.broadcast_address), word)
        low, dash, high = word.partition("-")
        span = Span(int(ipaddress.IPv4Address(low)), int(ipaddress.IPv4Address(high if dash else low)), word)
    except ValueError:
        return None
    return span if span.low <= span.high else None

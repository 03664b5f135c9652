"""Mail: whether a mailer hands messages only to the operator's relay, over TLS and with a logon (5.3)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.policy.servers import ServersFile
from plumbline.probes.services.configuration import Configuration
from plumbline.probes.services.listening import Listening
from plumbline.spec.site import Site
from plumbline.verify.unknown import Unknown

_ENFORCED = {"encrypt", "dane-only", "fingerprint", "verify", "secure"}
"""smtp_tls_security_level values that send nothing without TLS (postconf(5))."""

_READ = {
    "postfix": "postfix",
    "exim4-daemon-light": "exim",
    "exim4-daemon-heavy": "exim",
    "msmtp": "msmtp",
    "ssmtp": "ssmtp",
    "dma": "dma",
    "nullmailer": "nullmailer",
}


@dataclass(frozen=True)
class Relay:
    """How one mailer sends: where to (None: to anybody, empty: nowhere), and whether with TLS and a logon."""

    mailer: str
    where: str
    host: str | None
    tls: bool
    logon: bool

    @property
    def sends(self) -> bool:
        """Whether it sends anything to another host at all."""
        return self.host != ""


@dataclass(frozen=True)
class Mail:
    """The mailers of a host and their configuration."""

    listening: Listening
    configuration: Configuration
    servers: ServersFile
    site: Site

    @property
    def installed(self) -> list[str]:
        """Mailers that are installed."""
        packages = self.listening.required.installed.packages
        return [name for name in self.servers.mail.packages if name in packages]

    def relays(self) -> list[Relay]:
        """Return how each mailer sends; `Unknown` if one of them cannot be read here."""
        found = []
        for mailer in self.installed:
            relay = self._relay(mailer)
            if relay is None:
                raise Unknown("nobody here knows how {mailer} is configured", mailer=mailer)
            found.append(relay)
        return found

    def _relay(self, mailer: str) -> Relay | None:
        kind = _READ.get(mailer)
        if kind == "postfix":
            return _postfix(self.configuration.postfix) if self.configuration.postfix else None
        if kind is None or not (lines := self.configuration.lines_of(kind)):
            return None
        texts = [line.text for line in lines]
        place = lines[0].file
        return {"exim": _exim, "msmtp": _msmtp, "ssmtp": _ssmtp, "dma": _dma, "nullmailer": _nullmailer}[
            kind
        ](texts, place)

    def to_others(self) -> list[str]:
        """Mailers that send to anybody, or to another host than the site's relay.

        Where the site names no relay, any host of its domains and any private address may be one.
        """
        return [
            f"{relay.where}: {relay.mailer} sends to {relay.host or 'anybody'}"
            for relay in self.relays()
            if relay.sends and (relay.host is None or not self._are_internal(relay.host))
        ]

    def without_tls(self) -> list[str]:
        """Mailers that send without TLS, or would if the relay offered none."""
        return [f"{relay.where}: {relay.mailer}" for relay in self.relays() if relay.sends and not relay.tls]

    def without_logon(self) -> list[str]:
        """Mailers that log on to no relay."""
        return [
            f"{relay.where}: {relay.mailer}" for relay in self.relays() if relay.sends and not relay.logon
        ]

    def open_to_others(self) -> list[str]:
        """Sockets of mailers that others can reach and no service declares."""
        ports = (25, 465, 587)
        return list(
            dict.fromkeys(
                f"{socket} by {self.listening.told(socket)}"
                for socket in self.listening.open
                if socket.port in ports and not self.listening.declared(socket)
            )
        )

    def _are_internal(self, hosts: str) -> bool:
        return all(self._is_internal(host) for host in re.split(r"[\s;,]+", hosts) if host)

    def _is_internal(self, host: str) -> bool:
        bare = re.sub(r":{1,2}\d+$", "", host).strip("[]")
        try:
            address = ipaddress.IPv4Address(bare)
        except ValueError:
            if self.site.mail_relay is not None:
                return bare.lower() in ("localhost", self.site.mail_relay.host.lower())
            domains = [name for name in (self.site.domain, self.site.directory_domain) if name]
            return bare == "localhost" or any(
                bare.lower() == domain.lower() or bare.lower().endswith(f".{domain.lower()}")
                for domain in domains
            )
        if self.site.mail_relay is not None:
            return address.is_loopback or bare == self.site.mail_relay.host
        return address.is_loopback or address.is_private


def _postfix(said: dict[str, str]) -> Relay:
    where = "/etc/postfix/main.cf"
    if said.get("default_transport", "").partition(":")[0] in ("error", "discard", "local", "retry"):
        return Relay("postfix", where, "", tls=True, logon=True)
    relay: str | None = said.get("relayhost", "") or None
    transport, _, following = said.get("default_transport", "").partition(":")
    if following and transport in ("smtp", "relay"):
        relay = following  # it counts before relayhost
    level = said.get("smtp_tls_security_level", "")
    tls = level in _ENFORCED or (not level and said.get("smtp_enforce_tls") == "yes")
    return Relay("postfix", where, relay, tls, said.get("smtp_sasl_auth_enable") == "yes")


def _settings(texts: Iterable[str], separator: str = "=") -> dict[str, str]:
    found = {}
    for text in texts:
        key, _, value = text.strip().partition(separator)
        found[key.strip().lower()] = value.strip().strip("'\"")
    return found


def _exim(texts: list[str], place: str) -> Relay | None:
    said = _settings(texts)
    kind = said.get("dc_eximconfig_configtype")
    if kind is None:
        return None
    if kind in ("local", "none"):
        return Relay("exim4", place, "", tls=True, logon=True)
    host = said.get("dc_smarthost", "") if kind in ("smarthost", "satellite") else None
    tls = said.get("remote_smtp_smarthost_hosts_require_tls") == "*"
    return Relay("exim4", place, host or None, tls, logon=kind != "internet")


def _msmtp(texts: list[str], place: str) -> Relay:
    said = _settings(texts, " ")
    hosts = [text.split()[1] for text in texts if text.split()[0] == "host" and len(text.split()) > 1]
    off = any(text.split()[:2] == ["tls", "off"] for text in texts)
    tls = said.get("tls") == "on" and not off
    return Relay("msmtp", place, " ".join(hosts) or None, tls, said.get("auth", "off") != "off")


def _ssmtp(texts: list[str], place: str) -> Relay:
    said = _settings(texts)
    tls = "yes" in (said.get("usetls", "").lower(), said.get("usestarttls", "").lower())
    return Relay("ssmtp", place, said.get("mailhub") or None, tls, bool(said.get("authuser")))


def _dma(texts: list[str], place: str) -> Relay:
    said = _settings(texts, " ")
    tls = "securetransfer" in said and "opportunistic_tls" not in said
    return Relay("dma", place, said.get("smarthost") or None, tls, "authpath" in said)


def _nullmailer(texts: list[str], place: str) -> Relay:
    remotes = [text.split() for text in texts]
    tls = all({"--starttls", "--ssl"} & set(words) and "--insecure" not in words for words in remotes)
    logon = all(any(word.startswith("--user") for word in words) for words in remotes)
    return Relay("nullmailer", place, " ".join(words[0] for words in remotes), tls, logon)

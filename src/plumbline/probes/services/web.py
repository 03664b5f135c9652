"""Which ports of web servers, brokers and stores encrypt, by their own configuration.

Each function returns, for the ports a server is configured to listen on, the line that says so and whether it
encrypts there; a port that none of the lines names is not among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from plumbline.probes.services.sockets import is_loopback
from plumbline.probes.systemd import Line


@dataclass(frozen=True)
class Configured:
    """A port a server is configured to listen on: the line, and whether what goes over it is encrypted."""

    port: int
    line: Line
    encrypted: bool
    bound: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether it listens on loopback alone, as far as its lines say."""
        places = self.bound or re.findall(
            r"[\[\d][\da-f.:]*\]?(?=:\d+)|localhost|\d+(?:\.\d+){3}", self.line.text
        )
        return bool(places) and all(place == "localhost" or is_loopback(place) for place in places)


def _port(text: str, default: int) -> int:
    found = re.search(r"(?:^|[:\s*])(\d{1,5})$", text.strip().strip("\"';"))
    return int(found[1]) if found else default


def nginx(lines: Iterable[Line]) -> list[Configured]:
    """Read `listen` (ngx_http_core_module, ngx_stream_core_module): `ssl` and `quic` encrypt.

    A stream that only looks at the TLS it passes on (`ssl_preread on`) passes it on encrypted.
    """
    found: list[Configured] = []
    pending: list[Configured] = []
    passed_on = False
    for line, text in _statements(lines):
        words = text.split()
        key = words[0].rstrip(";").lower()
        if key == "server":
            found += [_passing(each, passed_on) for each in pending]
            pending, passed_on = [], False
        elif key in ("ssl", "ssl_preread") and words[1:] == ["on"]:
            passed_on = True
        elif key == "listen" and len(words) > 1 and not words[1].startswith("unix:"):
            options = {word.rstrip(";") for word in words[2:]}
            port = _port(words[1].rstrip(";").rpartition("]")[2] or words[1], 80)
            pending.append(Configured(port, line, bool(options & {"ssl", "quic"})))
    return found + [_passing(each, passed_on) for each in pending]


def _statements(lines: Iterable[Line]) -> Iterator[tuple[Line, str]]:
    """Yield each line once for every statement in it, of which none is empty."""
    for line in lines:
        for text in re.split(r"[;{}]", line.text.partition("#")[0]):
            if text.strip():
                yield line, text.strip()


def _passing(each: Configured, passed_on: bool) -> Configured:
    return Configured(each.port, each.line, each.encrypted or passed_on)


def apache(lines: Iterable[Line]) -> list[Configured]:
    """Read `Listen` and the virtual hosts of each port: one encrypts if `SSLEngine` is on there."""
    lines = list(lines)
    ports: list[tuple[int, Line, bool]] = []
    hosts: dict[int, list[bool]] = {}
    here: list[int] = []
    everywhere = engine = False
    for line in lines:
        words = line.text.replace("<", " <").replace(">", " ").split()
        key = words[0].lower()
        if key == "listen":
            ports.append((_port(words[1], 80), line, words[2:3] == ["https"]))
        elif key == "<virtualhost":
            here, engine = [_port(word, 0) for word in words[1:]], False
        elif key == "</virtualhost":
            for port in here:
                hosts.setdefault(port, []).append(engine)
            here = []
        elif key == "sslengine" and words[1:2] and words[1].lower() == "on":
            engine = True
            everywhere = everywhere or not here
    return [
        Configured(port, line, everywhere or (bool(hosts.get(port)) and all(hosts[port])))
        for port, line, _ in ports
    ]


def lighttpd(lines: Iterable[Line]) -> list[Configured]:
    """Read `server.port` and `$SERVER["socket"]` with `ssl.engine` (mod_openssl)."""
    main_port, main_line, main_tls = 80, None, False
    found: list[Configured] = []
    inside: tuple[int, Line] | None = None
    for line in lines:
        text = line.text.strip()
        if socket := re.search(r'\$SERVER\["socket"\]\s*==\s*"([^"]*)"', text):
            inside = (_port(socket[1], 80), line)
            found.append(Configured(inside[0], line, encrypted=False))
        if re.search(r'ssl\.engine\s*=\s*"enable"', text):
            if inside is None:
                main_tls = True
            else:
                found[-1] = Configured(inside[0], inside[1], encrypted=True)
        if port := re.match(r"server\.port\s*=\s*(\d+)", text):
            main_port, main_line = int(port[1]), line
        main_line = main_line or line
        if "}" in text:
            inside = None
    return found if main_line is None else [Configured(main_port, main_line, main_tls), *found]


def mosquitto(lines: Iterable[Line]) -> list[Configured]:
    """Read listeners (mosquitto.conf(5)): one encrypts with a certificate or pre-shared keys of its own."""
    found: list[Configured] = []
    for line in lines:
        words = line.text.split()
        if words[0] in ("listener", "port") and len(words) > 1 and words[1].isdigit():
            if words[1] != "0":
                found.append(Configured(int(words[1]), line, encrypted=False))
        elif words[0] in ("certfile", "psk_hint") and found and len(words) > 1:
            found[-1] = Configured(found[-1].port, found[-1].line, encrypted=True)
    return found


def redis(lines: Iterable[Line]) -> list[Configured]:
    """Read `port` and `tls-port` of redis.conf."""
    found: dict[Line, Configured] = {}
    bound: tuple[str, ...] = ()
    for line in lines:
        words = line.text.split()
        if words[0] == "bind":
            bound = tuple(word.lstrip("-") for word in words[1:])
        if words[0] in ("port", "tls-port") and len(words) > 1 and words[1].isdigit() and words[1] != "0":
            found[line] = Configured(int(words[1]), line, words[0] == "tls-port")
    return [Configured(each.port, each.line, each.encrypted, bound) for each in found.values()]


READERS: dict[str, tuple[str, Callable[[Iterable[Line]], list[Configured]]]] = {
    "nginx": ("nginx", nginx),
    "apache2": ("apache2", apache),
    "lighttpd": ("lighttpd", lighttpd),
    "mosquitto": ("mosquitto", mosquitto),
    "redis-server": ("redis", redis),
}
"""Program -> whose configuration tells its ports, and how that is read."""

"""A lab's own network: one bridge with the gateway's address, no forwarding, no way out."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from plumbline.errors import PlumblineError

BRIDGE = re.compile(r"plb[0-9a-f]{6}")
# A route as broad as a default or a corporate /8 gives way to a lab's /24; a narrower one is a neighbour.
NARROW = 16


@dataclass(frozen=True)
class Use:
    """A network this machine already has a route to, and through which interface."""

    network: IPv4Network
    interface: str

    @property
    def by_lab(self) -> bool:
        """Whether the interface is the bridge of a lab."""
        return BRIDGE.fullmatch(self.interface) is not None


def networks_in_use() -> list[Use]:
    """Return the narrow IPv4 networks this machine routes to."""
    return parse_routes(_ip("-j", "-4", "route", "show", "table", "all"))


def parse_routes(routes: str) -> list[Use]:
    """Read what `ip -j route show` prints (man ip-route(8)); broad routes and own addresses are left out."""
    uses = []
    for route in json.loads(routes):
        if route.get("type") in ("broadcast", "local", "multicast") or "dev" not in route:
            continue
        destination = route["dst"]
        network = IPv4Network("0.0.0.0/0" if destination == "default" else destination, strict=False)
        if network.prefixlen >= NARROW:
            uses.append(Use(network, route["dev"]))
    return uses


def choose_network(wanted: IPv4Network, uses: list[Use]) -> IPv4Network:
    """Return `wanted`, or the next free network of its size when another lab has it.

    Raises PlumblineError when something that is not a lab has it, or none is free.
    """
    holder = _holder(wanted, uses)
    if holder is None:
        return wanted
    if not holder.by_lab:
        raise PlumblineError(
            f"The lab's network {wanted} is already in use by {holder.interface}, which is not a lab.",
            hint="Give an inventory with another network: plumb lab up --inventory DIR",
        )
    if wanted.prefixlen < 24:
        raise PlumblineError(
            f"Another lab has {wanted}, and a network larger than /24 cannot be renumbered.",
            hint="Take that lab down (plumb lab status), or give an inventory with another network.",
        )
    first, second, third, fourth = wanted.network_address.packed
    for step in range(1, 255):
        octets = bytes((first, second, (third + step) % 255, fourth))
        candidate = IPv4Network((octets, wanted.prefixlen))
        if _holder(candidate, uses) is None:
            return candidate
    raise PlumblineError(f"No network beside {wanted} is free.", hint="Take labs down: plumb lab down --all")


def _holder(network: IPv4Network, uses: list[Use]) -> Use | None:
    return next((use for use in uses if use.network.overlaps(network)), None)


def make_bridge(name: str, address: IPv4Address, network: IPv4Network) -> None:
    """Make the bridge, with `address` in `network`; what comes in from it is forwarded nowhere."""
    _ip("link", "add", "name", name, "type", "bridge")
    for setting in (f"ipv6/conf/{name}/disable_ipv6=1", f"ipv4/conf/{name}/forwarding=0"):
        key, value = setting.split("=")
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6 has no such file
            Path("/proc/sys/net", key).write_text(value)
    _ip("addr", "add", f"{address}/{network.prefixlen}", "dev", name)
    _ip("link", "set", "dev", name, "up")


def interface_exists(name: str) -> bool:
    """Tell whether this machine has an interface of that name."""
    return Path("/sys/class/net", name).exists()


def set_up(name: str) -> None:
    """Set this machine's end of a host's link up, without an address of any kind, if it is there."""
    with contextlib.suppress(OSError, ValueError):
        if int(Path("/sys/class/net", name, "flags").read_text(), 16) & 1:
            return
    with contextlib.suppress(OSError):
        Path("/proc/sys/net/ipv6/conf", name, "disable_ipv6").write_text("1")
    subprocess.run(["ip", "link", "set", "dev", name, "up"], check=False, capture_output=True)


def attach_tap(name: str, bridge: str | None) -> None:
    """Make a tap interface, without an address of any kind, on a bridge or on nothing, and set it up."""
    _ip("tuntap", "add", "dev", name, "mode", "tap")
    if bridge is not None:
        _ip("link", "set", "dev", name, "master", bridge)
    set_up(name)


def remove_interface(name: str) -> None:
    """Remove an interface; a host's end may vanish by itself meanwhile, so that it is gone is what counts."""
    if not interface_exists(name):
        return
    done = subprocess.run(["ip", "link", "delete", "dev", name], check=False, capture_output=True, text=True)
    if done.returncode != 0 and interface_exists(name):
        raise PlumblineError(f"The interface {name} cannot be removed: {done.stderr.strip()}")


def interfaces_of(prefixes: tuple[str, ...]) -> Iterator[str]:
    """Yield the names of this machine's interfaces that start with one of the prefixes."""
    for entry in sorted(Path("/sys/class/net").iterdir()):
        if entry.name.startswith(prefixes):
            yield entry.name


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise PlumblineError(f"`ip {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout

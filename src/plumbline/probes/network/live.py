"""The network as it is now: interfaces with their addresses, routes, rules, DHCP leases, radios."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows

_TAGS = {
    "links": 1,
    "rules4": 1,
    "rules6": 1,
    "routes4": 1,
    "routes6": 1,
    "devtype": 2,
    "driver": 2,
    "udev": 1,
    "bound": 2,
    "lease": 1,
    "radio": 4,
}

_COMMAND = r"""
say() { tag=$1; shift; told=$("$@") || exit 9; printf '%s\t%s\n' "$tag" "$told"; }
say links ip -json -details address show
say rules4 ip -json -4 rule show
say routes4 ip -json -4 route show table all
if [ -e /proc/sys/net/ipv6 ]; then
    say rules6 ip -json -6 rule show
    say routes6 ip -json -6 route show table all
fi
for f in /sys/class/net/*/uevent; do
    while IFS='=' read -r k v; do
        [ "$k" != DEVTYPE ] || printf 'devtype\t%s\t%s\n' "$f" "$v"
    done <"$f"
done
set --
for f in /sys/class/net/*/device/driver; do [ ! -L "$f" ] || set -- "$@" "$f"; done
[ $# -eq 0 ] || find "$@" -maxdepth 0 -printf 'driver\t%p\t%l\n' || exit 9
grep -HsE '^E:ID_(PATH|NET_DRIVER)=' /run/udev/data/n[0-9]* | sed 's/^/udev\t/'
for f in /proc/net/udp /proc/net/udp6; do
    [ ! -f "$f" ] || awk 'FNR > 1 && $2 ~ /:(0044|0222)$/ {print "bound\t" FILENAME "\t" $2}' "$f" || exit 9
done
for f in /run/systemd/netif/leases/* /var/lib/NetworkManager/internal-*.lease; do
    [ ! -s "$f" ] || printf 'lease\t%s\n' "$f"
done
for d in /sys/class/rfkill/*; do
    [ -d "$d" ] || continue
    read -r type <"$d/type" && read -r soft <"$d/soft" && read -r hard <"$d/hard" || exit 9
    printf 'radio\t%s\t%s\t%s\t%s\n' "${d##*/}" "$type" "$soft" "$hard"
done
"""


@dataclass(frozen=True)
class Address:
    """An address of an interface; `marks` are what makes it another than a plain static one."""

    family: str
    local: str
    prefix: int
    marks: tuple[str, ...] = ()

    def peer(self, prefix: int) -> str:
        """Return the network of the other end, where the address has one; else its own."""
        other = next((mark.split()[1] for mark in self.marks if mark.startswith("peer ")), self.local)
        return f"{other}/{prefix}"

    def __str__(self) -> str:
        return " ".join((f"{self.local}/{self.prefix}", *self.marks))


@dataclass(frozen=True)
class Interface:
    """An interface as `ip -details address` shows it; `kind` is what made it, empty for a device's own.

    `driver` and `path` are what systemd-networkd matches by, empty where nothing tells.
    """

    name: str
    names: tuple[str, ...]
    link_type: str
    kind: str
    devtype: str
    up: bool
    loopback: bool
    mac: str
    permanent_mac: str
    master: str | None
    lower: str | None
    addresses: tuple[Address, ...] = ()
    driver: str = ""
    path: str = ""

    @property
    def state(self) -> str:
        """What it is and carries, in words for a report."""
        told = ", ".join(["up" if self.up else "down", *map(str, self.addresses)])
        return f"{self.name}: {told} [{self.kind or self.devtype or self.link_type}]"


@dataclass(frozen=True)
class Route:
    """A route of any table; `via` is empty for a network the interface is in."""

    destination: str
    kind: str
    via: str
    interface: str
    table: str
    protocol: str
    text: str


@dataclass(frozen=True)
class Radio:
    """A radio as rfkill knows it: blocked by software, by a switch, or not."""

    name: str
    type: str
    blocked: bool


@dataclass(frozen=True)
class Live:
    """All of it. `dhcp`: traces of leases and of sockets at a DHCP client's port."""

    interfaces: dict[str, Interface]
    rules: list[str]
    routes: list[Route]
    dhcp: list[str]
    radios: list[Radio] = field(default_factory=list)


def parse_live(output: Output) -> Live:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    devtypes = {path.split("/")[4]: devtype for path, devtype in rows["devtype"]}
    properties = _properties(rows)
    links = [_interface(link, devtypes, properties) for link in _json(rows, "links")]
    rules = [_rule(rule, "") for rule in _json(rows, "rules4")]
    rules += [_rule(rule, "-6 ") for rule in _json(rows, "rules6", needed=False)]
    routes = [_route(route, "") for route in _json(rows, "routes4")]
    routes += [_route(route, "-6 ") for route in _json(rows, "routes6", needed=False)]
    dhcp = [f"a socket at a DHCP client's port: {address} in {path}" for path, address in rows["bound"]]
    dhcp += [f"a lease: {path}" for (path,) in rows["lease"]]
    radios = [Radio(name, kind, "1" in (soft, hard)) for name, kind, soft, hard in rows["radio"]]
    if not links:
        raise ParseError("not one interface is told")
    return Live({link.name: link for link in links}, rules, routes, dhcp, radios)


def _json(rows: Rows, tag: str, needed: bool = True) -> list[dict[str, Any]]:
    found = rows[tag]
    if len(found) != 1 and (needed or found):
        raise ParseError(f"{tag} is told {len(found)} times")
    if not found:
        return []
    told = json.loads(found[0][0] or "[]")
    if not isinstance(told, list) or not all(isinstance(entry, dict) for entry in told):
        raise ParseError(f"{tag} is no list of objects")
    return [entry for entry in told if entry]


def interfaces(told: str) -> list[Interface]:
    """Read what `ip -json -details address show` printed, of whichever network namespace."""
    found = json.loads(told or "[]")
    if not isinstance(found, list):
        raise ParseError("ip printed no list of interfaces")
    return [_interface(link, {}, {}) for link in found if link]


_DRIVERS = {"bond": "bonding", "macvlan": "macvlan", "vlan": "802.1Q VLAN Support", "tun": "tun"} | {
    kind: kind
    for kind in ("bridge", "dummy", "ipvlan", "macvtap", "team", "veth", "vrf", "vxlan", "wireguard")
}
"""What interfaces that are no devices say of their driver (ethtool_drvinfo), by their kind."""

_Properties = dict[tuple[str, str], str]


def _properties(rows: Rows) -> _Properties:
    """Return what is known of interfaces beside `ip`: (name or index, property) -> value."""
    found = {(path.split("/")[4], "ID_NET_DRIVER"): posixpath.basename(to) for path, to in rows["driver"]}
    for (line,) in rows["udev"]:
        told = re.fullmatch(r"/run/udev/data/n(\d+):E:(\w+)=(.*)", line)
        if told is None:
            raise ParseError(f"grep printed {line[:80]!r}")
        found[told[1], told[2]] = told[3]
    return found


def _interface(link: dict[str, Any], devtypes: dict[str, str], properties: _Properties) -> Interface:
    name, index = str(link["ifname"]), str(link.get("ifindex", ""))
    flags = list(link["flags"])
    kind = str(link.get("linkinfo", {}).get("info_kind", ""))
    driver = properties.get((index, "ID_NET_DRIVER")) or properties.get((name, "ID_NET_DRIVER"))
    return Interface(
        name=name,
        names=(name, *map(str, link.get("altnames", []))),
        link_type=str(link["link_type"]),
        kind=kind,
        devtype=devtypes.get(name, ""),
        up="UP" in flags,
        loopback="LOOPBACK" in flags,
        mac=str(link.get("address", "")).lower(),
        permanent_mac=str(link.get("permaddr", link.get("address", ""))).lower(),
        master=link.get("master"),
        lower=link.get("link"),
        addresses=tuple(_address(entry) for entry in link["addr_info"] if entry),
        driver=driver or _DRIVERS.get(kind, ""),
        path=properties.get((index, "ID_PATH"), ""),
    )


def _address(entry: dict[str, Any]) -> Address:
    marks = [f"peer {entry['address']}"] if "address" in entry else []
    marks += [mark for mark in ("dynamic", "tentative", "dadfailed") if entry.get(mark)]
    return Address(str(entry["family"]), str(entry["local"]), int(entry["prefixlen"]), tuple(marks))


def _rule(rule: dict[str, Any], family: str) -> str:
    """Tell a rule in the words of `ip rule`, in an order of ours."""
    source = rule.get("src", "all") + (f"/{rule['srclen']}" if "srclen" in rule else "")
    known = ("priority", "src", "srclen", "table", "protocol")
    rest = " ".join(
        f"{key} {'' if value is None else value}".strip() for key, value in rule.items() if key not in known
    )
    told = f"{family}{rule['priority']}: from {source} {rest}".rstrip()
    return told + (f" lookup {rule['table']}" if "table" in rule else "")


def _route(route: dict[str, Any], family: str) -> Route:
    hops = route.get("nexthops", [route])
    via = [str(hop.get("gateway") or hop.get("via", {}).get("host", "")) for hop in hops]
    interfaces = [str(hop.get("dev", "")) for hop in hops]
    kind = str(route.get("type", "unicast"))
    table = str(route.get("table", "main"))
    text = "".join(
        (
            family,
            "" if kind == "unicast" else f"{kind} ",
            str(route["dst"]),
            *(f" via {gateway}" for gateway in via if gateway),
            *(f" dev {interface}" for interface in interfaces if interface),
            f" proto {route.get('protocol', '?')}",
            "" if table == "main" else f" table {table}",
        )
    )
    return Route(
        str(route["dst"]),
        kind,
        ",".join(via).strip(","),
        ",".join(interfaces),
        table,
        str(route.get("protocol", "")),
        text,
    )


LIVE: Probe[Live] = Probe("network.live", f"{_COMMAND}{PRINT_END}", parse_live)

"""Network on Linux: the specified address, static; other interfaces down; no DHCP, rules, routes or radios.

A host that may have its address by DHCP, and has it so, keeps it. Written for systemd-networkd, also below
netplan, whose files sort after ours, and for ifupdown. The kernel settings and modules of the same controls
are data, which `deploys.apply` applies with every subject.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Generator, Sequence

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host
from pyinfra.operations.util import any_changed

from deploys.mechanisms.aside import masked_file, moved_aside
from deploys.mechanisms.files import WholeFile, whole_file
from deploys.mechanisms.kernel_modules import modules_disabled
from deploys.mechanisms.links import Links, LinksOnHost, no_dhcp_client, only_these, refuse_stacked
from deploys.mechanisms.printed import paths
from deploys.mechanisms.units import unit_masked, unit_off
from plumbline.apply.serving import serving
from plumbline.apply.telling import tell_touches
from plumbline.policy.standard import DesiredState
from plumbline.spec.model import Interface

DIRECTORY = "/etc/systemd/network"
FIRST = "00-plumbline-"
UNUSED = f"{DIRECTORY}/01-plumbline-unused.network"
INTERFACES = "/etc/network/interfaces"

_FOLDERS = f"{DIRECTORY} /run/systemd/network /usr/local/lib/systemd/network /usr/lib/systemd/network"

HEAD = "# Written by Plumbline from the specification; the whole file is replaced when it differs.\n"


class Manager(FactBase[list[str]]):
    """Which programs configure the network at boot: `networkd`, `ifupdown`, `NetworkManager`, …"""

    def command(self) -> str:
        """Return the command; a unit that is not there is not enabled."""
        units = {
            "systemd-networkd": "networkd",
            "networking": "ifupdown",
            "NetworkManager": "NetworkManager",
            "connman": "connman",
            "wicked": "wicked",
        }
        return "; ".join(
            f"case $(systemctl is-enabled {unit}.service 2>/dev/null) in enabled*) echo {name};; esac"
            for unit, name in units.items()
        )

    @staticmethod
    def default() -> list[str]:
        """Return what no answer means: none of them."""
        return []

    def process(self, output: list[str]) -> list[str]:
        """Return the names."""
        return output


class UnitsInUse(FactBase[list[str]]):
    """Which of some units run or start at boot."""

    def command(self, units: list[str]) -> str:
        """Return the command."""
        return f"systemctl show -p Id,ActiveState,UnitFileState -- {' '.join(units)}"

    def process(self, output: list[str]) -> list[str]:
        """Parse the blocks, one a unit."""
        found = []
        for block in "\n".join(output).split("\n\n"):
            told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            if told.get("UnitFileState", "").startswith("enabled") or told.get("ActiveState") == "active":
                found.append(told["Id"])
        return found


def apply(desired: DesiredState) -> None:
    """Give the host its specified addresses and nothing else; the address we come in by is never touched."""
    interfaces = desired.host.interfaces
    there = host.get_fact(Links)
    refuse_stacked(there, [one.name for one in interfaces])
    if "wireless-off" in desired.controls:
        with serving("wireless-off"):
            _no_radio(desired)
    if any(one.is_can for one in interfaces) or "ipv4-only" in desired.controls:
        modules_disabled("network-can", [] if any(one.is_can for one in interfaces) else ["can"])
    managers = host.get_fact(Manager)
    leased = _keeps_its_lease(desired, there)
    if managers in (["networkd"], ["networkd", "ifupdown"]):
        _by_networkd(desired, interfaces, leased=leased)
    if managers in (["ifupdown"], ["networkd", "ifupdown"]):
        left = interfaces if managers == ["ifupdown"] else []
        whole_file(INTERFACES, render_interfaces(desired, left, leased=leased))
    elif managers != ["networkd"]:
        raise OperationError(
            f"the network of this host is configured by {' and '.join(managers) or 'nothing that is known'}; "
            "hosts are given a network by systemd-networkd or ifupdown, enable one of them and disable others"
        )
    for unit in host.get_fact(UnitsInUse, units=_names(desired, "no-routing", "routing_daemons", ".service")):
        with serving("no-routing"):
            unit_off(unit)
    addresses = {one.name: _address(desired, one) for one in interfaces}
    if leased:
        addresses[interfaces[0].name] = ""
    elif "static-address" in desired.controls:
        no_dhcp_client(_names(desired, "static-address", "dhcp_clients"), addresses, _gateways(desired))
    only_these(addresses, _gateways(desired))


def _keeps_its_lease(desired: DesiredState, there: LinksOnHost) -> bool:
    """Say whether the host may have its address by DHCP and has it so now; nobody is cut off from a lease."""
    link = there.links[desired.host.interfaces[0].name]
    dynamic = any(entry["family"] == "inet" and entry.get("dynamic") for entry in link["addr_info"])
    return dynamic and "static-address" not in desired.controls


def _no_radio(desired: DesiredState) -> None:
    """Mask what drives radios; refused where the host is reached through one."""
    for one in desired.host.interfaces:
        if paths(f"ls -d /sys/class/net/{shlex.quote(one.name)}/phy80211"):
            raise OperationError(
                f"the specified interface {one.name} is Wi-Fi, which the standard does not allow; "
                "give the host a cable first, or take the network out of this run"
            )
    names = " ".join(_names(desired, "wireless-off", "wireless_programs"))
    found = paths(
        "for d in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system; do "
        f"for n in {names}; do ls -d $d/$n.service; done; done"
    )
    written_here = {posixpath.basename(path) for path in found if path.startswith("/etc/")}
    for unit in sorted({posixpath.basename(path) for path in found}):
        is_mask = host.get_fact(WholeFile, path=f"/etc/systemd/system/{unit}").target == "/dev/null"
        if unit in written_here and not is_mask:
            unit_off(unit)
        else:
            unit_masked(unit)


def _names(desired: DesiredState, control: str, parameter: str, suffix: str = "") -> list[str]:
    """Return a parameter's names; none where the host is not held to the control."""
    value = desired.controls[control].values[parameter] if control in desired.controls else []
    return [f"{name}{suffix}" for name in value] if isinstance(value, list) else []


def _address(desired: DesiredState, interface: Interface) -> str:
    """Return ADDRESS/PREFIX; nothing for an interface without an address, which speaks no IP."""
    if interface.address is None or interface.vlan is None:
        return ""
    return f"{interface.address}/{desired.site.vlan(interface.vlan).network.prefixlen}"


def _gateways(desired: DesiredState) -> list[str]:
    """Return the gateway of the first interface's VLAN, if it has one: a host has one default route."""
    vlan = desired.host.interfaces[0].vlan
    gateway = None if vlan is None else desired.site.vlan(vlan).gateway
    return [] if gateway is None else [str(gateway)]


# --- systemd-networkd ---


def _by_networkd(desired: DesiredState, interfaces: Sequence[Interface], *, leased: bool) -> None:
    changed = [_taken_away(path, why) for path, why in _in_the_way(interfaces)]
    for interface in interfaces:
        path = f"{DIRECTORY}/{FIRST}{interface.name}.network"
        by_dhcp = leased and interface == interfaces[0]
        changed.append(whole_file(path, render_network(desired, interface, by_dhcp=by_dhcp)))
    changed.append(whole_file(UNUSED, render_unused(interfaces)))
    _networkd_reloaded(name="Reload systemd-networkd", _if=any_changed(*changed))


def _taken_away(path: str, why: str) -> OperationMeta:
    if path.startswith("/etc/"):
        return moved_aside(path, why)
    return masked_file(f"/etc/{path.split('/lib/', 1)[1]}")


def _in_the_way(interfaces: Sequence[Interface]) -> list[tuple[str, str]]:
    """Return the files that would be read before ours or change them, and those that make interfaces."""
    ours = [f"{FIRST}{interface.name}.network" for interface in interfaces] + [posixpath.basename(UNUSED)]
    listed = paths(
        f"for d in {_FOLDERS}; do "
        'for f in "$d"/*.network "$d"/*.netdev "$d"/0[01]-plumbline-*.network.d/*.conf; do '
        '[ -s "$f" ] && echo "$f"; done; done'
    )
    found = []
    for path in listed:
        name = posixpath.basename(path)
        if path.startswith("/run/"):
            if name not in ours and name < ours[-1] and name.endswith(".network"):
                raise OperationError(
                    f"{path} is read before our files; it is gone at boot, remove it by hand"
                )
        elif path.endswith(".conf"):
            found.append((path, "it changes a file of ours"))
        elif path.endswith(".netdev"):
            found.append((path, "it makes an interface that is not specified"))
        elif name < ours[-1] and name not in ours:
            found.append((path, "it is read before our files"))
    return found


def render_network(desired: DesiredState, interface: Interface, *, by_dhcp: bool = False) -> str:
    """Return the .network file of one interface; it sorts before others, so it is the one that applies."""
    gateways = _gateways(desired) if interface == desired.host.interfaces[0] and not by_dhcp else []
    lines = [
        "[Match]",
        f"Name={interface.name}",
        "",
        "[Network]",
        *(f"Address={address}" for address in [_address(desired, interface)] if address and not by_dhcp),
        *(f"Gateway={gateway}" for gateway in gateways),
        *(f"DNS={server}" for server in desired.site.dns),
        f"Domains={desired.site.domain}",
        "DHCP=ipv4" if by_dhcp else "DHCP=no",
        "LinkLocalAddressing=no",
        "IPv6AcceptRA=no",
    ]
    return HEAD + "\n" + "\n".join(lines) + "\n"


def render_unused(interfaces: Sequence[Interface]) -> str:
    """Return the .network file of every other interface: loopback excepted, it is taken and kept down.

    The specified ones are named too, so that a host whose own file was deleted is not cut off at boot.
    """
    lines = [
        "[Match]",
        "Type=!loopback",
        f"Name=!{' '.join(interface.name for interface in interfaces)}",
        "",
        "[Link]",
        "ActivationPolicy=always-down",
        "RequiredForOnline=no",
        "",
        "[Network]",
        "DHCP=no",
        "LinkLocalAddressing=no",
        "IPv6AcceptRA=no",
    ]
    return HEAD + "\n" + "\n".join(lines) + "\n"


@operation(is_idempotent=False)
def _networkd_reloaded() -> Generator[StringCommand, None, None]:
    tell_touches()
    # A reload keeps an address that is also in the new file, so connections stay.
    yield StringCommand("networkctl reload")


# --- ifupdown ---


def render_interfaces(desired: DesiredState, interfaces: Sequence[Interface], *, leased: bool = False) -> str:
    """Return /etc/network/interfaces; it sources nothing, so other files say nothing."""
    parts = [HEAD, "auto lo", "iface lo inet loopback"]
    for interface in interfaces:
        if leased and interface == interfaces[0]:
            parts += ["", f"auto {interface.name}", f"iface {interface.name} inet dhcp"]
            continue
        gateways = _gateways(desired) if interface == desired.host.interfaces[0] else []
        parts += [
            "",
            f"auto {interface.name}",
            f"iface {interface.name} inet {'manual' if interface.address is None else 'static'}",
            *(f"    address {address}" for address in [_address(desired, interface)] if address),
            *(f"    gateway {gateway}" for gateway in gateways),
        ]
    return "\n".join(parts) + "\n"

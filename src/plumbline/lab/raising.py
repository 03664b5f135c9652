"""Bringing a lab up, bringing back what of it has ended, and clearing whatever is left of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.lab import cgroup, inventory, network
from plumbline.lab.delivered import Flavour, Place
from plumbline.lab.host import LabHost, clear_machine, forget_lock
from plumbline.lab.image import ensure_image
from plumbline.lab.inventory import LabInventory
from plumbline.lab.layers import end_inside, make_directory, remove_tree
from plumbline.lab.partitions import of_storage
from plumbline.lab.site.place import SitePlace
from plumbline.lab.site.raising import declare, place_of, plan, prepare, start
from plumbline.lab.ssh import Entry, close_shared, make_key
from plumbline.lab.state import HostState, Kind, LabPlace, LabState, lock
from plumbline.lab.vm import VmHost
from plumbline.lab.vm_image import ensure_vm_image
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.model import Connection

Tell = Callable[[str], None]


def hosts_of(place: LabPlace, state: LabState) -> list[LabHost]:
    """Return the hosts of a lab as it is recorded."""
    host_class = VmHost if state.kind == "vm" else LabHost
    where = place.directory / "hosts"
    return [_host(place, host, host_class, where, state.image, state.flavour) for host in state.hosts]


def site_hosts_of(place: LabPlace, state: LabState) -> list[LabHost]:
    """Return the machines of a lab's site as it is recorded; none when it has no site."""
    recorded = state.site.hosts if state.site else []
    return [_host(place, host, LabHost, place.site, host.image, "clean") for host in recorded]


def _host(
    place: LabPlace, host: HostState, kind: type[LabHost], where: Path, image: Path, flavour: Flavour
) -> LabHost:
    return kind(
        name=host.name,
        machine=host.machine,
        directory=where / host.name,
        image=image,
        bridge=place.bridge,
        flavour=flavour,
        entry=Entry(
            name=host.name,
            address=host.address,
            key=place.key,
            known_hosts=place.known_hosts,
            socket=place.sockets / host.machine.removeprefix(place.machine_prefix),
        ),
        layers=list(host.layers),
        partitions=dict(host.partitions),
    )


def bring_back(place: LabPlace, state: LabState, tell: Tell) -> list[str]:
    """Boot the hosts of a lab that are not up, and return their names; they keep what was written to them."""
    hosts, site_hosts = hosts_of(place, state), site_hosts_of(place, state)
    missing = [host for host in (*site_hosts, *hosts) if not host.running]
    for host in missing:
        if not host.image.is_dir():
            raise PlumblineError(
                f"The hosts of the lab {place.name} cannot boot: their root image {host.image} is gone.",
                hint=f"Take the lab down: plumb lab down --name {place.name}",
            )
    if missing:
        tell(f"Booting again: {', '.join(host.name for host in missing)}.")
        place.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        _bridge_again(place, state)
    _boot(place, state, tell)
    return [host.name for host in missing]


def _bridge_again(place: LabPlace, state: LabState) -> None:
    """Make the bridge of a lab that was up before this machine booted."""
    if network.interface_exists(place.bridge):
        return
    with lock("network.lock"):
        if network.choose_network(state.network, network.networks_in_use()) != state.network:
            raise PlumblineError(
                f"The network {state.network} of the lab {place.name} was given to another lab meanwhile.",
                hint="Take one of the two down: plumb lab status",
            )
        network.make_bridge(place.bridge, state.gateway, state.network)


def make(
    place: LabPlace,
    count: int | None,
    flavour: Flavour,
    release: str,
    source: Path | None,
    tell: Tell,
    packages: Sequence[str] = (),
    kind: Kind = "container",
    site: tuple[str, ...] = (),
) -> LabState:
    """Make a lab that is not there, with every host booted; whoever calls it clears what a failure leaves.

    Its hosts have `packages` installed beside those every lab host has; `site` names the servers it has.
    """
    declared = inventory.load(source or LAB_INVENTORY)
    wanted = declared.resized(count or len(declared.hosts)).of_release(release)
    image = (ensure_vm_image if kind == "vm" else ensure_image)(release, tell, packages)
    make_directory(place.directory)
    place.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock("network.lock"):
        chosen = wanted.renumbered(network.choose_network(wanted.vlan.network, network.networks_in_use()))
        network.make_bridge(place.bridge, chosen.gateway, chosen.vlan.network)
    state = LabState(
        release=release,
        flavour=flavour,
        kind=kind,
        image=image,
        network=chosen.vlan.network,
        gateway=chosen.gateway,
        hosts=[
            HostState(
                name=host.name,
                address=host.address,
                machine=f"{place.machine_prefix}{number:02d}",
                partitions=of_storage((part.mount, part.size_gib) for part in host.storage),
            )
            for number, host in enumerate(chosen.hosts, 1)
        ],
    )
    site_place = None
    if site:
        state.site = plan(place, site, chosen, tell)
        make_directory(place.site)
        site_place = place_of(place, state)
        site_place.authority.make()
    place.save(state)
    connection = Connection(identity_file=str(place.key), known_hosts=str(place.known_hosts))
    public_key = make_key(place.key)
    tell(f"Booting {len(state.hosts)} hosts of Debian {release}, as {flavour}.")
    declared = declare(chosen, site_place)
    declared.entered_by(public_key).write(place.inventory, connection)
    keys = _prepare(place, state, declared, site_place, public_key)
    place.known_hosts.write_text("".join(keys))
    _boot(place, state, tell)
    state.ready = True
    place.save(state)
    return state


def _prepare(
    place: LabPlace, state: LabState, declared: LabInventory, site: SitePlace | None, public_key: str
) -> list[str]:
    """Write what is each host's own, and each machine's of the site; return the lines of their host keys."""
    machines = site_hosts_of(place, state)

    def prepared(host: LabHost) -> str:
        if site is not None and host in machines:
            return _known(host, prepare(host, site, public_key))
        where = Place(
            name=host.name,
            domain=declared.model.domain,
            address=host.entry.address,
            network=state.network,
            gateway=state.gateway,
            dns=tuple(declared.model.dns),
        )
        return _known(host, host.prepare(where, public_key))

    with _together([*machines, *hosts_of(place, state)]) as each:
        keys = each(prepared)
    if site is not None:
        site.save_secrets()
    return keys


def _known(host: LabHost, keys: list[str]) -> str:
    return "".join(f"{host.address},{host.name} {key}\n" for key in keys)


def _boot(place: LabPlace, state: LabState, tell: Tell) -> None:
    """Boot the hosts and, beside them, the site, where they do not run; return when all are there."""
    site_hosts = {host.name: host for host in site_hosts_of(place, state)}
    with ThreadPoolExecutor(max_workers=1) as pool:
        site = pool.submit(start, site_hosts, place_of(place, state), tell) if site_hosts else None
        with _together(hosts_of(place, state)) as each:
            each(lambda host: host.start())
            each(lambda host: host.wait())
        if site is not None:
            site.result()


@contextmanager
def _together(hosts: list[LabHost]) -> Iterator[Callable[[Callable[[LabHost], str | None]], list[str]]]:
    """Do one thing with all hosts at once; the first failure is raised when all are through."""
    with ThreadPoolExecutor(max_workers=min(16, len(hosts))) as pool:
        yield lambda work: [result or "" for result in pool.map(work, hosts)]


def clear(place: LabPlace) -> None:
    """Remove everything of a lab. The names are derived from its place, so no record of it is needed."""
    for socket in place.sockets.glob("*"):
        close_shared(socket)
    state = place.load()
    site_hosts = state.site.hosts if state and state.site else []
    recorded = [host.machine for host in (*state.hosts, *site_hosts)] if state else []
    for machine in sorted({*recorded, *cgroup.machines(place.machine_prefix)}):
        clear_machine(machine)
    for root in (*place.directory.glob("hosts/*/root"), *place.site.glob("*/root")):
        forget_lock(root)
    end_inside(place.site)
    network.remove_interface(place.bridge)
    for link in network.interfaces_of((f"vb-{place.machine_prefix}", place.machine_prefix)):
        network.remove_interface(link)
    remove_tree(place.directory)
    remove_tree(place.sockets)

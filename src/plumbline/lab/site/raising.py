"""Bringing the site up: what is written to its machines, their boot in the order of what needs what."""

from __future__ import annotations

import copy
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plumbline.errors import NotReachedError, PlumblineError, UsageError
from plumbline.lab.delivered import Place
from plumbline.lab.host import LabHost
from plumbline.lab.hostfiles import tail, write
from plumbline.lab.inventory import LabInventory
from plumbline.lab.site import names, servers
from plumbline.lab.site.image import ensure_site_image
from plumbline.lab.site.place import MACHINES, SERVERS, SitePlace, load_secrets
from plumbline.lab.state import LabPlace, LabState, SiteHostState, SiteState

READY_SECONDS = 120.0
POLL_SECONDS = 0.1


def plan(
    place: LabPlace, wanted: tuple[str, ...], lab: LabInventory, tell: Callable[[str], None]
) -> SiteState:
    """Return what is recorded of a site with the wanted servers; its images are there when it returns."""
    domain = lab.model.domain
    directory = lab.site.get("active_directory") or {}
    ad_domain = directory.get("domain") or f"ad.{domain}"
    base = ",".join(f"DC={label}" for label in ad_domain.split("."))
    machines = [name for name in MACHINES if name in {SERVERS[server][0] for server in wanted}]
    network = lab.vlan.network
    site = SiteState(
        servers=wanted,
        domain=domain,
        ad_domain=ad_domain,
        computer_ou=directory.get("computer_ou") or f"OU=Servers,OU=OT,{base}",
        groups={user.group: user.role for host in lab.hosts for user in host.users},
        hosts=[
            SiteHostState(
                name=machine,
                address=network.broadcast_address + MACHINES[machine],
                machine=f"{place.machine_prefix}s{number}",
                image=ensure_site_image(machine, tell),
            )
            for number, machine in enumerate(machines, 1)
        ],
    )
    taken = {face.address: host.name for host in lab.hosts for face in host.interfaces}
    for site_host in site.hosts:
        if site_host.address in taken or site_host.address == lab.gateway:
            raise UsageError(
                f"{site_host.address} is {taken.get(site_host.address, 'the gateway')}'s;"
                f" the site's {site_host.name} needs it.",
                hint="Give an inventory whose network has its last five addresses free, or leave --site out.",
            )
    return site


def place_of(place: LabPlace, state: LabState) -> SitePlace:
    """Return the site's place as it is recorded; PlumblineError when the lab has no site."""
    site = state.site
    if site is None:
        raise PlumblineError(
            f"The lab {place.name} has no site.", hint="Bring it up with its servers: plumb lab up --site"
        )
    return SitePlace(
        directory=place.site,
        network=state.network,
        gateway=state.gateway,
        servers=site.servers,
        domain=site.domain,
        ad_domain=site.ad_domain,
        computer_ou=site.computer_ou,
        groups=dict(site.groups),
        packages=state.image / "var/cache/lab/packages",
        hosts={host.name: host.address for host in state.hosts},
        secrets=load_secrets(place.site),
    )


def declare(lab: LabInventory, place: SitePlace | None) -> LabInventory:
    """Return the inventory with the servers the site has, and without those nobody is there for."""
    bare = lab.without_servers(set(place.servers) if place else set())
    if place is None:
        return bare
    site = copy.deepcopy(bare.site) | {"dns": [str(place.dns)]}
    for server in place.servers:
        servers.MODULES[server].declare(site, place)
    return bare.with_site(site, {name: [str(address)] for name, address in place.names.items()})


def prepare(host: LabHost, place: SitePlace, public_key: str) -> list[str]:
    """Write a machine of the site; return its host keys."""
    carried = servers.on(host.name)
    wanted = [name for name in carried if name in place.servers]

    def fill(root: Path) -> None:
        units: dict[bool, list[str]] = {True: [], False: []}
        for name, server in carried.items():
            units[name in wanted] += server.UNITS
        write(root, "/etc/ssl/lab-ca.pem", place.authority.pem)
        if host.name == place.names_machine:
            names.configure(root, place)
            units[True] += names.UNITS
        for name in wanted:
            carried[name].configure(root, place)
        masked = {unit for server in carried.values() for unit in server.MASKED}
        _systemctl(root, "mask", sorted(masked - set(units[True])))
        _systemctl(root, "disable", sorted(set(units[False]) - set(units[True]) - masked))
        _systemctl(root, "enable", sorted(set(units[True])))

    full = place.name(host.name)
    where = Place(
        name=host.name,
        domain=full.partition(".")[2],
        address=host.entry.address,
        network=place.network,
        gateway=place.gateway,
        dns=(place.dns,),
    )
    return host.prepare(where, public_key, fill)


def _systemctl(root: Path, verb: str, units: list[str]) -> None:
    if not units:
        return
    done = subprocess.run(
        ["systemctl", f"--root={root}", "--quiet", verb, *units], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise PlumblineError(f"Units of the site cannot be {verb}d: {done.stderr.strip()}")


def start(hosts: Mapping[str, LabHost], place: SitePlace, tell: Callable[[str], None]) -> None:
    """Boot the machines, each when the servers that its own come after are ready; return when all are."""
    waiting = dict(hosts)
    ready: set[str] = set()
    while waiting:
        now = [name for name in waiting if needs(name, place) <= ready]
        if not now:
            raise PlumblineError(f"The site's servers wait for each other: {', '.join(waiting)}.")
        tell(f"Booting the site: {', '.join(now)}.")
        with ThreadPoolExecutor(max_workers=len(now)) as pool:
            for done in pool.map(lambda name: _boot(waiting[name], place), now):
                ready |= done
        for name in now:
            del waiting[name]


def needs(machine: str, place: SitePlace) -> set[str]:
    """Return the wanted servers on other machines that a machine's wanted servers come after."""
    own = {name for name in servers.on(machine) if name in place.servers}
    return {after for name in own for after in servers.MODULES[name].AFTER if after in place.servers} - own


def _boot(host: LabHost, place: SitePlace) -> set[str]:
    host.start()
    host.wait()
    own = [name for name in servers.on(host.name) if name in place.servers]
    deadline = time.monotonic() + READY_SECONDS
    for name in own:
        while not servers.MODULES[name].ready(host, place):
            if time.monotonic() > deadline:
                raise NotReachedError(
                    f"The site's server {name} on {host.name} ({host.address}) is not ready after"
                    f" {READY_SECONDS:g} s. The end of the machine's log:\n{tail(host.log)}",
                    hint=f"The whole log is {host.log}",
                )
            time.sleep(POLL_SECONDS)
    return set(own)

"""A whole lab: several hosts on a bridge of their own, taken up, put back and taken down together."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from plumbline.errors import UsageError
from plumbline.lab import network
from plumbline.lab.delivered import FLAVOURS, Flavour
from plumbline.lab.host import LabHost
from plumbline.lab.raising import Tell, bring_back, clear, hosts_of, make, site_hosts_of
from plumbline.lab.recipe import check_release
from plumbline.lab.requirements import check_machine, check_rights, raise_limits
from plumbline.lab.site.place import SERVERS, SitePlace, load_secrets
from plumbline.lab.site.raising import place_of
from plumbline.lab.site.servers import chosen
from plumbline.lab.ssh import COMMAND_SECONDS
from plumbline.lab.state import Kind, LabPlace, LabState, names
from plumbline.lab.vm import check_vm_machine
from plumbline.secrets import variable_of

DEFAULT_NAME = "lab"


def _silent(_: str) -> None:
    """Tell nobody."""


class Lab:
    """A lab that is up. As a context manager it takes itself down at the end.

    `booted` names the hosts that this call of `up` had to boot; none when all were up already.
    """

    def __init__(self, place: LabPlace, state: LabState, booted: Sequence[str] = ()) -> None:
        self.place = place
        self.state = state
        self.hosts = hosts_of(place, state)
        self.site_hosts = site_hosts_of(place, state)
        self.booted = tuple(booted)

    @classmethod
    def up(
        cls,
        name: str = DEFAULT_NAME,
        hosts: int | None = None,
        flavour: Flavour | None = None,
        release: str | None = None,
        inventory: Path | None = None,
        tell: Tell = _silent,
        packages: Sequence[str] = (),
        kind: Kind | None = None,
        site: Sequence[str] | None = None,
    ) -> Lab:
        """Bring a lab up, or what is missing of one that is already there, and return it.

        Without `hosts`, as many as the inventory declares; without `flavour` as delivered; without `release`
        bookworm; without `inventory` the worked example; without `kind` as containers. With `packages`, hosts
        with these installed too, from an image of their own that is built once. With `site`, these servers of
        the site's beside the hosts (`lab.site.SERVERS`). A lab that is there must be what is asked for:
        UsageError otherwise. What cannot run here is a PlumblineError, and leaves nothing behind.
        """
        servers = None if site is None else chosen(site)
        check_machine()
        if kind == "vm":
            check_vm_machine()
        raise_limits()
        if release is not None:
            check_release(release)
        if flavour is not None and flavour not in FLAVOURS:
            raise UsageError(f"Hosts come {' or '.join(FLAVOURS)}, not {flavour!r}.")
        if hosts is not None and hosts < 1:
            raise UsageError("A lab has at least one host.")
        place = LabPlace(name)
        with place.locked():
            state = place.load()
            if state is not None and state.ready:
                _check_same(place, state, hosts, flavour, release, kind, servers)
                return cls(place, state, bring_back(place, state, tell))
            if place.exists:
                tell(f"Clearing what is left of the lab {name}.")
                clear(place)
            try:
                state = make(
                    place,
                    hosts,
                    flavour or "delivered",
                    release or "bookworm",
                    inventory,
                    tell,
                    packages,
                    kind or "container",
                    servers or (),
                )
            except BaseException:
                clear(place)
                raise
        made = cls(place, state)
        made.booted = tuple(host.name for host in (*made.site_hosts, *made.hosts))
        return made

    @classmethod
    def of(cls, name: str = DEFAULT_NAME) -> Lab:
        """Return the lab of that name; UsageError when there is none."""
        place = LabPlace(name)
        state = place.load()
        if state is None or not state.ready:
            raise UsageError(f"There is no lab {name!r}.", hint=f"plumb lab up --name {name}")
        return cls(place, state)

    @property
    def name(self) -> str:
        """The lab's name."""
        return self.place.name

    @property
    def inventory(self) -> Path:
        """The directory of the lab's inventory: site.yml, systems/*.yml, connection.yml."""
        return self.place.inventory

    @property
    def site(self) -> SitePlace:
        """Where the lab's site stands: names, addresses, authority; PlumblineError when it has none."""
        return place_of(self.place, self.state)

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of the lab's site by name, such as `directory.join`; none without a site."""
        return load_secrets(self.place.site)

    @property
    def secret_variables(self) -> dict[str, str]:
        """The secrets as `plumb apply` takes them from its environment: variable -> secret."""
        return {variable_of(name): secret for name, secret in self.secrets.items()}

    def host(self, name: str | LabHost) -> LabHost:
        """Return the host, or machine of the site, of that name; UsageError, naming those there are."""
        if isinstance(name, LabHost):
            return name
        there = {host.name: host for host in (*self.hosts, *self.site_hosts)}
        if name not in there:
            raise UsageError(f"The lab {self.name} has no host {name!r}; it has {', '.join(there)}.")
        return there[name]

    def site_host(self, server: str) -> LabHost:
        """Return the machine that carries a server of the site; UsageError when there is no such server."""
        wanted = self.state.site.servers if self.state.site else ()
        if server not in wanted:
            raise UsageError(
                f"The lab {self.name} has no server {server!r}; it has {', '.join(wanted) or 'no site'}."
            )
        return self.host(SERVERS[server][0])

    def run_site(
        self,
        server: str,
        command: str,
        check: bool = True,
        input: str | None = None,
        timeout: float = COMMAND_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root on the machine that carries a server of the site, as `run` does."""
        return self.run(self.site_host(server), command, check, input=input, timeout=timeout)

    def run(
        self,
        host: str | LabHost,
        command: str,
        check: bool = True,
        user: str = "root",
        input: str | None = None,
        timeout: float = COMMAND_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command on a host over SSH, as `root`, `operator` (may sudo) or `plain` (may not).

        Raises NotReachedError when the host cannot be entered, and with `check` PlumblineError when the
        command ends with anything but 0.
        """
        return self.host(host).entry.run(command, user=user, check=check, input=input, timeout=timeout)

    def reboot(self, host: str | LabHost) -> str:
        """Reboot a host and wait for its new boot; return `running`, or `degraded` when a unit failed."""
        return self.host(host).reboot()

    def snapshot(self, host: str | LabHost, name: str) -> None:
        """Keep a host's state under a name that `reset` takes; the host is shut down and booted again."""
        chosen = self.host(host)
        kept = self.state.kept.setdefault(chosen.name, {})
        layer = f"kept-{name}"
        if name == "delivered" or name in kept:
            raise UsageError(f"{chosen.name} already has a state called {name!r}.")
        with self.place.locked():
            chosen.shut_down()
            chosen.keep_changes(layer)
            kept[name] = chosen.layers
            self._record(chosen)
            chosen.start()
        chosen.wait()

    def reset(self, host: str | LabHost, to: str = "delivered") -> None:
        """Put a host back to its state as delivered, or to one `snapshot` kept, and boot it."""
        chosen = self.host(host)
        kept = {"delivered": ["delivered"], **self.state.kept.get(chosen.name, {})}
        if to not in kept:
            raise UsageError(f"{chosen.name} has no state {to!r}; it has {', '.join(kept)}.")
        with self.place.locked():
            chosen.clear()
            chosen.drop_changes()
            chosen.layers = list(kept[to])
            self._record(chosen)
            chosen.start()
        chosen.wait()

    def _record(self, host: LabHost) -> None:
        site_hosts = self.state.site.hosts if self.state.site else []
        for state in (*self.state.hosts, *site_hosts):
            if state.name == host.name:
                state.layers = host.layers
        self.place.save(self.state)

    def down(self) -> None:
        """Take the lab down, with everything it has on this machine; nothing to do when it is down."""
        take_down(self.name)

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


def take_down(name: str) -> bool:
    """Take down whatever there is of a lab, also after a crash; tell whether there was anything."""
    check_rights()
    place = LabPlace(name)
    with place.locked():
        there = place.exists or network.interface_exists(place.bridge)
        clear(place)
    return there


def all_names() -> list[str]:
    """Return the names of the labs there are."""
    return names()


def _check_same(
    place: LabPlace,
    state: LabState,
    hosts: int | None,
    flavour: str | None,
    release: str | None,
    kind: str | None,
    servers: tuple[str, ...] | None,
) -> None:
    site = state.site.servers if state.site else ()
    for wanted, there, words in (
        (hosts, len(state.hosts), "hosts: {}"),
        (flavour, state.flavour, "hosts as {}"),
        (release, state.release, "release {}"),
        (kind, state.kind, "kind of hosts: {}"),
        (_named(servers), _named(site), "servers of the site: {}"),
    ):
        if wanted is not None and wanted != there:
            raise UsageError(
                f"The lab {place.name} is already there with other {words.format(there)}, not {wanted}.",
                hint=f"Take it down first (plumb lab down --name {place.name}), or give another --name.",
            )


def _named(servers: tuple[str, ...] | None) -> str | None:
    return None if servers is None else ", ".join(servers) or "none"

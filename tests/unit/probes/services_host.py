"""A host whose probes of services answer with what a real host printed, and what it may run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recorded_host import host_printing, recorded

from plumbline.policy.baseline import load_baseline
from plumbline.policy.load import load_standard
from plumbline.policy.permitted import Permitted
from plumbline.policy.protocols import load_protocols
from plumbline.policy.servers import load_servers
from plumbline.probes.base import Probe
from plumbline.probes.programs import PROGRAMS
from plumbline.probes.services import CONFIGURATION, INSTALLED, RUNNING, UNIT_SETTINGS, Services
from plumbline.probes.services.cleartext import Cleartext
from plumbline.probes.systemd import ON_DISK
from plumbline.spec.services import Service

FILES: dict[str, Probe[Any]] = {
    "running": RUNNING,
    "installed": INSTALLED,
    "unit_settings": UNIT_SETTINGS,
    "configuration": CONFIGURATION,
    "on-disk": ON_DISK,
    "programs": PROGRAMS,
}
ANTIVIRUS = frozenset({"clamav-daemon", "clamav-freshclam", "clamdscan"})


def printed(name: str) -> dict[Probe[Any], str]:
    """Return what the probes printed on a host, such as `debian-12-hardened`."""
    return {probe: recorded(f"services/{file}-{name}.txt") for file, probe in FILES.items()}


def services(name: str, changed: Mapping[Probe[Any], str] | None = None) -> Services:
    """Return a host's services as they were printed, with some outputs changed."""
    return Services(host_printing({**printed(name), **(changed or {})}))


def permitted(
    version: str = "12",
    declared: Sequence[Service] = (),
    *,
    desktop: bool = False,
    software: Sequence[str] = (),
) -> Permitted:
    """Return what a host of Debian may run that declares these services."""
    baseline = load_baseline("mhth-ot", "debian", version)
    if baseline is None:
        raise ValueError(f"no baseline of Debian {version}")
    return Permitted(
        baseline=baseline,
        desktop=desktop,
        site_packages=ANTIVIRUS,
        site_units=frozenset({"clamav-daemon.service"}),
        software=frozenset(software),
        services=tuple(declared),
    )


def cleartext(host: Services, allowed: Permitted) -> Cleartext:
    """Return what a host serves unencrypted."""
    return host.cleartext(allowed, load_servers("mhth-ot"), load_protocols(load_standard("mhth-ot")))


def service(name: str, **further: object) -> Service:
    """Make a declared service; its account is its name if none is given."""
    return Service.model_validate({"name": name, "account": name, **further})


def process_row(pid: int, **changed: str) -> str:
    """Return a row of a process as the probe prints it: of root, in no unit, unless changed."""
    row = {
        "parent": "1",
        "uids": "0,0,0",
        "groups": " ",
        "capabilities": "0,0,0",
        "net": "net:[1]",
        "cgroup": "/",
        "exe": "/usr/bin/sleep",
        "name": "sleep",
        "words": "sleep",
        **changed,
    }
    return f"process\t{pid}\t" + "\t".join(row.values()) + "\n"

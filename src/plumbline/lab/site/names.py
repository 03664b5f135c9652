"""The site's own names: a small DNS server with those of servers and hosts, and no way out.

The domain controller answers for the directory's domain and asks this one, on its own machine, for the rest;
without a directory it answers the hosts itself.
"""

from __future__ import annotations

from pathlib import Path

from plumbline.lab.hostfiles import write
from plumbline.lab.site.place import SitePlace

PACKAGES: tuple[str, ...] = ("dnsmasq-base",)
UNITS: tuple[str, ...] = ("lab-names.service",)
BESIDE_DIRECTORY = "127.0.0.2"
"""Where it listens on the domain controller, whose own DNS server has the machine's address."""

_UNIT = """\
[Unit]
Description=Names of the lab's site
After=network.target

[Service]
ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --conf-file=/etc/lab-names.conf
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""


def configure(root: Path, place: SitePlace) -> None:
    """Write its names and its unit; what it does not know it refuses at once."""
    hosts = {f"{name}.{place.domain}": address for name, address in place.hosts.items()}
    machines = {place.name(each): place.address(each) for each in place.machines}
    beside = "directory" in place.servers
    listens = BESIDE_DIRECTORY if beside else str(place.dns)
    lines = [
        "no-resolv",
        "no-hosts",
        "bind-dynamic",
        f"listen-address={listens}",
        f"local=/{place.domain}/",
        f"domain={place.domain}",
        *(f"address=/{name}/{address}" for name, address in (place.names | hosts).items()),
        *(f"ptr-record={address.reverse_pointer},{name}" for name, address in (machines | hosts).items()),
    ]
    write(root, "/etc/lab-names.conf", "\n".join(lines) + "\n")
    write(root, "/etc/systemd/system/lab-names.service", _UNIT)

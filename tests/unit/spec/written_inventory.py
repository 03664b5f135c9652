"""A small inventory as text, to break in one place at a time."""

from __future__ import annotations

from pathlib import Path

SITE = """\
name: plant
domain: ot.plant.test
active_directory:
  domain: ad.plant.test
  controllers: [dc1.ad.plant.test]
time_sources: [10.1.0.1, ntp.plant.test]
log_collector: {host: log.plant.test, port: 6514}
dns: [10.1.0.1]
vlans:
  - {id: 10, name: servers, network: 10.1.0.0/24, gateway: 10.1.0.1}
  - {id: 20, name: clients, network: 10.2.0.0/24, gateway: 10.2.0.1}
  - {id: 30, name: pair, network: 10.3.0.0/29}
management_sources: [10.9.0.4/32]
antivirus:
  product: clamav
  packages: [clamav-daemon]
  services: [clamav-daemon.service]
  signatures: /var/lib/clamav
"""

SYSTEM = """\
name: heating
supplier: Example Automation
hosts:
  - name: srv-app-01
    profile: server
    os: {family: linux, distribution: debian, version: "12"}
    vcpu: 2
    ram_gib: 4
    storage:
      - {mount: /, size_gib: 20, holds: system}
      - {mount: /opt, size_gib: 10, holds: application}
    interfaces:
      - {name: eth0, vlan: servers, address: 10.1.0.11}
    antivirus_exclusions: []
    firewall_openings:
      - {id: opcua, protocol: tcp, port: 4840, sources: [10.2.0.0/24], purpose: visualisation}
    users:
      - {group: OT-Admins, role: os-administrator}
    server_roles: []
    services:
      - {name: opcua-server, account: svc-opcua, configuration: sign and encrypt, ports: [4840]}
    software:
      - {name: Gateway, version: "2.4", vendor: Example Automation}
    parameters:
      idle-session-lock: {idle_seconds: 300}
  - name: srv-hist-01
    profile: server
    os: {family: linux, distribution: debian, version: "12"}
    vcpu: 4
    ram_gib: 8
    storage:
      - {mount: /, size_gib: 20, holds: system}
      - {mount: /srv, size_gib: 200, holds: data}
    interfaces:
      - {name: eth0, vlan: servers, address: 10.1.0.12}
    antivirus_exclusions: [/srv/postgresql]
    firewall_openings: []
    users: []
    server_roles: []
    services: []
    software: []
"""

WINDOWS_HOST = """\
  - name: srv-win-01
    profile: server
    os: {family: windows, distribution: windows-server, version: "2022"}
    vcpu: 4
    ram_gib: 16
    storage:
      - {mount: "C:", size_gib: 80, holds: system}
      - {mount: "D:", size_gib: 200, holds: data}
    interfaces:
      - {name: Ethernet 2, vlan: servers, address: 10.1.0.21}
    antivirus_exclusions: ['D:\\Data\\*.mdf']
    firewall_openings: []
    users: []
    server_roles: [{name: terminal server, configuration: one session a user}]
    services: []
    software: []
"""

PHYSICAL_HOST = """\
  - name: srv-phy-01
    profile: server
    os: {family: linux, distribution: debian, version: "12"}
    virtual: false
    physical_reason: a field bus card that cannot be passed through
    cpu: {count: 2, type: 8 cores at 3 GHz}
    ram_gib: 16
    storage:
      - {mount: /, size_gib: 80, holds: system}
    interfaces:
      - {name: eno1, vlan: servers, address: 10.1.0.31}
      - {name: eno2, vlan: servers, purpose: redundant-uplink}
      - {name: eno3, vlan: pair, address: 10.3.0.1, purpose: application-redundancy}
      - {name: eno4, vlan: clients, purpose: industrial-protocol}
    antivirus_exclusions: []
    firewall_openings: []
    users: []
    server_roles: []
    services: []
    software: []
"""


class Written:
    """An inventory directory whose files a test changes; `line` finds what it changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "systems").mkdir(parents=True)
        self.write("site.yml", SITE)
        self.write("systems/heating.yml", SYSTEM)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the inventory and return its path."""
        file = self.path / name
        file.write_text(text)
        return file

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace what stands exactly once in a file; anything else is a mistake of the test."""
        text = (self.path / name).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def add_host(self, text: str) -> None:
        """Add a host to the system."""
        self.write("systems/heating.yml", (self.path / "systems/heating.yml").read_text() + text)

    def place(self, name: str, snippet: str) -> str:
        """Return `file:line` of the only line of a file that has the snippet."""
        lines = (self.path / name).read_text().splitlines()
        found = [number for number, line in enumerate(lines, 1) if snippet in line]
        assert len(found) == 1, f"{snippet!r} stands on the lines {found} of {name}"
        return f"{self.path / name}:{found[0]}"

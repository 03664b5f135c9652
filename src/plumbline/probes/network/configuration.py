"""The network's configuration files, of every program that may configure it, without the secrets in them."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.files import FIELDS, ConfigFile, print_files, read_files
from plumbline.probes.network import ifupdown, netplan, networkd, networkmanager
from plumbline.probes.tagged import PRINT_END, Rows

NETPLAN_GENERATORS = (
    "/etc/systemd/system-generators/netplan",
    "/usr/local/lib/systemd/system-generators/netplan",
    "/usr/lib/systemd/system-generators/netplan",
)

_PATTERNS = (
    *(
        f"{directory}/{pattern}"
        for directory in networkd.DIRECTORIES
        for pattern in ("*.network", "*.network.d/*.conf", "*.netdev", "*.netdev.d/*.conf")
    ),
    *(
        f"{directory}/{networkd.GLOBAL}{pattern}"
        for directory in networkd.CONF_DIRECTORIES
        for pattern in ("", ".d/*.conf")
    ),
    ifupdown.MAIN,
    f"{ifupdown.DIRECTORY}/*",
    *(f"{directory}/*.yaml" for directory in netplan.DIRECTORIES[:-1]),
    *(f"{directory}/*.nmconnection" for directory in networkmanager.PROFILES),
    networkmanager.CONF,
    *(f"{directory}/*.conf" for directory in networkmanager.CONF_DIRECTORIES),
)

# Keys of tunnels and radios stand in these files; such lines are printed empty, so that the rest keep their
# numbers.
_WITHOUT_SECRETS = (
    '/^[ \\t]*#/ {$0 = "#"} '
    'FNR == 1 {shown = goes_on = 0} FILENAME ~ /\\.netdev(\\.d\\/|$)/ && $0 != "#" {'
    r"if (!goes_on) shown = /^[^A-Za-z0-9]*(\[|(Name|Kind)[ \t]*=)/; goes_on = /\\[ \t\r]*$/; "
    r'if (!shown) $0 = (goes_on ? "\\" : "")} '
    r"FILENAME ~ /\.nmconnection$/ && !/^[ \t]*(\[|(interface-name|type|autoconnect|method|gateway|"
    r'address(es)?[0-9]*|route[0-9]+|routing-rule[0-9]+)[ \t]*=)/ {$0 = ""} '
    r'FILENAME ~ /\/etc\/network\// && /wpa[-_]|wireless[-_]|pass|psk|secret/ {$0 = ""} '
    r"FILENAME ~ /\.yaml$/ && match($0, /(password|psk|key|secret|identity)[a-z-]*[^a-z:]*:/) "
    r'{$0 = substr($0, 1, RSTART + RLENGTH - 1) " hidden"}'
)

_TAGS = {"generator": 1, "cmdline": 1, **FIELDS}


@dataclass(frozen=True)
class Configuration:
    """The files by path; `netplan`: whether its generator runs at boot; `command_line`: `ip=` parameters."""

    files: dict[str, ConfigFile]
    netplan: bool
    command_line: list[str]

    def lasting(self) -> dict[str, ConfigFile]:
        """Return the files that are still there after a boot."""
        return {path: file for path, file in self.files.items() if not path.startswith("/run/")}


def parse_configuration(output: Output) -> Configuration:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)
    parameters = [parameter for (parameter,) in rows["cmdline"]]
    return Configuration(read_files(rows), bool(rows["generator"]), parameters)


CONFIGURATION: Probe[Configuration] = Probe(
    "network.configuration",
    f'for f in {" ".join(NETPLAN_GENERATORS)}; do [ ! -x "$f" ] || printf \'generator\\t%s\\n\' "$f"; done; '
    "tr -s ' ' '\\n' </proc/cmdline | sed -n 's/^ip=/cmdline\\tip=/p'; "
    f"{print_files(_PATTERNS, _WITHOUT_SECRETS)}{PRINT_END}",
    parse_configuration,
)

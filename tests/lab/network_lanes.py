"""The network's sabotages in lanes, so that those that do not hide one another are tried at once."""

from __future__ import annotations

from collections.abc import Mapping

from lanes import Sabotage
from network_roads import ROADS
from network_sabotage import (
    ADDRESS_BOOT,
    ADDRESS_NOW,
    BOOT,
    DAEMON_BOOT,
    DAEMON_NOW,
    DHCP_BOOT,
    DHCP_NOW,
    DISABLED,
    FORWARD_BOOT,
    IPV4,
    IPV6,
    IPV6_BOOT,
    IPV6_NOW,
    KERNEL,
    LIVE,
    OTHERS_BOOT,
    OTHERS_NOW,
    ROUTES_BOOT,
    ROUTES_NOW,
    RULES_NOW,
    UP_BOOT,
    UP_NOW,
    added,
    boot,
    network,
    now,
    running,
    unit,
    unmanaged,
)

PACKETS_NOW = "ipv4-only:no_other_packets_are_taken_now"
CAN_LOADS = "ipv4-only:can_cannot_be_loaded"
RADIO_NOW = "wireless-off:no_wireless_program_now"
RADIO_BOOT = "wireless-off:no_wireless_program_at_boot"
NAT_NOW, NAT_BOOT = "no-routing:no_address_translation_now", "no-routing:no_address_translation_at_boot"
ENGINES = "no-forwarding:no_engine_forwards_at_boot"
BONDED_BOOT = "redundant-uplink:bonds_join_declared_uplinks_only_at_boot"


def raw(number: str, interface: str = "") -> str:
    """Return a program that takes packets of a type from the network, at one interface or at all."""
    bound = f's.bind(("{interface}", {number})); ' if interface else ""
    return (
        "python3 -c 'import socket, time; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, "
        f"socket.htons({number})); {bound}time.sleep(900)'"
    )


def taking(number: str, interface: str = "") -> Sabotage:
    """Run such a program, and wait until it takes packets."""
    run = running(raw(f"0x{number}", interface), PACKETS_NOW)
    return Sabotage(
        f"{run.wrong}; until grep -q {number} /proc/net/packet; do :; done", run.right, run.failing
    )


def renamed(name: str, check: str) -> Sabotage:
    """Run a program of another name; only the name is looked at."""
    run = running(f"/root/{name} 900", check)
    return Sabotage(f"cp /bin/sleep /root/{name}; {run.wrong}", f"{run.right}; rm /root/{name}", {check})


def files(texts: Mapping[str, str], *failing: str, after: str = "true", before: str = "true") -> Sabotage:
    """Make several files and run something, and take all of it back."""
    made = "; ".join(
        f"mkdir -p $(dirname {path}); printf '%b' '{text}' >{path}" for path, text in texts.items()
    )
    return Sabotage(
        f"{made}; {after}", f"{before}; rm {' '.join(texts)}; systemctl daemon-reload", set(failing)
    )


DOCKER = unit("docker", "/usr/bin/dockerd", ENGINES)
LXC = unit("lxc-net", "/usr/libexec/lxc/lxc-net start", ENGINES)
VIRT = unit("virtnetworkd", "/usr/sbin/virtnetworkd", ENGINES)
NETWORKS = "/etc/libvirt/qemu/networks/autostart"


def with_file(base: Sabotage, path: str, text: str, *failing: str) -> Sabotage:
    """Add a file to a sabotage."""
    file = added(path, text)
    return Sabotage(f"{base.wrong}; {file.wrong}", f"{file.right}; {base.right}", set(failing))


WIRED = "/etc/systemd/system/wpa_supplicant-wired@.service"
SUPPLICANT = {
    "/usr/lib/systemd/system/wpa_supplicant.service": "[Service]\\nExecStart=/sbin/wpa_supplicant -u -s\\n",
    "/usr/share/dbus-1/system-services/fi.w1.wpa_supplicant1.service": (
        "[D-BUS Service]\\nName=fi.w1.wpa_supplicant1\\nExec=/bin/false\\nUser=root\\n"
        "SystemdService=wpa_supplicant.service\\n"
    ),
}
BLUEZ = {
    "/usr/lib/systemd/system/bluetooth.service": (
        "[Service]\\nExecStart=/usr/libexec/bluetooth/bluetoothd\\n"
        "[Install]\\nWantedBy=bluetooth.target\\nAlias=dbus-org.bluez.service\\n"
    ),
    "/usr/share/dbus-1/system-services/org.bluez.service": (
        "[D-BUS Service]\\nName=org.bluez\\nExec=/bin/false\\nSystemdService=dbus-org.bluez.service\\n"
    ),
}

NEW: dict[str, Sabotage] = {
    "program_takes_profinet_at_every_interface": taking("8892"),
    "program_takes_goose_at_one_interface": taking("88b8", "host0"),
    "program_that_listens_to_everything_speaks_nothing": running(raw("0x0003")),
    "can_is_loadable": Sabotage(
        "mv /etc/modprobe.d/00-plumbline-network-can.conf /root/kept",
        "mv /root/kept /etc/modprobe.d/00-plumbline-network-can.conf",
        {CAN_LOADS},
    ),
    "can_is_loadable_by_an_earlier_line": added(
        "/etc/modprobe.d/00-b.conf", "install c?n /sbin/modprobe --ignore-install can\\n", CAN_LOADS
    ),
    "interface_of_a_container_is_up": Sabotage(
        "ip netns add box; ip link add x0 type veth peer name x1 netns box; ip -n box link set x1 up",
        "ip netns del box",
        {OTHERS_NOW},
    ),
    "device_is_hidden_in_another_namespace": Sabotage(
        "ip netns add box; ip link set eth2 netns box; ip -n box addr add 192.0.2.9/24 dev eth2",
        "ip -n box addr flush dev eth2; ip -n box link set eth2 netns 1; ip netns del box",
        {OTHERS_NOW},
    ),
    "namespace_with_loopback_only": Sabotage("ip netns add box", "ip netns del box", set()),
    "wifi_program_runs": renamed("wpa_supplicant", RADIO_NOW),
    "bluetooth_program_runs": renamed("bluetoothd", RADIO_NOW),
    "wifi_program_starts_at_boot": unit("wlan", "/sbin/wpa_supplicant -iwlan0 -c/etc/w.conf", RADIO_BOOT),
    "wifi_program_starts_when_dbus_asks": files(SUPPLICANT, RADIO_BOOT),
    "wifi_program_is_masked": files(
        SUPPLICANT, after="systemctl -q mask wpa_supplicant", before="systemctl -q unmask wpa_supplicant"
    ),
    "wired_8021x_is_no_radio": Sabotage(
        f"printf '[Service]\\nExecStart=/sbin/wpa_supplicant -Dwired -i%%I\\n[Install]\\n"
        f"WantedBy=multi-user.target\\n' >{WIRED}; systemctl -q enable wpa_supplicant-wired@eth1",
        f"systemctl -q disable wpa_supplicant-wired@eth1; rm {WIRED}; systemctl daemon-reload",
        set(),
    ),
    "bluetooth_is_installed_but_disabled": files(BLUEZ),
    "bluetooth_is_enabled": files(
        BLUEZ,
        RADIO_BOOT,
        after="systemctl -q enable bluetooth",
        before="systemctl -q disable bluetooth",
    ),
    "addresses_are_translated": Sabotage(
        "nft add table ip box; nft 'add chain ip box post { type nat hook postrouting priority 100; }'; "
        "nft add rule ip box post masquerade",
        "nft delete table ip box",
        {NAT_NOW},
    ),
    "addresses_are_filtered_only": Sabotage(
        "nft add table ip box; nft 'add chain ip box in { type filter hook input priority 100; }'; "
        "nft add rule ip box in tcp dport 9 drop",
        "nft delete table ip box",
        set(),
    ),
    "addresses_will_be_translated": Sabotage(
        "[ ! -e /etc/nftables.conf ] || cp -a /etc/nftables.conf /root/kept; "
        "printf 'table ip box {\\n chain p {\\n type nat hook prerouting priority 0;\\n"
        " tcp dport 80 dnat to 192.0.2.1\\n }\\n}\\n' >>/etc/nftables.conf",
        "rm /etc/nftables.conf; [ ! -e /root/kept ] || mv /root/kept /etc/nftables.conf",
        {NAT_BOOT},
    ),
    "docker_starts_and_forwards": DOCKER,
    "docker_is_told_not_to_forward": with_file(DOCKER, "/etc/docker/daemon.json", '{"ip-forward": false}\\n'),
    "containers_have_a_bridge": with_file(LXC, "/etc/default/lxc-net", 'USE_LXC_BRIDGE="true"\\n', ENGINES),
    "containers_have_no_bridge": with_file(LXC, "/etc/default/lxc-net", 'USE_LXC_BRIDGE="false"\\n'),
    "virtual_network_is_translated": with_file(
        VIRT, f"{NETWORKS}/default.xml", '<network>\\n<forward mode="nat"/>\\n</network>\\n', ENGINES
    ),
    "virtual_network_is_isolated": with_file(
        VIRT, f"{NETWORKS}/default.xml", "<network>\\n<name>x</name>\\n</network>\\n"
    ),
    "virtual_network_is_a_bridge": with_file(
        VIRT, f"{NETWORKS}/default.xml", '<network>\\n<forward mode="bridge"/>\\n</network>\\n'
    ),
    "unused_interfaces_will_be_bonded": network(
        "00-b.network",
        "[Match]\\nName=eth1 eth2\\n[Network]\\nBond=bond0\\nLinkLocalAddressing=no\\n",
        BONDED_BOOT,
        OTHERS_BOOT,
        UP_BOOT,
    ),
    "lease_of_a_container_s_address_is_no_default": unmanaged(
        "ip route add default via NET.254 proto dhcp metric 901",
        "ip route del default via NET.254 metric 901",
        ROUTES_NOW,
    ),
}

_CHECKS: dict[str, set[str]] = {
    "kernel-now": {*now(*IPV4, *IPV6, *DISABLED), IPV6_NOW},
    "kernel-boot": boot(*IPV4, *IPV6, *DISABLED),
    "links": {OTHERS_NOW, UP_NOW, ADDRESS_NOW, DHCP_NOW},
    "routes": {ROUTES_NOW, RULES_NOW},
    "daemons": {DAEMON_NOW, DAEMON_BOOT},
    "host0": {DHCP_BOOT, ADDRESS_BOOT, IPV6_BOOT, ROUTES_BOOT, FORWARD_BOOT},
    "others": {OTHERS_BOOT, UP_BOOT, BONDED_BOOT},
    "packets": {PACKETS_NOW},
    "radio-now": {RADIO_NOW},
    "radio-boot": {RADIO_BOOT},
    "nat": {NAT_NOW},
    "nat-boot": {NAT_BOOT},
    "engines": {ENGINES},
    "modules": {CAN_LOADS},
}
_QUIET = {
    "earlier_file_does_not_win": "kernel-boot",
    "sysctl_conf_does_not_win": "kernel-boot",
    "file_in_run_is_gone_at_boot": "kernel-boot",
    "comments_set_nothing": "kernel-boot",
    "install_line_after_ours_loads_nothing": "modules",
    "interface_that_is_down_without_address_is_unused": "links",
    "namespace_with_loopback_only": "links",
    "blackhole_routes_nothing": "routes",
    "masked_routing_daemon_does_not_start": "daemons",
    "file_after_ours_does_not_win": "host0",
    "packaged_file_of_our_name_is_hidden": "host0",
    "script_of_a_run_level_behind_a_unit_does_not_count": "host0",
    "always_down_is_down": "others",
    "unit_not_enabled_does_not_count": "kernel-boot",
    "program_that_listens_to_everything_speaks_nothing": "packets",
    "wifi_program_is_masked": "radio-boot",
    "wired_8021x_is_no_radio": "radio-boot",
    "bluetooth_is_installed_but_disabled": "radio-boot",
    "addresses_are_filtered_only": "nat",
    "docker_is_told_not_to_forward": "engines",
    "containers_have_no_bridge": "engines",
    "virtual_network_is_isolated": "engines",
    "virtual_network_is_a_bridge": "engines",
}
"""Where the cases belong that must not be seen."""

_ALONE = ("networkd_is_not_enabled", "second_manager_asks_by_dhcp")

CASES: dict[str, Sabotage] = {**KERNEL, **LIVE, **BOOT, **ROADS, **NEW}


def _lane(name: str, case: Sabotage) -> str:
    if not case.failing:
        return _QUIET[name]
    if all(":module_" in check for check in case.failing):
        return "modules"
    (lane,) = (lane for lane, checks in _CHECKS.items() if case.failing <= checks)
    return lane


LANES: dict[str, dict[str, Sabotage]] = {}
for _name, _case in CASES.items():
    if _name not in _ALONE:
        LANES.setdefault(_lane(_name, _case), {})[_name] = _case
ALONE = {name: CASES[name] for name in _ALONE}

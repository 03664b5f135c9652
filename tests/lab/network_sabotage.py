"""Ways to make a hardened host's network wrong: what is done, how it is undone, which checks must fail.

In the commands `GW` is the gateway, `NET` the first three octets of the host's network.
"""

from __future__ import annotations

from lanes import Sabotage

FOLDER = "/etc/systemd/network"
OURS = f"{FOLDER}/00-plumbline-host0.network"
SYSCTL = "/etc/sysctl.d/zz-plumbline-network.conf"
MODPROBE = "/etc/modprobe.d/00-plumbline-network.conf"

OTHERS_NOW, OTHERS_BOOT = (
    "single-interface:no_other_interface_now",
    "single-interface:no_other_interface_at_boot",
)
UP_NOW = "unused-interfaces-down:unused_interfaces_are_down_now"
UP_BOOT = "unused-interfaces-down:unused_interfaces_stay_down_at_boot"
IPV6_NOW = "ipv4-only:no_ipv6_address_now"
IPV6_BOOT = "ipv4-only:network_configuration_leaves_ipv6_off"
ADDRESS_NOW = "static-address:address_is_the_specified_one_now"
ADDRESS_BOOT = "static-address:address_is_the_specified_one_at_boot"
DHCP_NOW, DHCP_BOOT = "static-address:no_dhcp_client_now", "static-address:no_dhcp_client_at_boot"
ROUTES_NOW, RULES_NOW = "no-routing:no_other_routes_now", "no-routing:no_policy_rules_now"
ROUTES_BOOT = "no-routing:no_other_routes_or_rules_at_boot"
DAEMON_NOW, DAEMON_BOOT = "no-routing:no_routing_daemon_now", "no-routing:no_routing_daemon_at_boot"
FORWARD_BOOT = "no-forwarding:network_configuration_leaves_forwarding_off"

IPV4 = ("net.ipv4.ip_forward", *(f"net.ipv4.conf.{name}.forwarding" for name in ("all", "default", "*")))
IPV6 = tuple(f"net.ipv6.conf.{name}.forwarding" for name in ("all", "default", "*"))
DISABLED = tuple(f"net.ipv6.conf.{name}.disable_ipv6" for name in ("all", "default", "*"))


def now(*keys: str) -> set[str]:
    """Return the live checks of sysctl keys."""
    return _kernel("now", keys)


def boot(*keys: str) -> set[str]:
    """Return the checks of what sysctl keys will be."""
    return _kernel("at_boot", keys)


def _kernel(when: str, keys: tuple[str, ...]) -> set[str]:
    return {
        f"{'ipv4-only' if 'disable_ipv6' in key else 'no-forwarding'}:kernel_setting_{when}[{key}]"
        for key in keys
    }


def module(name: str) -> str:
    """Return the check that a module cannot be loaded."""
    return f"ipv4-only:module_cannot_be_loaded[{name}]"


EVERYTHING_AT_BOOT = boot(*IPV4, *IPV6, *DISABLED)


def added(path: str, text: str, *failing: str, after: str = "true") -> Sabotage:
    """Make a file, and remove it."""
    make = f"mkdir -p $(dirname {path}); printf '%b' '{text}' >{path}; {after}"
    return Sabotage(make, f"rm {path}; {after}", set(failing))


def replaced(path: str, by: str, *failing: str) -> Sabotage:
    """Put something in a file's place, and put the file back."""
    return Sabotage(f"mv {path} /root/kept; {by}", f"rm -f {path}; mv /root/kept {path}", set(failing))


def unmanaged(wrong: str, right: str, *failing: str) -> Sabotage:
    """Change the live network while networkd stands still: it would put things right by itself."""
    networkd = "$(systemctl show -P MainPID systemd-networkd)"
    return Sabotage(f"kill -STOP {networkd}; {wrong}", f"{right}; kill -CONT {networkd}", set(failing))


def unit(name: str, program: str, *failing: str, then: str = "true") -> Sabotage:
    """Make a service that starts at boot."""
    path = f"/etc/systemd/system/{name}.service"
    text = f"[Service]\\nExecStart={program}\\n[Install]\\nWantedBy=multi-user.target\\n"
    return Sabotage(
        f"printf '{text}' >{path}; systemctl -q enable {name}; {then}",
        f"rm -f {path} /etc/systemd/system/multi-user.target.wants/{name}.service; systemctl daemon-reload",
        set(failing),
    )


def running(command: str, *failing: str) -> Sabotage:
    """Run a program in the background, with nothing to read and no end of it; end it by its process id."""
    silence, pid = "/root/kept.silence", "/root/kept.pid"
    return Sabotage(
        f"mkfifo {silence}; nohup {command} <>{silence} >/dev/null 2>&1 & echo $! >{pid}; "
        f"until [ -e /proc/$(cat {pid})/exe ]; do :; done",
        f"kill $(cat {pid}); while [ -e /proc/$(cat {pid}) ]; do :; done; rm {silence}",
        set(failing),
    )


def network(path: str, text: str, *failing: str) -> Sabotage:
    """Make a file of systemd-networkd that nothing has read yet."""
    return added(f"/etc/systemd/network/{path}", text, *failing)


HOST0 = "[Match]\\nName=host0\\n[Network]\\nAddress=NET.11/24\\nLinkLocalAddressing=no\\n"
DROP_IN = "00-plumbline-host0.network.d/x.conf"
PORT_68 = "systemd-socket-activate --datagram --listen=0.0.0.0:68 /bin/true"

KERNEL = {
    "everything_forwards_now": Sabotage(
        "echo 1 >/proc/sys/net/ipv4/ip_forward", "echo 0 >/proc/sys/net/ipv4/ip_forward", now(*IPV4)
    ),
    "one_interface_forwards_now": Sabotage(
        "echo 1 >/proc/sys/net/ipv4/conf/eth1/forwarding",
        "echo 0 >/proc/sys/net/ipv4/conf/eth1/forwarding",
        now(IPV4[3]),
    ),
    "new_interfaces_forward": Sabotage(
        "echo 1 >/proc/sys/net/ipv4/conf/default/forwarding",
        "echo 0 >/proc/sys/net/ipv4/conf/default/forwarding",
        now(IPV4[2], IPV4[3]),
    ),
    "ipv6_forwards_now": Sabotage(
        "echo 1 >/proc/sys/net/ipv6/conf/lo/forwarding",
        "echo 0 >/proc/sys/net/ipv6/conf/lo/forwarding",
        now(IPV6[2]),
    ),
    "ipv6_on_one_interface_now": Sabotage(
        "echo 0 >/proc/sys/net/ipv6/conf/eth2/disable_ipv6",
        "echo 1 >/proc/sys/net/ipv6/conf/eth2/disable_ipv6",
        now(DISABLED[2]),
    ),
    "ipv6_address_on_loopback_now": Sabotage(
        "echo 0 >/proc/sys/net/ipv6/conf/lo/disable_ipv6",
        "echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6",
        now(DISABLED[2]) | {IPV6_NOW},
    ),
    "later_file_wins_at_boot": added(
        "/etc/sysctl.d/zzz.conf", "net.ipv4.ip_forward=1\\n", *boot(IPV4[0], IPV4[1], IPV4[3])
    ),
    "later_packaged_file_wins_at_boot": added(
        "/usr/lib/sysctl.d/zzz.conf", "net.ipv4.ip_forward = 1\\n", *boot(IPV4[0], IPV4[1], IPV4[3])
    ),
    "earlier_file_does_not_win": added("/etc/sysctl.d/50-a.conf", "net.ipv4.ip_forward=1\\n"),
    "sysctl_conf_does_not_win": added("/etc/sysctl.d/99-plant.conf", "net.ipv4.ip_forward=1\\n"),
    "file_in_run_is_gone_at_boot": added("/run/sysctl.d/zzz.conf", "net.ipv4.ip_forward=1\\n"),
    "slashes_name_one_interface": added(
        "/etc/sysctl.d/zzz.conf", "net/ipv4/conf/host0/forwarding=1\\n", *boot(IPV4[3])
    ),
    "key_written_out_wins_over_a_later_glob": added(
        "/usr/lib/sysctl.d/10-a.conf", "net.ipv4.conf.eth2.forwarding=1\\n", *boot(IPV4[3])
    ),
    "later_glob_wins": added("/etc/sysctl.d/zzz.conf", "net.ipv4.conf.eth*.forwarding=1\\n", *boot(IPV4[3])),
    "interface_that_comes_later": added(
        "/etc/sysctl.d/zzz.conf", "net.ipv6.conf.wlan0.disable_ipv6=0\\n", *boot(DISABLED[2])
    ),
    "comments_set_nothing": added(
        "/etc/sysctl.d/zzz.conf", "#net.ipv4.ip_forward=1\\n;net.ipv4.ip_forward=1\\n"
    ),
    "live_only_is_gone_at_boot": replaced(SYSCTL, "true", *EVERYTHING_AT_BOOT),
    "masked_file_sets_nothing": replaced(SYSCTL, f"ln -s /dev/null {SYSCTL}", *EVERYTHING_AT_BOOT),
    "service_that_sets_is_masked": Sabotage(
        "systemctl -q mask systemd-sysctl", "systemctl -q unmask systemd-sysctl", EVERYTHING_AT_BOOT
    ),
    "install_line_before_ours_loads": added(
        "/etc/modprobe.d/00-a.conf", "install dccp /sbin/modprobe --ignore-install dccp\\n", module("dccp")
    ),
    "glob_before_ours_loads": added("/lib/modprobe.d/00-a.conf", "install sct* /bin/echo\\n", module("sctp")),
    "install_line_after_ours_loads_nothing": added(
        "/etc/modprobe.d/zz.conf", "install dccp /sbin/modprobe --ignore-install dccp\\n"
    ),
    "blacklisted_is_not_refused": Sabotage(
        f"cp -a {MODPROBE} /root/kept; sed -i '/install tipc/d' {MODPROBE}",
        f"mv /root/kept {MODPROBE}",
        {module("tipc")},
    ),
}

LIVE = {
    "unused_interface_is_up": unmanaged("ip link set eth1 up", "ip link set eth1 down", OTHERS_NOW, UP_NOW),
    "interface_that_is_down_has_an_address": unmanaged(
        "ip addr add 192.0.2.1/24 dev eth1", "ip addr flush dev eth1", OTHERS_NOW
    ),
    "interface_that_is_down_without_address_is_unused": unmanaged(
        "ip link add x0 type bridge", "ip link del x0"
    ),
    "macvlan_is_up": unmanaged(
        "ip link add link host0 name x0 type macvlan; ip link set x0 up", "ip link del x0", OTHERS_NOW, UP_NOW
    ),
    "bridge_has_an_address": unmanaged(
        "ip link add x0 type bridge; ip addr add 192.0.2.1/24 dev x0", "ip link del x0", OTHERS_NOW
    ),
    "tunnel_is_up": unmanaged(
        "ip link add x0 type vxlan id 4 dev host0 dstport 4789; ip link set x0 up",
        "ip link del x0",
        OTHERS_NOW,
        UP_NOW,
    ),
    "tap_is_up": unmanaged(
        "ip tuntap add x0 mode tap; ip link set x0 up", "ip link del x0", OTHERS_NOW, UP_NOW
    ),
    "container_pair_is_up": unmanaged(
        "ip link add x0 type veth peer name x1; ip link set x0 up", "ip link del x0", OTHERS_NOW, UP_NOW
    ),
    "second_address": unmanaged(
        "ip addr add NET.77/24 dev host0", "ip addr del NET.77/24 dev host0", ADDRESS_NOW
    ),
    "same_address_with_another_prefix": unmanaged(
        "ip addr add NET.11/25 dev host0", "ip addr del NET.11/25 dev host0", ADDRESS_NOW
    ),
    "address_on_loopback": unmanaged(
        "ip addr add 192.0.2.5/32 dev lo", "ip addr del 192.0.2.5/32 dev lo", ADDRESS_NOW
    ),
    "address_that_expires": unmanaged(
        "ip addr change NET.11/24 dev host0 valid_lft 900 preferred_lft 900",
        "ip addr change NET.11/24 dev host0 valid_lft forever preferred_lft forever",
        ADDRESS_NOW,
        DHCP_NOW,
    ),
    "policy_rule": unmanaged("ip rule add from 10.1.0.0/16 lookup 77", "ip rule del lookup 77", RULES_NOW),
    "default_rule_twice": unmanaged("ip rule add pref 100 lookup main", "ip rule del pref 100", RULES_NOW),
    "static_route": unmanaged("ip route add 10.5.0.0/16 via GW", "ip route del 10.5.0.0/16", ROUTES_NOW),
    "route_in_another_table": unmanaged(
        "ip route add 10.5.0.0/16 via GW table 77", "ip route flush table 77", ROUTES_NOW
    ),
    "second_default": unmanaged(
        "ip route add default via NET.254 metric 900",
        "ip route del default via NET.254 metric 900",
        ROUTES_NOW,
    ),
    "whole_network_is_local": unmanaged(
        "ip route add local 10.9.0.0/24 dev lo", "ip route del local 10.9.0.0/24 dev lo", ROUTES_NOW
    ),
    "blackhole_routes_nothing": unmanaged(
        "ip route add blackhole 10.9.0.0/24", "ip route del blackhole 10.9.0.0/24"
    ),
    "dhcp_client_runs": running("busybox udhcpc -f -q -t 99 -i host0 -s /bin/true", DHCP_NOW),
    "something_listens_at_the_clients_port": running(PORT_68, DHCP_NOW),
    "routing_daemon_runs": Sabotage(
        f"cp /bin/sleep /root/zebra; {running('/root/zebra 900', '').wrong}",
        f"{running('', '').right}; rm /root/zebra",
        {DAEMON_NOW},
    ),
}

BOOT = {
    "dhcp_in_a_drop_in": network(DROP_IN, "[Network]\\nDHCP=yes\\n", DHCP_BOOT),
    "dhcp_in_a_packaged_drop_in": added(
        f"/usr/lib/systemd/network/{DROP_IN}", "[Network]\\nDHCP=ipv4\\n", DHCP_BOOT
    ),
    "file_before_ours_wins": network(
        "00-a.network", f"{HOST0}DHCP=ipv4\\n[Route]\\nGateway=GW\\n", DHCP_BOOT
    ),
    "file_in_run_wins_at_a_reload": added(
        "/run/systemd/network/00-a.network", f"{HOST0}DHCP=ipv4\\n[Route]\\nGateway=GW\\n", DHCP_BOOT
    ),
    "file_after_ours_does_not_win": network("zz.network", f"{HOST0}DHCP=ipv4\\n"),
    "packaged_file_of_our_name_is_hidden": added(
        f"/usr/lib/systemd/network/{OURS.split('/')[-1]}", HOST0 + "DHCP=yes\\n"
    ),
    "second_address_at_boot": network(DROP_IN, "[Network]\\nAddress=192.0.2.1/24\\n", ADDRESS_BOOT),
    "other_prefix_at_boot": network(DROP_IN, "[Network]\\nAddress=\\nAddress=NET.11/16\\n", ADDRESS_BOOT),
    "no_address_at_boot": network(DROP_IN, "[Network]\\nAddress=\\n", ADDRESS_BOOT),
    "link_local_address_at_boot": network(DROP_IN, "[Network]\\nLinkLocalAddressing=ipv4\\n", ADDRESS_BOOT),
    "ipv6_link_local_at_boot": network(DROP_IN, "[Network]\\nLinkLocalAddressing=ipv6\\n", IPV6_BOOT),
    "ipv6_address_at_boot": network(DROP_IN, "[Address]\\nAddress=fd00::1/64\\n", IPV6_BOOT),
    "policy_rule_at_boot": network(
        DROP_IN, "[RoutingPolicyRule]\\nFrom=10.1.0.0/16\\nTable=7\\n", ROUTES_BOOT
    ),
    "route_at_boot": network(DROP_IN, "[Route]\\nDestination=10.5.0.0/16\\nGateway=GW\\n", ROUTES_BOOT),
    "other_gateway_at_boot": network(DROP_IN, "[Network]\\nGateway=\\nGateway=NET.254\\n", ROUTES_BOOT),
    "networkd_forwards": network(DROP_IN, "[Network]\\nIPForward=yes\\n", FORWARD_BOOT),
    "networkd_masquerades": network(DROP_IN, "[Network]\\nIPMasquerade=ipv4\\n", FORWARD_BOOT),
    "networkd_conf_forwards": added(
        "/etc/systemd/networkd.conf.d/x.conf", "[Network]\\nIPv4Forwarding=yes\\n", FORWARD_BOOT
    ),
    "unused_interface_will_be_up": network(
        "00-b.network", "[Match]\\nName=eth1\\n[Network]\\nLinkLocalAddressing=no\\n", OTHERS_BOOT, UP_BOOT
    ),
    "always_down_is_down": network(
        "00-b.network",
        "[Match]\\nName=eth1\\n[Link]\\nActivationPolicy=always-down\\n[Network]\\nLinkLocalAddressing=no\\n",
    ),
    "bridge_will_be_made": network("50-a.netdev", "[NetDev]\\nName=br0\\nKind=bridge\\n", OTHERS_BOOT),
    "vlan_will_be_made": network("50-a.netdev", "[NetDev]\\nName=host0.7\\nKind=vlan\\n", OTHERS_BOOT),
    "networkd_is_not_enabled": Sabotage(
        "systemctl -q disable systemd-networkd 2>/dev/null",
        "systemctl -q enable systemd-networkd 2>/dev/null",
        {ADDRESS_BOOT},
    ),
    "second_manager_asks_by_dhcp": Sabotage(
        f"{unit('networking', '/sbin/ifup -a').wrong}; "
        "mkdir -p /etc/network; printf 'auto eth1\\niface eth1 inet dhcp\\n' >/etc/network/interfaces",
        f"{unit('networking', '').right}; rm /etc/network/interfaces",
        {DHCP_BOOT, OTHERS_BOOT, UP_BOOT},
    ),
    "dhcp_client_starts_at_boot": unit("dhcpcd", "/usr/sbin/dhcpcd -B", DHCP_BOOT),
    "routing_daemon_starts_at_boot": unit("edge", "/usr/sbin/bird -f", DAEMON_BOOT),
    "masked_routing_daemon_does_not_start": unit(
        "frr", "/usr/lib/frr/watchfrr", then="rm /etc/systemd/system/frr.service; systemctl -q mask frr"
    ),
}

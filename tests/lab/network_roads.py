"""Less travelled roads to a wrong network: commands of the boot, units held back, odd spellings."""

from __future__ import annotations

from lanes import Sabotage
from network_sabotage import (
    ADDRESS_BOOT,
    DAEMON_BOOT,
    DISABLED,
    DROP_IN,
    EVERYTHING_AT_BOOT,
    FORWARD_BOOT,
    HOST0,
    IPV4,
    IPV6_BOOT,
    OTHERS_BOOT,
    ROUTES_BOOT,
    ROUTES_NOW,
    UP_BOOT,
    added,
    boot,
    module,
    network,
    unit,
    unmanaged,
)

FORWARDS = boot(IPV4[0], IPV4[1], IPV4[3])
LATE = added("/usr/local/sbin/late", "ip link add br7 type bridge\\n")
LATE_UNIT = unit("late", "/bin/sh /usr/local/sbin/late")
OWN_SBIN = added("/usr/sbin/own-setup", "#!/bin/sh\\nip addr add 10.9.9.9/24 dev eth1\\n")
OWN_SBIN_UNIT = unit("own-setup", "/bin/sh /usr/sbin/own-setup")
SUPPLIER = added("/opt/own/start.sh", "#!/bin/sh\\n. /opt/own/net.sh\\n")
SUPPLIER_NET = added("/opt/own/net.sh", "sysctl -w net.ipv4.ip_forward=1\\n")
SUPPLIER_UNIT = added("/usr/lib/systemd/system/own.service", "[Service]\\nExecStart=/opt/own/start.sh\\n")
INIT = added("/etc/init.d/own-init", "#!/bin/sh\\nip route add 10.5.0.0/16 via GW\\n")
IN_RUN_LEVEL = "chmod 755 /etc/init.d/own-init; ln -s ../init.d/own-init /etc/rc2.d/S01own-init"

ROADS = {
    "unit_forwards_later": unit("fwd", "/sbin/sysctl -w net.ipv4.ip_forward=1", *FORWARDS),
    "unit_not_enabled_does_not_count": added(
        "/etc/systemd/system/fwd.service", "[Service]\\nExecStart=/sbin/sysctl -w net.ipv4.ip_forward=1\\n"
    ),
    "unit_reads_other_settings": unit(
        "set-late", "/lib/systemd/systemd-sysctl /etc/late.conf", *EVERYTHING_AT_BOOT
    ),
    "command_before_another_unit": added(
        "/etc/systemd/system/ssh.service.d/x.conf",
        "[Service]\\nExecStartPre=/sbin/ip addr add 192.0.2.7/24 dev host0\\n",
        ADDRESS_BOOT,
    ),
    "rc_local_switches_ipv6_on": added(
        "/etc/rc.local",
        "#!/bin/sh\\necho 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6\\n",
        *boot(DISABLED[0], DISABLED[2]),
    ),
    "tmpfiles_forward": added(
        "/etc/tmpfiles.d/x.conf", "w /proc/sys/net/ipv4/ip_forward - - - - 1\\n", *FORWARDS
    ),
    "udev_forwards": added(
        "/etc/udev/rules.d/99-x.rules",
        'SUBSYSTEM=="net", ACTION=="add", SYSCTL{net/ipv4/ip_forward}="1"\\n',
        *FORWARDS,
    ),
    "cron_routes": added("/etc/cron.d/x", "@reboot root ip route add 10.5.0.0/16 via GW\\n", ROUTES_BOOT),
    "script_of_a_unit_makes_a_bridge": Sabotage(
        f"{LATE.wrong}; {LATE_UNIT.wrong}", f"{LATE_UNIT.right}; {LATE.right}", {OTHERS_BOOT}
    ),
    "unit_starts_an_own_script_among_the_system_s": Sabotage(
        f"{OWN_SBIN.wrong}; {OWN_SBIN_UNIT.wrong}", f"{OWN_SBIN_UNIT.right}; {OWN_SBIN.right}", {OTHERS_BOOT}
    ),
    "packaged_unit_starts_a_supplier_s_script_that_reads_another": Sabotage(
        f"{SUPPLIER.wrong}; {SUPPLIER_NET.wrong}; {SUPPLIER_UNIT.wrong}",
        f"{SUPPLIER.right}; {SUPPLIER_NET.right}; {SUPPLIER_UNIT.right}; rmdir /opt/own",
        FORWARDS,
    ),
    "routing_daemon_on_the_next_line": unit("edge2", "\\134\\n /usr/sbin/bird -f", DAEMON_BOOT),
    "script_of_a_run_level_routes": Sabotage(
        f"{INIT.wrong}; {IN_RUN_LEVEL}", f"{INIT.right}; rm /etc/rc2.d/S01own-init", {ROUTES_BOOT}
    ),
    "script_of_a_run_level_behind_a_unit_does_not_count": Sabotage(
        f"{INIT.wrong}; {IN_RUN_LEVEL}; "
        "printf '[Service]\\nExecStart=/bin/true\\n' >/etc/systemd/system/own-init.service",
        f"{INIT.right}; rm /etc/rc2.d/S01own-init /etc/systemd/system/own-init.service",
        set(),
    ),
    "settings_service_is_masked_by_its_link": Sabotage(
        "ln -s /dev/null /etc/systemd/system/sysinit.target.wants/systemd-sysctl.service",
        "rm /etc/systemd/system/sysinit.target.wants/systemd-sysctl.service",
        EVERYTHING_AT_BOOT,
    ),
    "settings_service_has_a_condition": added(
        "/etc/systemd/system/systemd-sysctl.service.d/x.conf",
        "[Unit]\\nConditionPathExists=/nonexistent\\n",
        *EVERYTHING_AT_BOOT,
    ),
    "settings_service_sets_some_only": added(
        "/etc/systemd/system/systemd-sysctl.service.d/x.conf",
        "[Service]\\nExecStart=\\nExecStart=/usr/lib/systemd/systemd-sysctl --prefix=/kernel\\n",
        *EVERYTHING_AT_BOOT,
    ),
    "dot_in_a_path_of_a_setting": added("/etc/sysctl.d/zzz.conf", "net/ipv4/./ip_forward=1\\n", *FORWARDS),
    "byte_order_mark": network(
        "00-b.network",
        "\\0357\\0273\\0277[Match]\\nName=eth1\\n[Network]\\nLinkLocalAddressing=no\\n",
        OTHERS_BOOT,
        UP_BOOT,
    ),
    "negated_range": network(
        "00-b.network", "[Match]\\nName=eth[^2]\\n[Network]\\nLinkLocalAddressing=no\\n", OTHERS_BOOT, UP_BOOT
    ),
    "link_local_none_is_no_value": network(
        "00-a.network",
        HOST0.replace("LinkLocalAddressing=no", "LinkLocalAddressing=none") + "Gateway=GW\\n",
        IPV6_BOOT,
    ),
    "empty_does_not_take_forwarding_back": network(
        DROP_IN, "[Network]\\nIPForward=yes\\nIPForward=\\n", FORWARD_BOOT
    ),
    "default_route_on_the_device": network(DROP_IN, "[Network]\\nDefaultRouteOnDevice=yes\\n", ROUTES_BOOT),
    "ipv6_address_label": network(DROP_IN, "[IPv6AddressLabel]\\nLabel=9\\nPrefix=fd00::/64\\n", IPV6_BOOT),
    "name_on_the_next_line": network(
        "50-a.netdev", "[NetDev]\\nKind=bridge\\nName=\\0134\\nbr8\\n", OTHERS_BOOT
    ),
    "module_loadable_by_a_file_in_run": added(
        "/run/modprobe.d/0.conf", "install dccp /sbin/modprobe --ignore-install dccp\\n", module("dccp")
    ),
    "route_as_if_of_the_kernel": unmanaged(
        "ip route add 10.99.0.0/16 dev host0 proto kernel scope link", "ip route del 10.99.0.0/16", ROUTES_NOW
    ),
    "local_route_of_no_address": unmanaged(
        "ip route add local 10.5.5.5 dev lo", "ip route del local 10.5.5.5 dev lo", ROUTES_NOW
    ),
}

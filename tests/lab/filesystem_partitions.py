"""Ways in which applications or data come to lie on the system's partition, and what finds each."""

from __future__ import annotations

_A = "application_partitions_are_mounted"
A_NOW, A_BOOT = _A, f"{_A}_at_boot"
D_NOW, D_BOOT = "data_partitions_are_mounted", "data_partitions_are_mounted_at_boot"
A_BACK, D_BACK = (
    "applications_are_not_led_back_to_the_system",
    "data_are_not_led_back_to_the_system",
)
LYING, RUNNING = (
    "no_application_lies_on_the_system_s_partition",
    "no_application_runs_from_the_system_s_partition",
)
DATA, WORKING = "no_data_lie_on_the_system_s_partition", "services_keep_their_data_elsewhere"

KEEP = "cp -a /etc/fstab /root/fstab.kept"
KEPT = "mv /root/fstab.kept /etc/fstab"
OFF = "umount /opt"
ON = "mount /dev/lab/opt /opt"

CASES: dict[str, tuple[str, str, dict[str, str]]] = {
    "no_partition_and_files_on_the_system_s": (
        f"{OFF}; mkdir /opt/app; touch /opt/app/run",
        f"rm -r /opt/app; {ON}",
        {A_NOW: "/opt: no partition is mounted there", LYING: "/opt/app/run"},
    ),
    "link_to_the_system_s_partition": (
        f"{OFF}; rmdir /opt; mkdir -p /var/lib/apps; touch /var/lib/apps/run; ln -s /var/lib/apps /opt",
        f"rm /opt; mkdir /opt; rm -r /var/lib/apps; {ON}",
        {A_NOW: "/opt: no partition is mounted there", LYING: "/opt/run (by /opt)"},
    ),
    "directory_of_the_system_bound": (
        f"{OFF}; mkdir /var/lib/apps; mount --bind /var/lib/apps /opt",
        f"umount /opt; rmdir /var/lib/apps; {ON}",
        {A_NOW: "/opt: /var/lib/apps of the system's own file system"},
    ),
    "directory_of_another_partition_bound": (
        f"{OFF}; mkdir /var/log/apps; mount --bind /var/log/apps /opt",
        f"umount /opt; rmdir /var/log/apps; {ON}",
        {A_NOW: "/opt: the directory /apps of"},
    ),
    "memory_mounted": (
        f"{OFF}; mount -t tmpfs -o size=11g,mode=755 x /opt",
        f"umount /opt; {ON}",
        {A_NOW: "/opt: tmpfs is mounted there, which is no partition"},
    ),
    "one_partition_mounted_twice": (
        f"{OFF}; mount /dev/lab/var-log /opt",
        f"umount /opt; {ON}",
        {
            A_NOW: "the same as at /var/log",
            D_NOW: "the same as at /opt",
            "application_partitions_are_large_enough": "/opt: 5.0 GiB, specified are 10 GiB",
        },
    ),
    "fstab_names_none": (
        f"{KEEP}; : >/etc/fstab",
        KEPT,
        {A_BOOT: "/opt: neither fstab nor a mount unit names it", D_BOOT: "/var/log: neither fstab"},
    ),
    "fstab_does_not_mount_by_itself": (
        f"{KEEP}; sed -i 's/defaults/defaults,noauto/' /etc/fstab",
        KEPT,
        {
            A_BOOT: "/etc/fstab:2: /dev/lab/opt on /opt: it is not mounted by itself",
            D_BOOT: "/etc/fstab:3: /dev/lab/var-log on /var/log: it is not mounted by itself",
        },
    ),
    "fstab_binds_and_names_memory": (
        f"{KEEP}; printf '%s\\n' '/var/lib/apps /opt none bind 0 0' 'tmpfs /var/log tmpfs size=5g 0 0' "
        ">/etc/fstab",
        KEPT,
        {A_BOOT: "/opt: a directory is bound there", D_BOOT: "/var/log: tmpfs is no partition"},
    ),
    "fstab_names_a_device_that_is_not_there": (
        f"{KEEP}; sed -i 's|/dev/lab/opt|LABEL=APPS|; s|/dev/lab/var-log|/dev/mapper/vg-log|; "
        "s/defaults/nofail/' /etc/fstab",
        KEPT,
        {
            A_BOOT: "LABEL=APPS on /opt: there is no such device",
            D_BOOT: "/dev/mapper/vg-log on /var/log: there is no such device",
        },
    ),
    "mount_units_masked_and_pointed_elsewhere": (
        "ln -s /dev/null /etc/systemd/system/opt.mount; "
        "printf '[Mount]\\nWhat=/dev/lab/opt\\nWhere=/var/log\\n' >'/etc/systemd/system/var-log.mount'",
        "rm /etc/systemd/system/opt.mount /etc/systemd/system/var-log.mount",
        {
            A_BOOT: "/opt: its mount unit is masked",
            D_BOOT: "/etc/systemd/system/var-log.mount: /dev/lab/opt on /var/log: the same device as on /opt",
        },
    ),
    "links_lead_back_and_data_lie_on_the_system_s": (
        "mkdir /var/lib/hist; ln -s /var/lib/hist /opt/data; mkdir /var/log/app; "
        "ln -s ../../lib/hist /var/log/app/hist; echo x >/srv/data.db",
        "rm /opt/data; rm -r /var/log/app /var/lib/hist /srv/data.db",
        {
            A_BACK: "/opt/data leads to /var/lib/hist",
            D_BACK: "/var/log/app/hist leads to /var/lib/hist",
            DATA: "/srv/data.db",
        },
    ),
    "directory_of_the_system_bound_below_a_partition": (
        "mkdir /var/lib/hist /opt/data; mount --bind /var/lib/hist /opt/data",
        "umount /opt/data; rmdir /opt/data /var/lib/hist",
        {A_BACK: "/opt/data: /var/lib/hist of the system's own file system"},
    ),
    "service_runs_and_works_on_the_system_s": (
        "mkdir -p /var/lib/opcua; cp /bin/sleep /usr/local/bin/opcua; systemctl reset-failed; "
        "systemd-run -q --unit opcua-server -p WorkingDirectory=/var/lib/opcua /usr/local/bin/opcua 600",
        "systemctl stop opcua-server; rm -r /var/lib/opcua /usr/local/bin/opcua",
        {
            RUNNING: "opcua-server.service: /usr/local/bin/opcua",
            WORKING: "opcua-server.service: works in /var/lib/opcua",
        },
    ),
}

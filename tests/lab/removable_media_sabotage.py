"""Ways to have media mounted or started by themselves on a hardened host, and what sees each."""

from __future__ import annotations

RULES_NOW = {"udev_starts_nothing_for_a_medium_now"}
RULES_BOOT = {"udev_starts_nothing_for_a_medium_after_boot"}
RULES = RULES_NOW | RULES_BOOT
RUNS, STARTS = {"no_automounter_runs"}, {"no_automounter_starts_at_boot"}
MOUNTS_NOW, MOUNTS_BOOT = {"systemd_mounts_no_medium_now"}, {"fstab_mounts_no_medium_after_boot"}

RELOAD = "systemctl daemon-reload"
ETC, USR = "/etc/udev/rules.d", "/usr/lib/udev/rules.d"
MOUNT = 'ACTION=="add", SUBSYSTEM=="block", RUN+="/usr/bin/systemd-mount --no-block $devnode"'
UNIT = "/usr/lib/systemd/system/autofs.service"
SERVICE = "[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n"
DEVMON = "cp /usr/bin/sleep /usr/local/bin/devmon"


def rule(text: str, path: str = f"{ETC}/90-x.rules") -> tuple[str, str]:
    """Write a file of rules."""
    return f"mkdir -p $(dirname {path}); printf '%s\\n' '{text}' >{path}", f"rm {path}"


def automounter(after: str, before: str = "true") -> tuple[str, str]:
    """Install a service called autofs and do something with it; `before` undoes that."""
    return (
        f"printf '{SERVICE}' >{UNIT}; {RELOAD}; {after}",
        f"{before}; systemctl -q disable --now autofs 2>/dev/null || true; rm {UNIT}; {RELOAD}",
    )


def fstab(entry: str) -> tuple[str, str]:
    """Add an entry of fstab; in a container systemd makes no units of those for devices."""
    return f"cp -a /etc/fstab /root/fstab; echo '{entry}' >>/etc/fstab", "mv /root/fstab /etc/fstab"


def own_unit(
    name: str, text: str, expected: set[str], also: tuple[str, str] | None = None
) -> tuple[tuple[str, str], set[str]]:
    """Write a unit, and perhaps the service it starts, and enable it."""
    units = {name: text} | dict([also] if also else [])
    written = "; ".join(f"printf '{body}' >/etc/systemd/system/{unit}" for unit, body in units.items())
    gone = " ".join(f"/etc/systemd/system/{unit}" for unit in units)
    return (
        (
            f"{written}; {RELOAD}; systemctl -q enable {name}",
            f"systemctl -q disable {name}; rm {gone}; {RELOAD}",
        ),
        expected,
    )


def script(text: str, path: str = "/opt/plant/stick.sh") -> tuple[str, str]:
    """Write a script."""
    return f"mkdir -p $(dirname {path}); printf '{text}' >{path}; chmod 755 {path}", f"rm {path}"


def both(one: tuple[str, str], other: tuple[str, str]) -> tuple[str, str]:
    """Do one thing and the other, and undo them."""
    return f"{one[0]}; {other[0]}", f"{other[1]}; {one[1]}"


OWN_SERVICE = r"[Service]\nExecStart=/opt/plant/stick.sh\n[Install]\nWantedBy=multi-user.target\n"
WAITING = r"#!/bin/sh\nfor d in /dev/sd?1; do\n  mount -o ro $d /mnt\ndone\n"

PACKAGED = rule(MOUNT, f"{USR}/90-x.rules")

CASES: dict[str, tuple[tuple[str, str], set[str]]] = {
    "rule_mounts": (rule(MOUNT), RULES),
    "rule_of_run_is_gone_at_boot": (rule(MOUNT, "/run/udev/rules.d/90-x.rules"), RULES_NOW),
    "rule_of_a_package_mounts": (PACKAGED, RULES),
    "rule_of_a_package_is_masked": (
        (
            f"{PACKAGED[0]}; ln -s /dev/null {ETC}/90-x.rules",
            f"rm {USR}/90-x.rules {ETC}/90-x.rules",
        ),
        set(),
    ),
    "rule_of_a_package_is_overruled_by_an_empty_file": (
        (
            f"{PACKAGED[0]}; : >{ETC}/90-x.rules",
            f"rm {USR}/90-x.rules {ETC}/90-x.rules",
        ),
        set(),
    ),
    "rule_of_run_overrules_until_boot": (
        (
            f"{PACKAGED[0]}; mkdir -p /run/udev/rules.d; : >/run/udev/rules.d/90-x.rules",
            f"rm {USR}/90-x.rules /run/udev/rules.d/90-x.rules",
        ),
        RULES_BOOT,
    ),
    "rule_wants_a_service": (
        rule('SUBSYSTEM=="block", TAG+="systemd", ENV{SYSTEMD_WANTS}+="copy-data@%k.service"'),
        RULES,
    ),
    "rule_starts_any_program_of_an_administrator": (
        rule('SUBSYSTEMS=="usb", ACTION=="add", RUN+="/usr/bin/python3 /srv/copy.py"'),
        RULES,
    ),
    "rule_of_a_package_starts_a_local_script": (
        rule('KERNEL=="sd*", RUN+="/bin/sh -c /usr/local/bin/copy"', f"{USR}/90-x.rules"),
        RULES,
    ),
    "rule_goes_on_in_the_next_line": (
        (
            "printf '%s\\n' 'SUBSYSTEM==\"block\", \\' '  ACTION==\"add\", \\' "
            f"'  RUN+=\"/bin/mount /dev/%k\"' "
            f">{ETC}/90-x.rules",
            f"rm {ETC}/90-x.rules",
        ),
        RULES,
    ),
    "rule_for_discs": (rule('KERNEL=="sr[0-9]*", ACTION=="change", RUN+="/bin/mount /dev/%k /mnt"'), RULES),
    "rule_for_network_cards_only": (
        rule('SUBSYSTEM=="net", ACTION=="add", RUN+="/usr/local/bin/announce %k"'),
        set(),
    ),
    "rules_after_a_jump_for_others_only": (
        (
            "printf '%s\\n' 'SUBSYSTEM!=\"tty\", GOTO=\"end\"' "
            "'RUN+=\"/usr/local/bin/modem\"' 'LABEL=\"end\"' "
            f">{ETC}/90-x.rules",
            f"rm {ETC}/90-x.rules",
        ),
        set(),
    ),
    "rule_in_a_comment": (rule(f"# {MOUNT}"), set()),
    "file_without_the_ending": (rule(MOUNT, f"{ETC}/90-x.rules.old"), set()),
    "later_rule_takes_it_back": (
        (
            f'{rule(MOUNT)[0]}; echo \'SUBSYSTEM=="block", RUN=""\' >{ETC}/91-x.rules',
            f"rm {ETC}/90-x.rules {ETC}/91-x.rules",
        ),
        set(),
    ),
    "earlier_rule_takes_nothing_back": (
        (
            f'{rule(MOUNT)[0]}; echo \'SUBSYSTEM=="block", RUN=""\' >{ETC}/89-x.rules',
            f"rm {ETC}/90-x.rules {ETC}/89-x.rules",
        ),
        RULES,
    ),
    "automounter_enabled_and_running": (automounter("systemctl -q enable --now autofs"), RUNS | STARTS),
    "automounter_enabled_for_the_next_boot": (automounter("systemctl -q enable autofs"), STARTS),
    "automounter_running_though_disabled": (automounter("systemctl start autofs"), RUNS),
    "automounter_installed_only": (automounter("true"), set()),
    "automounter_enabled_but_masked": (
        automounter(
            "systemctl -q enable autofs; ln -s /dev/null /etc/systemd/system/autofs.service; " + RELOAD,
            "rm /etc/systemd/system/autofs.service; " + RELOAD,
        ),
        set(),
    ),
    "automounter_pulled_in_by_another_unit": (
        automounter(
            "mkdir -p /etc/systemd/system/ssh.service.d; "
            f"printf '[Unit]\\nWants=autofs.service\\n' >/etc/systemd/system/ssh.service.d/x.conf; {RELOAD}",
            "rm -r /etc/systemd/system/ssh.service.d",
        ),
        STARTS,
    ),
    "automounter_under_another_name": (
        (
            f"{DEVMON}; printf '{SERVICE.replace('/usr/bin/sleep', '/usr/local/bin/devmon')}' "
            f">/etc/systemd/system/media.service; {RELOAD}; systemctl -q enable --now media",
            f"systemctl -q disable --now media; rm /etc/systemd/system/media.service /usr/local/bin/devmon; "
            f"{RELOAD}",
        ),
        RUNS | STARTS,
    ),
    "rule_of_no_package_starts_a_helper": (
        rule('SUBSYSTEM=="block", RUN+="stick.sh %k"', f"{USR}/90-x.rules"),
        RULES,
    ),
    "word_of_a_rule_goes_on_in_the_next_line": (
        (
            f"printf '%s\\n' 'SUBSYSTEM==\"block\", RU\\' 'N+=\"/bin/mount /dev/%k\"' >{ETC}/90-x.rules",
            f"rm {ETC}/90-x.rules",
        ),
        RULES,
    ),
    "service_comes_with_a_device": own_unit(
        "x.service", r"[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=dev-sdb1.device\n", STARTS
    ),
    "service_mounts_a_stick_with_a_timer": own_unit(
        "x.timer",
        r"[Timer]\nOnUnitActiveSec=1h\n[Install]\nWantedBy=timers.target\n",
        STARTS,
        also=("x.service", r"[Service]\nExecStart=/bin/mount /dev/sdb1 /mnt\n"),
    ),
    "path_unit_waits_for_a_stick": own_unit(
        "x.path",
        r"[Path]\nPathExists=/dev/sdb1\n[Install]\nWantedBy=paths.target\n",
        STARTS,
        also=("x.service", r"[Service]\nExecStart=/bin/true\n"),
    ),
    "device_comes_with_a_service": (
        (
            "mkdir /etc/systemd/system/dev-sdb1.device.d; "
            "printf '[Unit]\\nWants=x.service\\n' >/etc/systemd/system/dev-sdb1.device.d/x.conf",
            "rm -r /etc/systemd/system/dev-sdb1.device.d",
        ),
        STARTS,
    ),
    "fstab_mounts_a_disc": (fstab("/dev/sr0 /media/cdrom iso9660 ro,nofail 0 0"), MOUNTS_BOOT),
    "fstab_mounts_on_being_looked_at": (
        fstab("/dev/disk/by-id/usb-x /mnt/stick vfat noauto,x-systemd.automount 0 0"),
        MOUNTS_BOOT,
    ),
    "fstab_mounts_what_is_not_there": (fstab("LABEL=STICK /mnt/stick vfat nofail 0 0"), MOUNTS_BOOT),
    "fstab_lets_root_mount_a_disc": (
        fstab("/dev/sr0 /media/cdrom iso9660 ro,user,noauto 0 0"),
        set(),
    ),
    "fstab_mounts_from_the_network": (
        fstab("files.ot.test:/data /media/data nfs x-systemd.automount,noauto 0 0"),
        set(),
    ),
    "automount_unit_is_enabled_behind_systemd_s_back": (
        (
            "printf '[Mount]\\nWhat=/dev/sr0\\nWhere=/mnt/x\\n' >/etc/systemd/system/mnt-x.mount; "
            "printf '[Automount]\\nWhere=/mnt/x\\n' >/etc/systemd/system/mnt-x.automount; "
            "mkdir -p /etc/systemd/system/local-fs.target.wants; "
            "ln -s ../mnt-x.automount /etc/systemd/system/local-fs.target.wants/",
            "rm /etc/systemd/system/mnt-x.*mount /etc/systemd/system/local-fs.target.wants/mnt-x.automount; "
            + RELOAD,
        ),
        MOUNTS_BOOT,
    ),
    "automounter_of_a_user_s_session": (
        (
            "mkdir -p /etc/xdg/autostart; "
            "printf '[Desktop Entry]\\nExec=udiskie --tray\\n' >/etc/xdg/autostart/x.desktop",
            "rm /etc/xdg/autostart/x.desktop",
        ),
        STARTS,
    ),
    "automounter_named_without_its_path": own_unit(
        "x.service", r"[Service]\nExecStart=udiskie -a\n[Install]\nWantedBy=multi-user.target\n", STARTS
    ),
    "stick_mounted_by_a_service_at_boot": own_unit(
        "x.service",
        r"[Service]\nExecStart=mount /dev/disk/by-label/STICK /mnt\n[Install]\nWantedBy=multi-user.target\n",
        STARTS,
    ),
    "stick_mounted_before_a_service_starts": own_unit(
        "x.service",
        r"[Service]\nExecStartPre=mount /dev/sdb1 /mnt\nExecStart=/bin/true\n"
        r"[Install]\nWantedBy=multi-user.target\n",
        STARTS,
    ),
    "automounter_started_by_cron": (
        ("echo '@reboot root /usr/bin/devmon' >/etc/cron.d/x", "rm /etc/cron.d/x"),
        STARTS,
    ),
    "medium_mounted_by_cron_where_fstab_says": (
        ("echo '* * * * * root mount /media/usb' >/etc/cron.d/x", "rm /etc/cron.d/x"),
        STARTS,
    ),
    "script_of_cron_mounts_a_stick": (
        both(
            script(WAITING), ("echo '* * * * * root /opt/plant/stick.sh' >/etc/cron.d/x", "rm /etc/cron.d/x")
        ),
        STARTS,
    ),
    "script_that_runs_hourly_mounts_a_stick": (
        script(r"#!/bin/sh\nmount /dev/sdb1 /mnt\n", "/etc/cron.hourly/stick"),
        STARTS,
    ),
    "script_of_a_service_mounts_a_stick": (
        both(script(WAITING), own_unit("x.service", OWN_SERVICE, STARTS)[0]),
        STARTS,
    ),
    "script_of_a_timer_mounts_a_stick": (
        both(
            script(r"#!/bin/sh\nDEV=/dev/sdb1\nmount \"$DEV\" /mnt\n"),
            own_unit(
                "x.timer",
                r"[Timer]\nOnCalendar=hourly\n[Install]\nWantedBy=timers.target\n",
                STARTS,
                also=("x.service", r"[Service]\nExecStart=/bin/sh /opt/plant/stick.sh\n"),
            )[0],
        ),
        STARTS,
    ),
    "automatic_script_of_a_service_nothing_starts": (
        both(
            script(WAITING),
            (
                f"printf '{OWN_SERVICE}' >/etc/systemd/system/x.service; {RELOAD}",
                f"rm /etc/systemd/system/x.service; {RELOAD}",
            ),
        ),
        set(),
    ),
    "automatic_script_that_only_looks_at_disks": (
        both(
            script(r"#!/bin/sh\nDISK=/dev/sda\nmount | grep $DISK\numount /media/x\nsmartctl -a $DISK\n"),
            own_unit("x.service", OWN_SERVICE, STARTS)[0],
        ),
        set(),
    ),
    "automounter_runs_without_a_service": (
        (
            "cp /usr/bin/sleep /usr/local/bin/udevil; systemd-run -q --unit=medium /usr/local/bin/udevil 600",
            "systemctl stop medium; rm /usr/local/bin/udevil",
        ),
        RUNS,
    ),
    "fstab_mounts_on_being_looked_at_by_the_old_word": (
        fstab("/dev/sr0 /media/cdrom iso9660 noauto,comment=systemd.automount 0 0"),
        MOUNTS_BOOT,
    ),
    "fstab_mounts_a_card_that_is_not_there": (fstab("/dev/mmcblk1p1 /mnt/card vfat nofail 0 0"), MOUNTS_BOOT),
    "mount_unit_is_triggered": (
        (
            "printf '[Mount]\\nWhat=/dev/sr0\\nWhere=/mnt/x\\n' >/etc/systemd/system/mnt-x.mount; "
            "printf '[Automount]\\nWhere=/mnt/x\\n[Install]\\nWantedBy=multi-user.target\\n' "
            f">/etc/systemd/system/mnt-x.automount; {RELOAD}; systemctl -q enable mnt-x.automount",
            "systemctl -q disable mnt-x.automount; rm /etc/systemd/system/mnt-x.*mount; " + RELOAD,
        ),
        MOUNTS_NOW | MOUNTS_BOOT,
    ),
}

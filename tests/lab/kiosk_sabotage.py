"""Ways a station's kiosk is opened, each with the check that sees it and words of what it then tells.

All of `TOGETHER` are done at once, for none hides another; those of `ALONE` one by one.
"""

from __future__ import annotations

from kiosk import UNIT, USER

HOME = "/var/lib/plumbline-kiosk"
UNIT_D = f"/etc/systemd/system/{UNIT}.d"
SERIAL = "/etc/systemd/system/serial-getty@pts7.service"
RELOAD = "systemctl daemon-reload"
ONLY, KEYS, BACK, ACCOUNT = (
    "kiosk-application-only:",
    "kiosk-keys-closed:",
    "kiosk-recovers:",
    "kiosk-account-restricted:",
)

Case = tuple[str, str, dict[str, str]]
"""What makes the host wrong, what undoes it, and check -> words of what it tells."""


def file(path: str, text: str, *checks: str, told: str = "", after: str = "") -> Case:
    """Write a file that was not there; `after` follows both the writing and the removal."""
    then = f"; {after}" if after else ""
    written = f"mkdir -p $(dirname {path}); printf '{text}' >{path}{then}"
    return written, f"rm {path}{then}", dict.fromkeys(checks, told or path)


def unit_of_own(name: str, text: str, *checks: str, told: str) -> Case:
    """Write a unit and start it, without enabling it."""
    path = f"/etc/systemd/system/{name}"
    return (
        f"printf '{text}' >{path}; {RELOAD}; systemctl start {name}",
        f"systemctl stop {name}; rm {path}; {RELOAD}",
        dict.fromkeys(checks, told),
    )


SLEEPER = f"[Service]\\nUser={USER}\\nExecStart=/usr/bin/sleep infinity\\n"
OWN, RUNS = f"{ONLY}nothing_else_starts_by_itself", f"{ONLY}nothing_else_runs"
RIGHTS, LOGINS = f"{ACCOUNT}operator_has_no_rights", f"{ACCOUNT}operator_logs_on_nowhere_else"
CONSOLE, CONSOLE_BOOT = f"{KEYS}no_console_now", f"{KEYS}no_console_after_boot"
VT_BOOT, ZAP_BOOT = (
    f"{KEYS}no_switch_to_a_console_after_boot",
    f"{KEYS}no_end_of_the_server_after_boot",
)
CAD, CAD_BOOT = f"{KEYS}ctrl_alt_del_does_nothing_now", f"{KEYS}ctrl_alt_del_does_nothing_after_boot"
COMES_BACK, COMES_BACK_BOOT = f"{BACK}application_comes_back_now", f"{BACK}application_comes_back_after_boot"

TOGETHER: dict[str, Case] = {
    "terminal_installed": (
        "cp /usr/bin/true /usr/local/bin/xterm; cp /usr/bin/true /usr/bin/pcmanfm",
        "rm /usr/local/bin/xterm /usr/bin/pcmanfm",
        {f"{ONLY}no_terminal_or_file_manager": "/usr/local/bin/xterm"},
    ),
    "another_session_to_choose": file(
        "/usr/share/xsessions/fluxbox.desktop",
        "[Desktop Entry]\\nExec=startfluxbox\\n",
        f"{ONLY}no_other_session",
    ),
    "desktop_installed": (
        "cp /usr/bin/true /usr/bin/openbox-session",
        "rm /usr/bin/openbox-session",
        {f"{ONLY}no_other_session": "/usr/bin/openbox-session"},
    ),
    "session_chosen_by_the_display_manager": file(
        f"/var/lib/AccountsService/users/{USER}", "[User]\\nXSession=gnome\\n", OWN
    ),
    "desktop_file_starts_with_every_session": file(
        "/etc/xdg/autostart/helper.desktop", "[Desktop Entry]\\nExec=xterm\\n", OWN
    ),
    "operator_s_own_session_file": file(f"{HOME}/.xsession", "xterm\\n", OWN),
    "operator_s_own_autostart": file(
        f"{HOME}/.config/autostart/x.desktop", "[Desktop Entry]\\nExec=xterm\\n", OWN
    ),
    "operator_s_own_unit": file(f"{HOME}/.config/systemd/user/x.service", "[Service]\\n", OWN),
    "operator_s_crontab": file(f"/var/spool/cron/crontabs/{USER}", "* * * * * xterm\\n", OWN),
    "system_s_crontab_in_his_name": file(
        "/etc/cron.d/hmi", f"# all\\n*/5 * * * *  {USER}  /usr/bin/true\\n", OWN, told="/etc/cron.d/hmi:2"
    ),
    "second_service_in_his_name": unit_of_own("x.service", SLEEPER, RUNS, told="/usr/bin/sleep"),
    "sudo_right": file(
        "/etc/sudoers.d/hmi", f"{USER} ALL=(root) NOPASSWD: /usr/bin/less\\n", RIGHTS, told="/usr/bin/less"
    ),
    "group_with_power": (
        f"gpasswd -a {USER} disk", f"gpasswd -d {USER} disk", {RIGHTS: "is in the group disk"},
    ),
    "shell": (
        f"sed -i '/^{USER}:/s|/usr/sbin/nologin$|/bin/sh|' /etc/passwd",
        f"sed -i '/^{USER}:/s|/bin/sh$|/usr/sbin/nologin|' /etc/passwd",
        {LOGINS: "has the shell /bin/sh"},
    ),
    "password": (
        f"echo {USER}:hunter2 | chpasswd", f"usermod -p '!*' {USER}", {LOGINS: "password that is usable"},
    ),
    "ssh_key": file(f"{HOME}/.ssh/authorized_keys", "ssh-ed25519 AAAA x\\n", LOGINS),
    "getty_on_the_second_console": (
        "rm /etc/systemd/system/getty@.service; mkdir -p /etc/systemd/system/getty.target.wants; "
        "ln -s /usr/lib/systemd/system/getty@.service "
        f"/etc/systemd/system/getty.target.wants/getty@tty2.service; {RELOAD}",
        "rm /etc/systemd/system/getty.target.wants/getty@tty2.service; "
        f"ln -s /dev/null /etc/systemd/system/getty@.service; {RELOAD}",
        {CONSOLE_BOOT: "getty@tty2.service"},
    ),
    "getty_on_a_serial_line": (
        "printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=getty.target\\n' "
        f">{SERIAL}; {RELOAD}; systemctl -q enable --now serial-getty@pts7",
        f"systemctl -q disable --now serial-getty@pts7; rm {SERIAL}; {RELOAD}",
        {CONSOLE: "serial-getty@pts7.service is active", CONSOLE_BOOT: "serial-getty@pts7.service"},
    ),
    "ctrl_alt_del_unmasked_for_now": (
        f"rm /etc/systemd/system/ctrl-alt-del.target; {RELOAD}",
        f"ln -s /dev/null /etc/systemd/system/ctrl-alt-del.target; {RELOAD}",
        {CAD: "ctrl-alt-del.target is loaded", CAD_BOOT: "reboot.target"},
    ),
    "later_manager_file_restarts_at_seven_presses": file(
        "/etc/systemd/system.conf.d/zzz.conf",
        "[Manager]\\nCtrlAltDelBurstAction=reboot-force\\n",
        CAD_BOOT,
        told="CtrlAltDelBurstAction=reboot-force (/etc/systemd/system.conf.d/zzz.conf:2)",
    ),
    "later_x_file_switches_consoles": file(
        "/etc/X11/xorg.conf.d/zzz.conf",
        'Section "serverflags"\\n  option "dont vt_switch" "0"\\nEndSection\\n',
        VT_BOOT,
        told="DontVTSwitch is off (/etc/X11/xorg.conf.d/zzz.conf:2)",
    ),
    "layout_wins_over_flags": file(
        "/usr/share/X11/xorg.conf.d/99-layout.conf",
        'Section "ServerLayout"\\n  Identifier "l"\\n  Option "NoDontZap"\\nEndSection\\n',
        ZAP_BOOT,
        told="DontZap is off (/usr/share/X11/xorg.conf.d/99-layout.conf:3)",
    ),
    "drop_in_takes_the_restart_back": file(
        f"{UNIT_D}/zz.conf",
        "[Service]\\nRestart=no\\n",
        COMES_BACK,
        COMES_BACK_BOOT,
        told="Restart=no",
        after=RELOAD,
    ),
    "drop_in_of_all_services_gives_up": file(
        "/etc/systemd/system/service.d/limit.conf",
        "[Unit]\\nStartLimitIntervalSec=1h\\n",
        COMES_BACK_BOOT,
        told="StartLimitBurst=5 starts within 3600s, then none",
        after=RELOAD,
    ),
    "starts_on_a_condition_that_never_holds": file(
        f"{UNIT_D}/yy.conf",
        "[Unit]\\nConditionPathExists=/nonexistent\\n",
        f"{ONLY}application_starts_at_boot",
        after=RELOAD,
    ),
}  # fmt: skip

"""Ways to make a hardened host's sessions open without a proof, and what sees each."""

from __future__ import annotations

from session_sabotage import (
    EMPTY,
    KEEP,
    LOGIN_BOOT,
    LOGIN_NOW,
    PAM,
    RELOAD,
    RESTORE,
    SSH,
    SSH_EMPTY,
    SSHD,
    added,
    edited,
)

AUTOLOGIN = "[Service]\\nExecStart=\\nExecStart=-/sbin/agetty --autologin root - $TERM\\n"
ASKING = "[Service]\\nExecStart=\\nExecStart=-/sbin/agetty --noclear - $TERM\\n"
GETTY = "/etc/systemd/system/console-getty.service.d"
PACKAGED_GETTY = "/usr/lib/systemd/system/console-getty.service.d"


def _getty(command: str) -> str:
    return f"[Service]\\nExecStart=\\nExecStart=-{command}\\n"


def _panel(command: str) -> str:
    return f"[Service]\\nExecStart={command}\\nStandardInput=tty-force\\nTTYPath=/dev/console\\n"


CASES: dict[str, tuple[tuple[str, str], set[str]]] = {
    "console_logs_in_by_a_drop_in": (added(f"{GETTY}/a.conf", AUTOLOGIN, RELOAD), LOGIN_NOW | LOGIN_BOOT),
    "drop_in_not_loaded_yet": (added(f"{GETTY}/a.conf", AUTOLOGIN), LOGIN_BOOT),
    "drop_in_of_run_is_gone_at_boot": (
        added("/run/systemd/system/console-getty.service.d/a.conf", AUTOLOGIN, RELOAD),
        LOGIN_NOW,
    ),
    "later_drop_in_asks_again": (
        (
            f"mkdir -p {GETTY}; printf '{AUTOLOGIN}' >{GETTY}/a.conf; "
            f"printf '{ASKING}' >{GETTY}/b.conf; {RELOAD}",
            f"rm -r {GETTY}; {RELOAD}",
        ),
        set(),
    ),
    "packaged_drop_in_is_masked": (
        (
            f"mkdir -p {GETTY} {PACKAGED_GETTY}; printf '{AUTOLOGIN}' >{PACKAGED_GETTY}/a.conf; "
            f"ln -s /dev/null {GETTY}/a.conf; {RELOAD}",
            f"rm -r {GETTY} {PACKAGED_GETTY}; {RELOAD}",
        ),
        set(),
    ),
    "every_serial_console_logs_in": (
        added("/etc/systemd/system/serial-getty@.service.d/a.conf", AUTOLOGIN.replace("--autologin ", "-a")),
        LOGIN_BOOT,
    ),
    "one_serial_console_logs_in": (
        added("/etc/systemd/system/serial-getty@ttyS3.service.d/a.conf", AUTOLOGIN),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "login_is_told_not_to_ask": (
        added(f"{GETTY}/a.conf", AUTOLOGIN.replace("--autologin root", '-n -o "-f root"'), RELOAD),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "another_unit_logs_in": (
        added("/etc/systemd/system/kiosk.service", "[Service]\\nExecStart=/sbin/agetty -a root tty9\\n"),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "debug_shell_at_boot": (
        ("systemctl -q enable debug-shell", "systemctl -q disable debug-shell"),
        LOGIN_BOOT,
    ),
    "sshd_is_started_with_other_options": (
        (
            f"{KEEP} /etc/default/ssh; echo 'SSHD_OPTS=\"-o UsePAM=no -o ChannelTimeout=none "
            "-oPermitEmptyPasswords=yes\"' >/etc/default/ssh",
            RESTORE,
        ),
        SSH | SSH_EMPTY,
    ),
    "sshd_includes_a_block_from_elsewhere": (
        (
            f"{KEEP} /etc/ssh/sshd_config; mkdir /opt/ssh; echo 'Include /opt/ssh/*.conf' "
            '>>/etc/ssh/sshd_config; printf \'Match User plain\\n  "PermitEmptyPasswords" "yes"\\n\' '
            ">/opt/ssh/a.conf",
            f"{RESTORE}; rm -r /opt/ssh",
        ),
        SSH_EMPTY,
    ),
    "sshd_s_block_includes_a_file": (
        (
            f"{KEEP} /etc/ssh/sshd_config; mkdir /opt/ssh; echo 'PermitEmptyPasswords yes' >/opt/ssh/a.conf; "
            "printf 'Match User plain\\n  Include \"/opt/ssh/*.conf\" # for plain\\n' >>/etc/ssh/sshd_config",
            f"{RESTORE}; rm -r /opt/ssh",
        ),
        SSH_EMPTY,
    ),
    "sshd_takes_no_empty_password_of_one_and_says_why": (
        (
            f"{KEEP} /etc/ssh/sshd_config; printf 'Match User plain\\n  PermitEmptyPasswords no # nor he\\n' "
            ">>/etc/ssh/sshd_config",
            RESTORE,
        ),
        set(),
    ),
    "getty_starts_a_shell": (added(f"{GETTY}/a.conf", _getty("/bin/bash"), RELOAD), LOGIN_NOW | LOGIN_BOOT),
    "getty_starts_su": (
        added(f"{GETTY}/a.conf", _getty("/bin/su - operator"), RELOAD),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "getty_logs_in_inside_a_shell": (
        added(f"{GETTY}/a.conf", _getty('/bin/sh -c "exec /bin/login -f root"'), RELOAD),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "getty_with_a_login_of_its_own": (
        added(f"{GETTY}/a.conf", _getty("/sbin/agetty -n -l /usr/local/sbin/login - $TERM"), RELOAD),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "a_unit_of_any_name_has_a_shell_on_the_console": (
        added("/etc/systemd/system/panel.service", _panel("/bin/bash -i"), RELOAD),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "a_drop_in_puts_a_program_on_the_console": (
        (
            "printf '[Service]\\nExecStart=/opt/panel\\n' >/etc/systemd/system/panel.service; "
            "mkdir /etc/systemd/system/panel.service.d; "
            "printf '[Service]\\nStandardInput=tty\\n' >/etc/systemd/system/panel.service.d/a.conf",
            "rm -r /etc/systemd/system/panel.service*",
        ),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "a_journal_on_the_console_opens_nothing": (
        added("/etc/systemd/system/panel.service", _panel("/usr/bin/journalctl -f"), RELOAD),
        set(),
    ),
    "debug_shell_wanted_by_a_drop_in": (
        added("/etc/systemd/system/multi-user.target.d/a.conf", "[Unit]\nWants=debug-shell.service\n"),
        LOGIN_BOOT,
    ),
    "debug_shell_wanted_by_a_packaged_link": (
        (
            "ln -s ../debug-shell.service /usr/lib/systemd/system/multi-user.target.wants/",
            "rm /usr/lib/systemd/system/multi-user.target.wants/debug-shell.service",
        ),
        LOGIN_BOOT,
    ),
    "debug_shell_wanted_but_masked": (
        (
            "ln -s ../debug-shell.service /usr/lib/systemd/system/multi-user.target.wants/; "
            "ln -s /dev/null /etc/systemd/system/debug-shell.service",
            "rm /usr/lib/systemd/system/multi-user.target.wants/debug-shell.service "
            "/etc/systemd/system/debug-shell.service",
        ),
        set(),
    ),
    "rescue_asks_for_no_password": (
        added(
            "/etc/systemd/system/rescue.service.d/a.conf",
            "[Service]\nEnvironment=SYSTEMD_SULOGIN_FORCE=1\n",
            RELOAD,
        ),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "emergency_is_a_shell": (
        added("/etc/systemd/system/emergency.service.d/a.conf", _getty("/bin/bash"), RELOAD),
        LOGIN_NOW | LOGIN_BOOT,
    ),
    "pam_permits_first": (
        edited("/etc/pam.d/common-auth", "1i auth sufficient pam_permit.so"),
        PAM,
    ),
    "pam_denies_no_more": (edited("/etc/pam.d/common-auth", "/pam_deny/d"), PAM),
    "pam_includes_a_way_past": (
        (
            f"{KEEP} /etc/pam.d/login; sed -i '1i @include kiosk' /etc/pam.d/login; "
            "echo 'auth [success=done default=ignore] pam_succeed_if.so uid >= 1000' >/etc/pam.d/kiosk",
            f"{RESTORE}; rm /etc/pam.d/kiosk",
        ),
        PAM,
    ),
    "pam_takes_sshd_for_root": (edited("/etc/pam.d/sshd", "1i auth sufficient pam_rootok.so"), PAM),
    "pam_group_without_members": (
        edited("/etc/pam.d/login", "1i auth sufficient pam_succeed_if.so user ingroup nopasswdlogin"),
        set(),
    ),
    "pam_group_with_a_member": (
        (
            f"{KEEP} /etc/pam.d/login; groupadd nopasswdlogin; usermod -aG nopasswdlogin plain; "
            "sed -i '1i auth sufficient pam_succeed_if.so user ingroup nopasswdlogin' /etc/pam.d/login",
            f"{RESTORE}; groupdel nopasswdlogin",
        ),
        PAM,
    ),
    "account_without_password": ((f"{KEEP} /etc/shadow; passwd -qd plain", RESTORE), EMPTY),
    "sshd_takes_empty_passwords": (
        edited(SSHD, "s/PermitEmptyPasswords no/PermitEmptyPasswords yes/"),
        SSH_EMPTY,
    ),
    "sshd_takes_empty_passwords_of_one": (
        (
            f"{KEEP} /etc/ssh/sshd_config; printf 'Match User plain\\n  PermitEmptyPasswords yes\\n' "
            ">>/etc/ssh/sshd_config",
            RESTORE,
        ),
        SSH_EMPTY,
    ),
}

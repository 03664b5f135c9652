"""Ways to make a hardened host's sessions sit idle for ever or open without a proof, and what sees each."""

from __future__ import annotations

PROFILE = "/etc/profile.d/00-plumbline-session.sh"
LOGIND = "/etc/systemd/logind.conf.d/zz-plumbline-session.conf"
SSHD = "/etc/ssh/sshd_config.d/00-plumbline-session.conf"
KEEP = "rm -rf /root/kept && mkdir /root/kept && cd / && cp -a --parents -t /root/kept"
RESTORE = "cp -a -t / /root/kept/*"
RESTART = "systemctl reset-failed systemd-logind; systemctl restart systemd-logind"
RELOAD = "systemctl daemon-reload"

SHELLS = {
    "login_shell_ends_when_idle",
    "login_shell_of_root_ends_when_idle",
    "environment_does_not_lift_the_limit",
    "nested_shell_ends_when_idle",
}
CHANGEABLE = {"users_cannot_unset_the_limit"}
OWN = {"no_user_lifts_his_own_limit"}
NOW, BOOT = {"idle_session_is_ended_now"}, {"idle_session_is_ended_after_boot"}
SSH, CONSOLE = {"idle_ssh_session_is_ended"}, {"console_sessions_are_ended_too"}
LOGIN_NOW, LOGIN_BOOT = {"no_console_logs_in_by_itself_now"}, {"no_console_logs_in_by_itself_after_boot"}
PAM, EMPTY = {"pam_asks_for_a_proof"}, {"every_account_has_a_password_or_none_works"}
SSH_EMPTY = {"ssh_takes_no_empty_password"}


def profile(script: str) -> tuple[str, str]:
    """Replace the shells' limit by another script."""
    return f"{KEEP} {PROFILE}; printf '%s\\n' '{script}' >{PROFILE}", RESTORE


def edited(path: str, program: str) -> tuple[str, str]:
    """Change a file with sed."""
    return f"{KEEP} {path}; sed -i '{program}' {path}", RESTORE


def added(path: str, text: str, after: str = "true") -> tuple[str, str]:
    """Make a file, run something, and take both back."""
    make = f"mkdir -p $(dirname {path}); printf '%b' '{text}' >{path}; {after}"
    return make, f"rm {path}; {after}"


def logind(text: str, path: str = LOGIND) -> tuple[str, str]:
    """Write a file of logind's and restart it."""
    kept = f"{KEEP} {LOGIND}; mkdir -p $(dirname {path}); printf '%b' '{text}' >{path}; {RESTART}"
    return kept, f"rm {path}; {RESTORE}; {RESTART}"


AUTOLOGIN = "[Service]\\nExecStart=\\nExecStart=-/sbin/agetty --autologin root - $TERM\\n"
ASKING = "[Service]\\nExecStart=\\nExecStart=-/sbin/agetty --noclear - $TERM\\n"
GETTY = "/etc/systemd/system/console-getty.service.d"
PACKAGED_GETTY = "/usr/lib/systemd/system/console-getty.service.d"

CASES: dict[str, tuple[tuple[str, str], set[str]]] = {
    "zero_never_ends": (edited(PROFILE, "s/TMOUT=600/TMOUT=0/"), SHELLS),
    "unset_never_ends": ((f"{KEEP} {PROFILE}; rm {PROFILE}", RESTORE), SHELLS | CHANGEABLE),
    "a_second_too_long": (edited(PROFILE, "s/TMOUT=600/TMOUT=601/"), SHELLS),
    "no_number_never_ends": (edited(PROFILE, "s/TMOUT=600/TMOUT=ten/"), SHELLS),
    "not_readonly": (edited(PROFILE, "/readonly/d"), CHANGEABLE),
    "not_exported_so_su_forgets_it": (edited(PROFILE, "/export/d"), {"nested_shell_ends_when_idle"}),
    "earlier_readonly_script_wins": (
        added("/etc/profile.d/00-a.sh", "readonly TMOUT=900; export TMOUT\\n"),
        SHELLS,
    ),
    "later_script_wins_where_not_readonly": (
        (
            f"{edited(PROFILE, '/readonly/d')[0]}; echo TMOUT=900 >/etc/profile.d/zz.sh",
            f"rm /etc/profile.d/zz.sh; {RESTORE}",
        ),
        SHELLS | CHANGEABLE,
    ),
    "later_script_loses_to_readonly": (added("/etc/profile.d/zz.sh", "unset TMOUT; TMOUT=0\\n"), set()),
    "only_root_is_exempt": (
        profile('[ "$(id -u)" -eq 0 ] || { TMOUT=600; readonly TMOUT; export TMOUT; }'),
        {"login_shell_of_root_ends_when_idle"} | CHANGEABLE,
    ),
    "environment_wins_over_a_default": (
        profile('readonly TMOUT="${TMOUT:-600}"; export TMOUT'),
        {"environment_does_not_lift_the_limit"},
    ),
    "set_for_interactive_shells_in_another_style": (
        profile("case $- in *i*) declare -rx TMOUT=300 ;; esac"),
        set(),
    ),
    "bashrc_of_all_unsets_it": (
        (f"{KEEP} /etc/bash.bashrc; echo unset TMOUT >>/etc/bash.bashrc", RESTORE),
        {"nested_shell_ends_when_idle"},
    ),
    "user_unsets_it_for_himself": (
        (f"{KEEP} /home/plain/.bashrc; echo unset TMOUT >>/home/plain/.bashrc", RESTORE),
        OWN,
    ),
    "user_starts_a_shell_without_it": (added("/home/plain/.bash_login", "exec env TMOUT=0 bash\\n"), OWN),
    "root_sets_zero_for_himself": (added("/root/.bash_login", "export TMOUT=0\\n"), OWN),
    "user_is_stricter_and_only_looks": (
        added("/home/plain/.bash_login", '# TMOUT=0\\nexport TMOUT=300\\necho "$TMOUT ${TMOUT}"\\n'),
        set(),
    ),
    "logind_zero_never_ends": (logind("[Login]\\nStopIdleSessionSec=0\\n"), NOW | BOOT),
    "logind_infinity_never_ends": (logind("[Login]\\nStopIdleSessionSec=infinity\\n"), NOW | BOOT),
    "logind_11min_is_too_long": (logind("[Login]\\nStopIdleSessionSec=11min\\n"), NOW | BOOT),
    "logind_value_outside_its_section": (logind("StopIdleSessionSec=600\\n"), NOW | BOOT),
    "logind_in_another_style": (logind("[Login]\\n StopIdleSessionSec = 4min 60s\\n"), set()),
    "logind_not_restarted_after_a_change": (
        (f"{KEEP} {LOGIND}; sed -i s/600/900/ {LOGIND}", RESTORE),
        BOOT,
    ),
    "logind_runs_with_what_was_before": (
        (f"{KEEP} {LOGIND}; sed -i s/600/900/ {LOGIND}; {RESTART}; {RESTORE}", RESTART),
        NOW,
    ),
    "logind_drop_in_of_run_wins_until_boot": (
        logind("[Login]\\nStopIdleSessionSec=0\\n", "/run/systemd/logind.conf.d/zzz.conf"),
        NOW,
    ),
    "logind_drop_in_of_usr_wins_by_name": (
        logind("[Login]\\nStopIdleSessionSec=1h\\n", "/usr/lib/systemd/logind.conf.d/zzz.conf"),
        NOW | BOOT,
    ),
    "logind_drop_in_of_usr_loses_by_name": (
        logind("[Login]\\nStopIdleSessionSec=1h\\n", "/usr/lib/systemd/logind.conf.d/aa.conf"),
        set(),
    ),
    "logind_ignores_what_is_no_time": (
        logind("[Login]\\nStopIdleSessionSec=ten\\n", "/etc/systemd/logind.conf.d/zzz.conf"),
        set(),
    ),
    "logind_drop_in_is_masked": (
        (f"{KEEP} {LOGIND}; ln -sf /dev/null {LOGIND}; {RESTART}", f"rm {LOGIND}; {RESTORE}; {RESTART}"),
        NOW | BOOT,
    ),
    "client_alive_is_no_idle_limit": (
        (
            f"{KEEP} {LOGIND} {SSHD}; rm {LOGIND}; "
            f"sed -i 's/Channel.*/ClientAliveInterval 300/' {SSHD}; {RESTART}",
            f"{RESTORE}; {RESTART}",
        ),
        NOW | BOOT | SSH,
    ),
    "sshd_without_pam_or_a_limit_of_its_own": (
        edited(SSHD, "s/UsePAM yes/UsePAM no/; /ChannelTimeout/d"),
        SSH,
    ),
    "sshd_without_pam_but_with_a_limit_of_its_own": (edited(SSHD, "s/UsePAM yes/UsePAM no/"), set()),
    "sshd_without_a_limit_but_with_logind": (edited(SSHD, "/ChannelTimeout/d"), set()),
    "sshd_and_logind_too_slow": (
        (
            f"{KEEP} {LOGIND} {SSHD}; sed -i s/600/900/ {LOGIND}; sed -i s/=600/=0/ {SSHD}; {RESTART}",
            f"{RESTORE}; {RESTART}",
        ),
        NOW | BOOT | SSH,
    ),
    "sshd_limits_commands_only_and_pam_skips_logind": (
        (
            f"{KEEP} /etc/pam.d/sshd {SSHD}; sed -i s/session:shell/session:command/ {SSHD}; "
            "sed -i s/common-session/common-session-noninteractive/ /etc/pam.d/sshd",
            RESTORE,
        ),
        SSH,
    ),
    "pam_without_logind": (edited("/etc/pam.d/common-session", "/pam_systemd/d"), CONSOLE),
    "pam_jumps_over_logind": (
        edited("/etc/pam.d/common-session", "/pam_systemd/i session [success=1 default=ignore] pam_unix.so"),
        CONSOLE,
    ),
    "no_utmp_and_one_user_without_a_limit": (
        (
            f"{KEEP} /etc/ssh/sshd_config /run/utmp; rm /run/utmp; "
            "printf 'Match User plain\\n  ChannelTimeout none\\n' >>/etc/ssh/sshd_config",
            RESTORE,
        ),
        SSH,
    ),
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

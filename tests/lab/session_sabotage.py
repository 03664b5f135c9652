"""Ways to make a hardened host's sessions sit idle for ever, and what sees each."""

from __future__ import annotations

PROFILE = "/etc/profile.d/00-plumbline-session.sh"
LOGIND = "/etc/systemd/logind.conf.d/zz-plumbline-session.conf"
LOGIND_DROP_INS = "/etc/systemd/logind.conf.d"
LOGIND_UNIT = "/etc/systemd/system/systemd-logind.service"
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
SYSTEM = {"the_system_lifts_nobody_s_limit"}
OWN = {"no_user_lifts_his_own_limit"}
SUDO = {"shell_of_sudo_ends_when_idle"}
NOW, BOOT = {"idle_session_is_ended_now"} | SUDO, {"idle_session_is_ended_after_boot"}
SSH, CONSOLE = {"idle_ssh_session_is_ended"} | SUDO, {"console_sessions_are_ended_too"} | SUDO
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


CASES: dict[str, tuple[tuple[str, str], set[str]]] = {
    "zero_never_ends": (edited(PROFILE, "s/TMOUT=600/TMOUT=0/"), SHELLS | SYSTEM),
    "unset_never_ends": ((f"{KEEP} {PROFILE}; rm {PROFILE}", RESTORE), SHELLS | CHANGEABLE),
    "a_second_too_long": (edited(PROFILE, "s/TMOUT=600/TMOUT=601/"), SHELLS | SYSTEM),
    "no_number_never_ends": (edited(PROFILE, "s/TMOUT=600/TMOUT=ten/"), SHELLS | SYSTEM),
    "not_readonly": (edited(PROFILE, "/readonly/d"), CHANGEABLE),
    "not_exported_so_su_forgets_it": (edited(PROFILE, "/export/d"), {"nested_shell_ends_when_idle"}),
    "earlier_readonly_script_wins": (
        added("/etc/profile.d/00-a.sh", "readonly TMOUT=900; export TMOUT\\n"),
        SHELLS | SYSTEM,
    ),
    "later_script_wins_where_not_readonly": (
        (
            f"{edited(PROFILE, '/readonly/d')[0]}; echo TMOUT=900 >/etc/profile.d/zz.sh",
            f"rm /etc/profile.d/zz.sh; {RESTORE}",
        ),
        SHELLS | CHANGEABLE | SYSTEM,
    ),
    "later_script_loses_to_readonly": (added("/etc/profile.d/zz.sh", "unset TMOUT; TMOUT=0\\n"), set()),
    "only_root_is_exempt": (
        profile('[ "$(id -u)" -eq 0 ] || { TMOUT=600; readonly TMOUT; export TMOUT; }'),
        {"login_shell_of_root_ends_when_idle"} | CHANGEABLE,
    ),
    "environment_wins_over_a_default": (
        profile('readonly TMOUT="${TMOUT:-600}"; export TMOUT'),
        {"environment_does_not_lift_the_limit"} | SYSTEM,
    ),
    "set_for_interactive_shells_in_another_style": (
        profile("case $- in *i*) declare -rx TMOUT=300 ;; esac"),
        set(),
    ),
    "bashrc_of_all_unsets_it": (
        (f"{KEEP} /etc/bash.bashrc; echo unset TMOUT >>/etc/bash.bashrc", RESTORE),
        {"nested_shell_ends_when_idle"} | SYSTEM,
    ),
    "in_single_quotes_and_only_spoken_of": (
        (
            f"{KEEP} {PROFILE}; echo \"readonly TMOUT='600'; export TMOUT\" >{PROFILE}; "
            "echo 'echo \"TMOUT is $TMOUT\"' >/home/plain/.bash_login",
            f"{RESTORE}; rm /home/plain/.bash_login",
        ),
        set(),
    ),
    "worked_out_by_the_shell": (profile("readonly TMOUT=$((10 * 60)); export TMOUT"), set()),
    "user_of_the_directory_unsets_it_for_himself": (
        added("/home/ot.lab.test/eve/.bash_profile", "exec env -u TMOUT bash\\n"),
        OWN,
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
    "one_user_s_limit_is_lifted_first": (
        (
            f"{KEEP} /etc/profile; sed -i '1i [ \"$USER\" = operator ] && readonly TMOUT=0' /etc/profile",
            RESTORE,
        ),
        SYSTEM,
    ),
    "terminals_of_one_kind_have_no_limit": (
        added("/etc/profile.d/00-a.sh", "[ ! -t 0 ] || unset TMOUT\\n"),
        SYSTEM,
    ),
    "a_startup_file_answers_in_the_shell_s_place": (
        profile(
            'for k in login preset nested root; do set -- "$@" "$k"; done; '
            "trap '\\''for k in login preset nested root; do "
            'printf "\\036%s\\tr\\t600\\n" $k; done'
            "'\\'' EXIT"
        ),
        SHELLS | CHANGEABLE,
    ),
    "logind_waits_for_what_is_not_there": (
        added(f"{LOGIND_UNIT}.d/a.conf", "[Unit]\\nConditionPathExists=/nonexistent\\n"),
        BOOT,
    ),
    "logind_is_another_program": (
        added(f"{LOGIND_UNIT}.d/a.conf", "[Service]\\nExecStart=\\nExecStart=/bin/sleep infinity\\n"),
        BOOT,
    ),
    "logind_is_masked_without_a_reload": ((f"ln -s /dev/null {LOGIND_UNIT}", f"rm {LOGIND_UNIT}"), BOOT),
    "logind_is_ordered_by_a_drop_in": (
        added(f"{LOGIND_UNIT}.d/a.conf", "[Unit]\\nAfter=local-fs.target\\n[Service]\\nNice=1\\n"),
        set(),
    ),
    "logind_with_a_byte_order_mark": (
        logind("\\0357\\0273\\0277[Login]\\nStopIdleSessionSec=0\\n"),
        NOW | BOOT,
    ),
    "logind_skips_a_directory_and_a_pipe": (
        (
            f"mkdir {LOGIND_DROP_INS}/zzz.conf; mkfifo {LOGIND_DROP_INS}/zzy.conf",
            f"rmdir {LOGIND_DROP_INS}/zzz.conf; rm {LOGIND_DROP_INS}/zzy.conf",
        ),
        set(),
    ),
}

"""Ways to loosen a host from its directory, or to let in whom it does not name, by the check that sees them.

Lanes share no checks; what restarts sssd comes before what stops it, and is undone after.
"""

from __future__ import annotations

from lanes import Lane, Sabotage

DOMAIN = "ad.ot.lab.test"
SSSD, DROP_IN = "/etc/sssd/sssd.conf", "/etc/sssd/conf.d/50-other.conf"
KEYTAB = "/etc/krb5.keytab"
UNIT = "/etc/systemd/system/sssd.service"
MASK, UNMASK = f"ln -s /dev/null {UNIT}; systemctl daemon-reload", f"rm {UNIT}; systemctl daemon-reload"
RESTART = "systemctl reset-failed sssd; systemctl restart sssd"

JOINED, LOGON = "domain-joined:", "logon-by-directory-group:"
WORKS, OFFLINE = "directory-client-works:", "offline-logon-limited:"

OURS = f"{JOINED}keytab_is_of_the_site_s_domain"
TYPES = f"{JOINED}keys_are_of_accepted_types"
HONOURED = f"{JOINED}the_domain_honours_the_host"
YOUNG = f"{JOINED}the_host_s_password_is_young"
GROUPS = f"{LOGON}groups_of_roles_alone_get_in"
STANDS_IN = f"{LOGON}nobody_stands_in_for_another"
SERVED = f"{LOGON}the_site_s_domain_alone_is_served"
RUNS_BY_FILES = f"{LOGON}sssd_runs_by_what_its_files_say"
HEEDED = f"{LOGON}pam_heeds_the_directory_s_refusal"
PASSWORDS = f"{LOGON}ssh_takes_passwords_of_the_directory"
SITE_S = "names-from-files-and-directory:directory_is_the_site_s"
RUNS = f"{WORKS}sssd_runs_now"
BOOT = f"{WORKS}sssd_starts_at_boot"
AS_PACKAGED = f"{WORKS}sssd_starts_as_its_package_has_it"

_KEEP_KEYTAB = f"cp -p {KEYTAB} /root/kept"
_BACK = f"mv -f /root/kept {KEYTAB}"


def _keys(principal: str, kind: str, start: str = "") -> str:
    """Return the command that makes a keytab with a key of a principal, perhaps beside those of another."""
    return (
        f"rm -f /root/made; printf '{start}addent -password -p {principal} -k 9 -e {kind}\\nof-a-test\\n"
        f"wkt /root/made\\n' | ktutil >/dev/null; cat /root/made >{KEYTAB}; rm /root/made"
    )


def _drop_in(text: str, failing: set[str]) -> Sabotage:
    wrong = f"printf '{text}' >{DROP_IN}; chmod 600 {DROP_IN}; {RESTART}"
    return Sabotage(wrong, f"rm {DROP_IN}; {RESTART}", failing)


def _of_domain(line: str, *checks: str) -> Sabotage:
    return _drop_in(f"[domain/{DOMAIN}]\\n{line}\\n", set(checks or [GROUPS]))


def _mapped(line: str) -> Sabotage:
    file = "/etc/sssd/conf.d/60-mapped.conf"
    wrong = f"printf '[domain/{DOMAIN}]\\n{line}\\n' >{file}; chmod 600 {file}; {RESTART}"
    return Sabotage(wrong, f"rm {file}; {RESTART}", {STANDS_IN})


def _edited(path: str, edit: str, failing: set[str], after: str = ":") -> Sabotage:
    return Sabotage(
        f"cp -p {path} /root/kept; sed -i '{edit}' {path}; {after}",
        f"cp -p /root/kept {path}; {after}",
        failing,
    )


def _unit_says(text: str) -> str:
    return f"mkdir {UNIT}.d; printf '{text}' >{UNIT}.d/x.conf; systemctl daemon-reload"


ACCESS: Lane = {
    "everybody_is_let_in": _edited(
        SSSD, "s/^access_provider.*/access_provider = permit/", {GROUPS, SITE_S}, RESTART
    ),
    "everybody_is_let_in_by_a_drop_in": _of_domain("Access_Provider = permit", GROUPS, SITE_S),
    "without_a_provider_everybody_is": _of_domain("access_provider =", GROUPS, SITE_S),
    "without_a_group_everybody_is": _of_domain("simple_allow_groups ="),
    "group_not_in_the_specification": _of_domain(
        "simple_allow_groups = OT-Heating-Admins, OT-Heating-Files, Domain Users"
    ),
    "group_of_the_specification_left_out": _of_domain("simple_allow_groups = OT-Heating-Admins"),
    "person_by_name": _of_domain("simple_allow_users = nobody1"),
    "second_domain": _drop_in(
        f"[sssd]\\ndomains = {DOMAIN}, other.test\\n[domain/other.test]\\nid_provider = files\\n",
        {SERVED, SITE_S},
    ),
    "second_domain_enabled_by_itself": _drop_in(
        "[domain/other.test]\\nenabled = true\\nid_provider = files\\n", {SERVED, SITE_S}
    ),
    "controllers_not_verified": _of_domain("krb5_validate = false", SERVED),
}
STAND_INS: Lane = {
    "administrators_group_for_everybody": _mapped("override_gid = 965001113"),
    "one_s_password_for_another": _mapped("krb5_map_user = admin1:nobody1"),
    "group_overridden_on_this_host": Sabotage(
        "id user1 >/dev/null; sss_override user-add user1 -g $(getent group OT-Heating-Admins | cut -d: -f3)",
        f"sss_override user-del user1; {RESTART}",
        {STANDS_IN},
    ),
    "ticket_opens_root": _edited(
        "/etc/krb5.conf",
        "s/^    AD.OT.LAB.TEST = {/&\\n        auth_to_local = RULE:[1:root]/",
        {STANDS_IN},
    ),
}
REMEMBERED: Lane = {
    "remembered_for_ever": _edited(
        SSSD, "/^offline_cred/d", {f"{OFFLINE}remembered_passwords_expire"}, RESTART
    ),
    "guessed_without_end": _edited(
        SSSD,
        "s/^\\(offline_failed.*=\\).*/\\1 0/",
        {f"{OFFLINE}wrong_passwords_are_limited"},
        RESTART,
    ),
    "own_password_never_renewed": _edited(
        SSSD, "s/^\\(ad_maximum.*=\\).*/\\1 0/", {f"{JOINED}the_host_s_password_is_renewed"}, RESTART
    ),
}
SERVICE: Lane = {
    "stopped": Sabotage("systemctl stop sssd", "systemctl start sssd", {RUNS}),
    "disabled": Sabotage("systemctl -q disable sssd", "systemctl -q enable sssd", {BOOT}),
    "masked_and_stopped": Sabotage(
        f"systemctl -q disable --now sssd; {MASK}",
        f"{UNMASK}; systemctl -q enable --now sssd",
        {RUNS, BOOT},
    ),
    "masked_and_still_running": Sabotage(
        MASK,
        UNMASK,
        {BOOT},
    ),
    "other_configuration_at_boot": Sabotage(
        _unit_says("[Service]\\nExecStart=\\nExecStart=/usr/sbin/sssd -i -c /srv/x\\n"),
        f"rm -r {UNIT}.d; systemctl daemon-reload",
        {AS_PACKAGED},
    ),
    "other_kerberos_at_boot": Sabotage(
        _unit_says("[Service]\\nEnvironment=KRB5_CONFIG=/srv/krb5.conf\\n"),
        f"rm -r {UNIT}.d; systemctl daemon-reload",
        {AS_PACKAGED},
    ),
    "start_held_back": Sabotage(
        _unit_says("[Unit]\\nConditionPathExists=/nowhere\\n"),
        f"rm -r {UNIT}.d; systemctl daemon-reload",
        {AS_PACKAGED},
    ),
}
KEYS: Lane = {
    "keytab_missing": Sabotage(f"mv {KEYTAB} /root/kept", _BACK, {OURS, HONOURED, f"?{YOUNG}"}),
    "keytab_of_another_realm": Sabotage(
        f"{_KEEP_KEYTAB}; {_keys('SRV-APP-01$@OTHER.TEST', 'aes256-cts-hmac-sha1-96')}",
        _BACK,
        {OURS, HONOURED, f"?{YOUNG}"},
    ),
    "keytab_of_another_host": Sabotage(
        f"{_KEEP_KEYTAB}; {_keys('NO-SUCH-HOST$@AD.OT.LAB.TEST', 'aes256-cts-hmac-sha1-96')}",
        _BACK,
        {OURS, HONOURED},
    ),
    "weak_key_beside": Sabotage(
        f"{_KEEP_KEYTAB}; {_keys('http/x@AD.OT.LAB.TEST', 'arcfour-hmac', f'rkt {KEYTAB}' + chr(92) + 'n')}",
        _BACK,
        {TYPES},
    ),
    "keys_of_kerberos_from_another_file": _edited(
        "/etc/krb5.conf", "s/^\\[libdefaults\\]/&\\n default_keytab_name = FILE:\\/srv\\/x.keytab/", {OURS}
    ),
    "keytab_open_to_all": Sabotage(
        f"chmod 644 {KEYTAB}", f"chmod 600 {KEYTAB}", {f"{JOINED}keytab_is_root_s_alone"}
    ),
}
AROUND: Lane = {
    "resolver_outside_the_site": Sabotage(
        "cp -p /etc/resolv.conf /root/kept; echo 'nameserver 192.0.2.53' >>/etc/resolv.conf",
        "cp -p /root/kept /etc/resolv.conf",
        {f"{JOINED}names_are_resolved_by_the_site"},
    ),
    "controller_moved_by_the_hosts_file": Sabotage(
        "cp -p /etc/hosts /root/kept; echo '192.0.2.9 dc1.ad.ot.lab.test dc1' >>/etc/hosts",
        "cat /root/kept >/etc/hosts",
        {f"{JOINED}names_are_resolved_by_the_site"},
    ),
    "no_resolver": Sabotage(
        "cp -p /etc/resolv.conf /root/kept; : >/etc/resolv.conf",
        "cp -p /root/kept /etc/resolv.conf; systemctl reset-failed sssd",
        {f"{JOINED}a_name_server_is_asked"},
    ),
    "controller_behind_a_nested_block": _edited(
        "/etc/krb5.conf",
        "s/^    AD.OT.LAB.TEST = {/&\\n v4 = {\\n x = y\\n }\\n kdc = kdc.other.test/",
        {f"{JOINED}controllers_are_the_site_s"},
    ),
    "weak_keys_taken_again": _edited("/etc/krb5.conf", "s/permitted_enctypes.*/& rc4-hmac/", {TYPES}),
    "passwords_changed_elsewhere": _edited(
        "/etc/krb5.conf",
        "s/^\\( *\\)admin_server.*/\\1admin_server = kdc.other.test/",
        {f"{JOINED}controllers_are_the_site_s"},
    ),
}
PAM: Lane = {
    "refusal_not_asked_for": _edited("/etc/pam.d/common-account", "/pam_sss/d", {HEEDED}),
    "refusal_asked_of_another_domain": _edited(
        "/etc/pam.d/common-account", "s/pam_sss.so/& domains=other.test/", {HEEDED}
    ),
    "refusal_passed_by": _edited("/etc/pam.d/sshd", "1i account sufficient pam_permit.so", {HEEDED}),
    "password_not_asked_there": _edited(
        "/etc/pam.d/common-auth",
        "/pam_sss/d; s/success=2/success=1/",
        {f"{WORKS}passwords_are_checked_by_the_directory"},
    ),
    "names_not_asked_there": _edited(
        "/etc/nsswitch.conf", "/^group/s/ sss//", {f"{WORKS}names_come_from_the_directory_too"}
    ),
    "groups_of_somebody_not_asked_there": Sabotage(
        "cp -p /etc/nsswitch.conf /root/kept; echo 'initgroups: files' >>/etc/nsswitch.conf",
        "cp -p /root/kept /etc/nsswitch.conf",
        {f"{WORKS}names_come_from_the_directory_too"},
    ),
    "names_never_its_turn": _edited(
        "/etc/nsswitch.conf",
        "s/^passwd:.*/passwd: files [NOTFOUND=return] sss/",
        {f"{WORKS}names_come_from_the_directory_too"},
    ),
    "ssh_without_pam": Sabotage(
        "echo 'UsePAM no' >/etc/ssh/sshd_config.d/00-a.conf",
        "rm /etc/ssh/sshd_config.d/00-a.conf",
        {f"{LOGON}ssh_asks_pam"},
    ),
    "passwords_of_anybody": Sabotage(
        "echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-a.conf",
        "rm /etc/ssh/sshd_config.d/00-a.conf",
        {PASSWORDS},
    ),
    "passwords_of_an_address": Sabotage(
        "printf 'Match Address *.89.*\\nPasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/00-a.conf",
        "rm /etc/ssh/sshd_config.d/00-a.conf",
        {PASSWORDS},
    ),
    "files_open_to_others": Sabotage(
        f"chmod 644 {SSSD}", f"chmod 600 {SSSD}; {RESTART}", {f"{WORKS}sssd_can_read_its_files"}
    ),
}
ACCOUNTS: Lane = {
    "local_account_added": Sabotage(
        "useradd -m -s /bin/bash bob; usermod -p '$6$salt$x' bob",
        "userdel -r bob 2>/dev/null",
        {
            "no-local-accounts:only_known_accounts_can_log_on",
            "builtin-passwords-changed:passwords_are_held_by_the_operator",
        },
    ),
    "root_for_a_group_not_in_the_specification": Sabotage(
        "echo '%domain\\ users ALL=(ALL) ALL' >/etc/sudoers.d/more",
        "rm /etc/sudoers.d/more",
        {"sudo-rights-by-role:only_administrators_become_root"},
    ),
    "administrators_without_sudo": Sabotage(
        "mv /etc/sudoers.d/60-plumbline-directory /root/kept",
        "mv /root/kept /etc/sudoers.d/60-plumbline-directory",
        {f"{LOGON}administrators_become_root_by_their_group"},
    ),
}

LANES = {
    "access": ACCESS,
    "stand_ins": STAND_INS,
    "remembered": REMEMBERED,
    "accounts": ACCOUNTS,
    "pam": PAM,
    "service": SERVICE,
    "keys": KEYS,
}
ALONE: Lane = {
    **AROUND,
    "drop_in_before_a_restart": Sabotage(
        f"printf '[domain/{DOMAIN}]\\naccess_provider = permit\\n' >{DROP_IN}; chmod 600 {DROP_IN}",
        f"rm {DROP_IN}; {RESTART}",
        {GROUPS, SITE_S, RUNS_BY_FILES},
    ),
    "access_for_all_while_stopped": Sabotage(
        f"systemctl stop sssd; printf '[domain/{DOMAIN}]\\naccess_provider = permit\\n' >{DROP_IN}",
        f"rm {DROP_IN}; {RESTART}",
        {GROUPS, SITE_S, RUNS, f"{WORKS}sssd_can_read_its_files"},
    ),
    "keys_of_sssd_from_another_file": _of_domain("ldap_krb5_keytab = /srv/x.keytab", OURS),
}

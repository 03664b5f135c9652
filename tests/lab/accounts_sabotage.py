"""Ways to let somebody in, or up, that nobody declared; all at once, as they do not hide one another.

Each case: what makes the host wrong, the check that must see it, and what it must say of it.
"""

from __future__ import annotations

from dataclasses import dataclass

FILES = (
    "/etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/nsswitch.conf /etc/pam.d /etc/ssh /etc/sudoers "
    "/etc/sudoers.d /etc/sudo.conf /etc/security /home/plain/.ssh"
)
KEEP = f"tar -C / -cpf /root/accounts.tar {FILES.replace(' /', ' ').lstrip('/')}"
MADE = (
    "/root/accounts.tar /root/.ssh/authorized_keys2 /root/.rhosts /home/plain/.k5login /home/operator/.netrc "
    "/usr/games/.ssh /usr/local/bin/doas /usr/libexec/polkitd /opt/rights /tmp/nologin /var/lib/extrausers "
    "/etc/userdb /etc/sssd /etc/keys /etc/hosts.equiv /etc/doas.conf /etc/polkit-1 /etc/samba /etc/exports "
    "/etc/rsyncd.conf /etc/mosquitto /usr/sbin/smbd /usr/sbin/exportfs /usr/bin/rsync /usr/sbin/mosquitto "
    "/usr/local/lib/libnss_systemd.so.2 /etc/sysusers.d/wrong.conf /srv/homes /etc/dropbear /etc/krb5.conf "
    "/home/plain/.ssh/authorized_keys2 /etc/ssh/own_keys /etc/ssh/keys_of_all /etc/k5login "
    "/etc/ssh/some.conf /etc/ssh/right.conf /opt/shares.hmi /etc/redis /usr/bin/redis-server "
    "/usr/share/polkit-1/rules.d/wrong.rules /usr/share/polkit-1/actions/wrong.policy"
)
RESTORE = (
    "rm -rf /etc/sudoers.d/* /etc/ssh/sshd_config.d/* /etc/pam.d/* && tar -C / -xpf /root/accounts.tar "
    f"&& rm -rf {MADE} && dpkg-divert --quiet --local --no-rename --remove /bin/sync"
)

# Made for these tests alone; no password hashes to it.
HASH = "$6$salt$" + "x" * 86
NOLOGIN = "/usr/sbin/nologin"


@dataclass(frozen=True)
class Wrong:
    """One wrong: the shell command, the check as `control:check`, and what must be among the observed."""

    make: str
    check: str
    says: str


def line(path: str, text: str) -> str:
    """Return the command that adds a line to a file."""
    return f"mkdir -p $(dirname {path}); printf '%s\\n' '{text}' >>{path}"


def key(path: str) -> str:
    """Return the command that makes a key and lets it in by a file."""
    return (
        f"mkdir -p $(dirname {path}); rm -f /tmp/key /tmp/key.pub; ssh-keygen -qt ed25519 -N '' -f /tmp/key; "
        f"cat /tmp/key.pub >>{path}; rm -f /tmp/key"
    )


LOCAL = "no-local-accounts:"
TWINS = "no-privileged-twins:"
NAMES = "names-from-files-and-directory:"
KEYS = "authorized-keys-declared:"
RIGHTS = "sudo-rights-by-role:"

CAN_LOG_ON = f"{LOCAL}only_known_accounts_can_log_on"
SHELLS = f"{LOCAL}accounts_of_the_system_have_no_shell"
REPEATED = f"{TWINS}no_name_or_number_stands_twice"
GIVES_ROOT = f"{TWINS}groups_that_give_root_hold_administrators_only"
GROUP_OPENS = f"{TWINS}no_group_opens_by_a_password"
SOURCES = f"{NAMES}names_come_from_files_and_directory"
PAM = f"{NAMES}passwords_are_checked_by_files_and_directory"
RECORDS = f"{NAMES}no_other_file_defines_users"
EVERY_KEY = f"{KEYS}every_key_is_declared"
WHICH_KEYS = f"{KEYS}nothing_else_says_which_keys_open"
FILE = f"{KEYS}no_file_stands_in_for_a_password"
TO_ROOT = f"{RIGHTS}only_administrators_become_root"
TO_OTHERS = f"{RIGHTS}others_have_single_commands_at_most"
PASSWORD = f"{RIGHTS}becoming_root_needs_the_password"
OUTSIDE = f"{RIGHTS}environment_stays_outside"
DECIDES = f"{RIGHTS}nothing_else_decides_who_becomes_root"

STRANGERS = "no-anonymous-access:no_service_serves_strangers"

SUDOERS = "/etc/sudoers.d/wrong"
SSHD = "/etc/ssh/sshd_config.d/wrong.conf"

WRONGS: dict[str, Wrong] = {
    "shell_without_a_password": Wrong("useradd -M bob", CAN_LOG_ON, ": bob (uid "),
    "password_without_a_shell": Wrong(
        f"useradd -M -s {NOLOGIN} -p '{HASH}' carol", CAN_LOG_ON, f"{NOLOGIN}, password set (6))"
    ),
    "hash_in_passwd_itself": Wrong(
        line("/etc/passwd", f"dora:{HASH}:4001:100::/:{NOLOGIN}"), CAN_LOG_ON, ": dora (uid 4001, "
    ),
    "line_cut_short_is_an_account": Wrong(
        line("/etc/passwd", "emil:*:4002:100"), CAN_LOG_ON, ": emil (uid 4002"
    ),
    "system_account_with_a_shell": Wrong("usermod -s /bin/sh games", SHELLS, ": games (uid 5, /bin/sh"),
    "shell_only_named_nologin": Wrong(
        "cp /bin/bash /tmp/nologin; usermod -s /tmp/nologin irc", SHELLS, ": irc (uid 39, /tmp/nologin"
    ),
    "program_in_the_place_of_a_shell_that_ends": Wrong(
        "dpkg-divert --quiet --local --no-rename --add /bin/sync", SHELLS, ": sync (uid 4, /bin/sync"
    ),
    "system_account_with_a_password": Wrong(
        f"usermod -p '{HASH}' backup",
        f"{LOCAL}accounts_of_the_system_have_no_password",
        f": backup (uid 34, {NOLOGIN}, password set (6))",
    ),
    "password_without_an_account": Wrong(
        line("/etc/shadow", f"ghost:{HASH}:20000::::::"),
        f"{LOCAL}no_password_waits_for_its_account",
        ": ghost: password set (6)",
    ),
    "twin_of_root": Wrong(
        line("/etc/passwd", f"toor:*:0:100::/root:{NOLOGIN}"),
        f"{TWINS}root_alone_has_number_0",
        ": toor (uid 0",
    ),
    "number_0_written_otherwise": Wrong(
        line("/etc/passwd", f"nil:*:+00:100::/root:{NOLOGIN}"),
        f"{TWINS}root_alone_has_number_0",
        ": nil (uid 0",
    ),
    "number_0_after_a_tab": Wrong(
        f"printf 'tabby:*:\\t0:100::/:{NOLOGIN}\\n' >>/etc/passwd",
        f"{TWINS}root_alone_has_number_0",
        ": tabby (uid 0",
    ),
    "two_of_one_number": Wrong(
        line("/etc/passwd", f"twin:*:1001:100::/:{NOLOGIN}"), REPEATED, ": uid 1001 again"
    ),
    "two_of_one_name": Wrong(
        line("/etc/passwd", f"plain:*:4003:100::/:{NOLOGIN}"), REPEATED, ": name plain again"
    ),
    "built_in_account_moved": Wrong(
        "usermod -u 4004 news", f"{TWINS}built_in_accounts_keep_their_numbers", ": news has uid 4004"
    ),
    "group_0_as_one_s_own": Wrong(
        f"useradd -M -N -g 0 -s {NOLOGIN} frank", f"{TWINS}group_of_root_is_root_s_alone", ": frank has gid 0"
    ),
    "member_of_disk": Wrong("gpasswd -a plain disk", GIVES_ROOT, ": disk: plain"),
    "member_of_docker": Wrong("groupadd docker; gpasswd -a plain docker", GIVES_ROOT, ": docker: plain"),
    "member_of_a_group_that_builds_as_root": Wrong(
        "groupadd sbuild; gpasswd -a plain sbuild", GIVES_ROOT, ": sbuild: plain"
    ),
    "member_by_a_second_name": Wrong(line("/etc/group", "helpers:x:27:lp"), GIVES_ROOT, ": sudo: lp"),
    "group_given_at_login": Wrong(
        line("/etc/security/group.conf", "*;tty*;%users;Al0000-2400;audio, docker"),
        f"{TWINS}no_login_adds_rights",
        ": %users: docker",
    ),
    "capability_given_at_login": Wrong(
        line("/etc/pam.d/other", "auth optional pam_cap.so")
        + "; "
        + line("/etc/security/capability.conf", "cap_sys_admin plain"),
        f"{TWINS}no_login_adds_rights",
        "/etc/security/capability.conf:1: cap_sys_admin plain",
    ),
    "group_with_a_password": Wrong(f"groupmod -p '{HASH}' staff", GROUP_OPENS, ": staff: password set (6)"),
    "group_filled_by_a_user": Wrong("gpasswd -A plain src", GROUP_OPENS, ": src: filled by plain"),
    "another_source_of_names": Wrong(
        "sed -i 's/^passwd:.*/passwd: files ldap/' /etc/nsswitch.conf", SOURCES, ": passwd: ldap"
    ),
    "another_source_of_groups_only": Wrong(
        "sed -i 's/^group:.*/group: files [SUCCESS=merge] nis/' /etc/nsswitch.conf", SOURCES, ": group: nis"
    ),
    "rights_from_a_directory_of_one_s_own": Wrong(
        line("/etc/nsswitch.conf", "sudoers: files ldap"), SOURCES, ": sudoers: ldap"
    ),
    "line_for_nis": Wrong(
        line("/etc/passwd", "+@operators::::::"),
        f"{NAMES}no_line_takes_in_users_from_elsewhere",
        ": +@operators",
    ),
    "record_of_userdb": Wrong(line("/etc/userdb/eve.user", "{}"), RECORDS, "/etc/userdb/eve.user"),
    "membership_by_userdb": Wrong(
        line("/etc/userdb/lp:sudo.membership", "{}"), RECORDS, "/etc/userdb/lp:sudo.membership"
    ),
    "module_of_names_the_linker_finds_first": Wrong(
        ": >/usr/local/lib/libnss_systemd.so.2", RECORDS, "/usr/local/lib/libnss_systemd.so.2"
    ),
    "account_that_the_next_boot_makes": Wrong(
        line("/etc/sysusers.d/wrong.conf", "u eve 4100 - / /bin/bash"), RECORDS, "wrong.conf:1: u eve 4100"
    ),
    "membership_that_the_next_boot_makes": Wrong(
        line("/etc/sysusers.d/wrong.conf", "m lp shadow"), RECORDS, "wrong.conf:2: m lp shadow"
    ),
    "extra_users": Wrong(line("/var/lib/extrausers/passwd", ""), RECORDS, "/var/lib/extrausers/passwd"),
    "another_database_of_passwords": Wrong(
        "sed -i '1i auth sufficient pam_userdb.so db=/etc/users' /etc/pam.d/login",
        PAM,
        "login: /etc/pam.d/login:1: pam_userdb db=/etc/users",
    ),
    "module_nobody_knows": Wrong(
        "sed -i '1i auth sufficient pam_vendor.so' /etc/pam.d/other",
        PAM,
        "other: /etc/pam.d/other:1: pam_vendor",
    ),
    "program_that_gets_passwords": Wrong(
        line("/etc/pam.d/chsh", "auth optional pam_exec.so expose_authtok /bin/true"),
        f"{NAMES}no_program_is_handed_passwords",
        "pam_exec.so expose_authtok",
    ),
    "directory_of_another_domain": Wrong(
        line("/etc/sssd/sssd.conf", "[domain/evil.test]\nid_provider = ad"),
        f"{NAMES}directory_is_the_site_s",
        "[domain/evil.test] id_provider = ad",
    ),
    "no_directory_but_ldap": Wrong(
        line("/etc/sssd/sssd.conf", "[domain/ad.ot.lab.test]\nid_provider = ldap"),
        f"{NAMES}directory_is_the_site_s",
        "id_provider = ldap",
    ),
    "rights_from_another_directory": Wrong(
        line("/etc/sssd/sssd.conf", "sudo_provider = ldap"),
        f"{NAMES}directory_is_the_site_s",
        "sudo_provider = ldap",
    ),
    "passwords_of_another_realm": Wrong(
        line("/etc/sssd/sssd.conf", "ad_domain = ad.ot.lab.test\nkrb5_realm = EVIL.TEST"),
        f"{NAMES}directory_is_the_site_s",
        "krb5_realm = EVIL.TEST",
    ),
    "password_nobody_holds": Wrong(
        f"usermod -p '{HASH}' root",
        "builtin-passwords-changed:passwords_are_held_by_the_operator",
        ": root (uid 0",
    ),
    "password_older_than_the_delivery": Wrong(
        f"usermod -p '{HASH}' operator; chage -d 2026-01-11 operator",
        "builtin-passwords-changed:passwords_were_changed_since_delivery",
        "changed 2026-01-11, before 2026-01-12",
    ),
    "key_of_root_in_the_other_file": Wrong(
        key("/root/.ssh/authorized_keys2"),
        EVERY_KEY,
        "/root/.ssh/authorized_keys2:1: opens root, toor, nil: ssh-ed25519 SHA256:",
    ),
    "key_of_an_account_without_a_shell": Wrong(
        key("/usr/games/.ssh/authorized_keys"), EVERY_KEY, "/usr/games/.ssh/authorized_keys:1: opens games: "
    ),
    "key_where_a_match_block_looks": Wrong(
        f"{key('/etc/keys/lp')}; " + line(SSHD, "Match User lp\nAuthorizedKeysFile /etc/keys/%u\nMatch all"),
        EVERY_KEY,
        "/etc/keys/lp:1: opens lp: ",
    ),
    "key_of_another_account": Wrong(
        f"{key('/home/plain/.ssh/authorized_keys')}",
        EVERY_KEY,
        "/home/plain/.ssh/authorized_keys:2: opens plain: ",
    ),
    "key_under_another_name_of_its_type": Wrong(
        "sed -i '$s/^[^ ]*/rsa-sha2-512/' /home/plain/.ssh/authorized_keys",
        EVERY_KEY,
        "/home/plain/.ssh/authorized_keys:2: opens plain: rsa-sha2-512 SHA256:",
    ),
    "key_behind_a_declared_one_in_quotes": Wrong(
        r"""printf 'command="a\\\\" %s" ' "$(sed -n 1p /home/plain/.ssh/authorized_keys)" """
        f">>/home/plain/.ssh/authorized_keys; {key('/home/plain/.ssh/authorized_keys')}",
        EVERY_KEY,
        "/home/plain/.ssh/authorized_keys:3: opens plain: ssh-ed25519 SHA256:",
    ),
    "key_in_a_home_of_the_directory_s_user": Wrong(
        f"{key('/srv/homes/eve/.ssh/authorized_keys')}; "
        + line("/etc/sssd/sssd.conf", "override_homedir = /srv/homes/%u"),
        EVERY_KEY,
        "/srv/homes/eve/.ssh/authorized_keys:1: opens eve: ",
    ),
    "key_that_opens_every_account": Wrong(
        "cp /root/.ssh/authorized_keys /etc/ssh/keys_of_all; "
        + line(
            "/etc/ssh/sshd_config.d/all.conf", "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys_of_all"
        )
        + "; sed -i '$s/$/ .ssh\\/authorized_keys2/' /etc/ssh/sshd_config.d/all.conf",
        EVERY_KEY,
        "/etc/ssh/keys_of_all:1: opens root, daemon, bin and ",
    ),
    "key_before_the_system_is_up": Wrong(
        key("/etc/dropbear/initramfs/authorized_keys"),
        EVERY_KEY,
        "/etc/dropbear/initramfs/authorized_keys:1: ",
    ),
    "declared_key_that_signs_others": Wrong(
        "cd /home/plain/.ssh; sed -n '1s/^/cert-authority /p' authorized_keys >>authorized_keys2",
        WHICH_KEYS,
        "/home/plain/.ssh/authorized_keys2:1: opens plain: ssh-rsa SHA256:",
    ),
    "program_that_hands_out_keys": Wrong(
        line(SSHD, "AuthorizedKeysCommand /usr/bin/keys\nAuthorizedKeysCommandUser nobody"),
        WHICH_KEYS,
        "sshd: authorizedkeyscommand /usr/bin/keys",
    ),
    "authority_for_one_address": Wrong(
        line(SSHD, "Match Address 192.0.2.0/24\nTrustedUserCAKeys /etc/ssh/ca.pub\nMatch all"),
        WHICH_KEYS,
        ": trustedusercakeys /etc/ssh/ca.pub",
    ),
    "host_that_is_trusted": Wrong(
        line(SSHD, "HostbasedAuthentication yes"),
        f"{KEYS}no_host_is_trusted",
        "sshd: hostbasedauthentication yes",
    ),
    "principals_of_kerberos": Wrong(line("/home/plain/.k5login", "x"), FILE, "/home/plain/.k5login"),
    "principals_in_a_directory_of_their_own": Wrong(
        line("/etc/krb5.conf", "[libdefaults]\nk5login_directory = /etc/k5login")
        + "; "
        + line("/etc/k5login/root", "x"),
        FILE,
        "/etc/k5login/root",
    ),
    "hosts_root_trusts": Wrong(line("/root/.rhosts", "+"), FILE, "/root/.rhosts"),
    "hosts_everybody_trusts": Wrong(line("/etc/hosts.equiv", "+"), FILE, "/etc/hosts.equiv"),
    "password_for_another_host": Wrong(line("/home/operator/.netrc", "x"), FILE, "/home/operator/.netrc"),
    "sudo_for_a_person": Wrong(
        line(SUDOERS, "plain ALL=(ALL) ALL"), TO_ROOT, "wrong:1: plain may run (ALL) ALL"
    ),
    "sudo_by_an_alias_in_an_included_file": Wrong(
        line("/opt/rights", "User_Alias OPS = lp, \\\n  uucp\nOPS ALL = /bin/ls")
        + "; "
        + line("/etc/sudoers.d/included", "@include /opt/rights"),
        TO_ROOT,
        "/opt/rights:3: uucp may run (root) /bin/ls",
    ),
    "sudo_for_everybody": Wrong(
        line("/etc/sudoers.d/all", "ALL, !mail ALL = (ALL) /bin/df"),
        TO_ROOT,
        "all:1: ALL may run (ALL) /bin/df",
    ),
    "sudo_for_a_local_group": Wrong(
        line("/etc/sudoers.d/group", "%#100 ALL = /bin/df"), TO_ROOT, "group:1: %#100 may run (root) /bin/df"
    ),
    "sudo_for_the_engineers": Wrong(
        line("/etc/sudoers.d/engineers", "%ot-heating-engineers@ad.ot.lab.test ALL = /bin/df"),
        TO_ROOT,
        "%ot-heating-engineers@ad.ot.lab.test may run (root) /bin/df",
    ),
    "sudo_for_a_group_of_that_name_elsewhere": Wrong(
        line("/etc/sudoers.d/elsewhere", "%OT-Heating-Admins@evil.test ALL = ALL"),
        TO_ROOT,
        "%OT-Heating-Admins@evil.test may run (root) ALL",
    ),
    "sudo_for_a_local_group_with_the_directory_s_name": Wrong(
        line("/etc/group", "OT-Heating-Admins:x:4101:lp")
        + "; "
        + line("/etc/sudoers.d/name", "%OT-Heating-Admins ALL = /bin/df"),
        TO_ROOT,
        "name:1: %OT-Heating-Admins may run (root) /bin/df",
    ),
    "doas_for_a_person": Wrong(
        "ln -s /bin/true /usr/local/bin/doas; " + line("/etc/doas.conf", "permit nopass plain as root"),
        TO_ROOT,
        "/etc/doas.conf:1: permit nopass plain as root",
    ),
    "administrators_of_polkit": Wrong(
        "mkdir -p /usr/libexec; ln -s /bin/true /usr/libexec/polkitd; "
        + line(
            "/etc/polkit-1/rules.d/1.rules",
            'polkit.addAdminRule(function() { return ["unix-group:users"]; });',
        ),
        TO_ROOT,
        "/etc/polkit-1/rules.d/1.rules:1: unix-group:users",
    ),
    "another_account_for_a_person": Wrong(
        line("/etc/sudoers.d/games", "plain ALL = (games) /bin/ls"),
        TO_OTHERS,
        "plain may run (games) /bin/ls",
    ),
    "everything_as_the_service": Wrong(
        line("/etc/sudoers.d/service", "%OT-Heating-Engineers ALL = (games) ALL"),
        TO_OTHERS,
        "may run (games) ALL",
    ),
    "administrators_without_a_password": Wrong(
        line("/etc/sudoers.d/nopasswd", "%OT-Heating-Admins ALL = (ALL) NOPASSWD: /bin/df"),
        PASSWORD,
        "%OT-Heating-Admins may run (ALL) NOPASSWD: /bin/df",
    ),
    "sudo_that_never_asks_somebody": Wrong(
        line("/etc/sudoers.d/d1", "Defaults:plain !authenticate"),
        PASSWORD,
        "d1:1: Defaults:plain !authenticate",
    ),
    "sudo_that_asks_once": Wrong(
        line("/etc/sudoers.d/d2", "Defaults timestamp_timeout = -1"),
        PASSWORD,
        "d2:1: Defaults timestamp_timeout=-1",
    ),
    "sudo_that_asks_once_a_year": Wrong(
        line("/etc/sudoers.d/d5", "Defaults timestamp_timeout = 525600"),
        PASSWORD,
        "d5:1: Defaults timestamp_",
    ),
    "proofs_a_user_writes_himself": Wrong(
        line("/etc/sudoers.d/d6", "Defaults timestampowner = plain"),
        PASSWORD,
        "d6:1: Defaults timestampowner",
    ),
    "sudo_by_another_stack_of_pam": Wrong(
        line("/etc/sudoers.d/d3", "Defaults pam_service=runuser"),
        PASSWORD,
        "d3:1: Defaults pam_service=runuser",
    ),
    "group_that_is_not_asked": Wrong(
        line("/etc/sudoers.d/d4", "Defaults exempt_group=users"),
        PASSWORD,
        "d4:1: Defaults exempt_group=users",
    ),
    "library_kept_for_root": Wrong(
        line("/etc/sudoers.d/e1", 'Defaults env_keep += "LANG LD_PRELOAD"'),
        OUTSIDE,
        "e1:1: Defaults env_keep+=",
    ),
    "whole_environment_kept": Wrong(
        line("/etc/sudoers.d/e2", "Defaults !env_reset"), OUTSIDE, "e2:1: Defaults !env"
    ),
    "environment_from_a_user_s_file": Wrong(
        line("/etc/sudoers.d/e3", "Defaults env_file = /home/plain/env"), OUTSIDE, "e3:1: Defaults env_file="
    ),
    "path_of_the_user": Wrong(
        line("/etc/sudoers.d/e4", "Defaults:plain !secure_path"), OUTSIDE, "e4:1: Defaults:plain !secure_path"
    ),
    "path_everybody_writes_to": Wrong(
        line("/etc/sudoers.d/e5", 'Defaults secure_path = "/usr/bin:/tmp/bin"'),
        OUTSIDE,
        "e5:1: Defaults secure_",
    ),
    "plugin_in_small_letters": Wrong(
        line("/etc/sudo.conf", "plugin sudoers_policy small.so"), DECIDES, ": plugin sudoers_policy small.so"
    ),
    "plugins_from_another_directory": Wrong(
        line("/etc/sudo.conf", "Path plugin_dir /opt/sudo"), DECIDES, ": Path plugin_dir /opt/sudo"
    ),
    "another_plugin_of_sudo": Wrong(
        line("/etc/sudo.conf", "Plugin sudoers_policy other.so"), DECIDES, ": Plugin sudoers_policy other.so"
    ),
    "polkit_that_says_yes": Wrong(
        line("/etc/polkit-1/rules.d/2.rules", "polkit.addRule(function() { return polkit.Result.YES; });"),
        DECIDES,
        "/etc/polkit-1/rules.d/2.rules:1: ",
    ),
    "polkit_that_asks_a_program": Wrong(
        line(
            "/etc/polkit-1/rules.d/3.rules",
            'polkit.addRule(function() { return polkit.spawn(["/opt/x"]); });',
        ),
        DECIDES,
        "/etc/polkit-1/rules.d/3.rules:1: ",
    ),
    "rule_of_no_package_among_the_packages_": Wrong(
        line(
            "/usr/share/polkit-1/rules.d/wrong.rules",
            "polkit.addRule(function() { return polkit.Result.YES; });",
        ),
        DECIDES,
        "/usr/share/polkit-1/rules.d/wrong.rules:1: ",
    ),
    "action_of_no_package_that_asks_nobody": Wrong(
        line(
            "/usr/share/polkit-1/actions/wrong.policy", "<defaults><allow_any>\nyes\n</allow_any></defaults>"
        ),
        DECIDES,
        "/usr/share/polkit-1/actions/wrong.policy: allow_any: yes",
    ),
    "administrator_who_operates": Wrong(
        line("/etc/group", "ot-heating-operators:x:4100:operator"),
        f"{RIGHTS}administrators_use_no_applications",
        ": ot-heating-operators: operator",
    ),
    "guests_of_a_share": Wrong(
        "ln -s /bin/true /usr/sbin/smbd; "
        + line("/etc/samba/smb.conf", "[global]\nmap to guest = bad user\n[pub]\nGuest  OK = Yes"),
        STRANGERS,
        "/etc/samba/smb.conf:4: [pub] guest ok = Yes",
    ),
    "exported_without_kerberos": Wrong(
        "ln -s /bin/true /usr/sbin/exportfs; "
        + line("/etc/exports", "/srv 10.89.0.12(rw,sec=krb5p) \\\n  10.89.0.13(rw)"),
        STRANGERS,
        "/etc/exports:1: /srv 10.89.0.13: sec=sys",
    ),
    "module_of_rsync_without_users": Wrong(
        "ln -s /bin/true /usr/bin/rsync; " + line("/etc/rsyncd.conf", "[data]\npath = /srv"),
        STRANGERS,
        "/etc/rsyncd.conf:1: [data] no auth users",
    ),
    "broker_that_asks_nobody": Wrong(
        "ln -s /bin/true /usr/sbin/mosquitto; "
        + line("/etc/mosquitto/mosquitto.conf", "listener 8883\nallow_anonymous true"),
        STRANGERS,
        "/etc/mosquitto/mosquitto.conf:2: allow_anonymous true",
    ),
    "guests_of_a_share_in_another_file": Wrong(
        "ln -sf /bin/true /usr/sbin/smbd; "
        + line("/etc/samba/more.conf", "[global]\n Include = /opt/shares.%m")
        + "; "
        + line("/opt/shares.hmi", "[pub]\nguest ok = yes"),
        STRANGERS,
        "/opt/shares.hmi:2: [pub] guest ok = yes",
    ),
    "database_whose_password_is_empty": Wrong(
        "ln -s /bin/true /usr/bin/redis-server; "
        + line("/etc/redis/redis.conf", 'protected-mode no\nrequirepass ""\nuser default on nopass'),
        STRANGERS,
        "/etc/redis/redis.conf:1: protected-mode no, no requirepass",
    ),
    "program_that_hands_out_keys_in_a_file_for_some": Wrong(
        line("/etc/ssh/some.conf", "AuthorizedKeysCommand /usr/bin/others\nAuthorizedKeysCommandUser nobody")
        + "; "
        + line("/etc/ssh/sshd_config.d/some.conf", "Match User games\nInclude /etc/ssh/some.conf\nMatch all"),
        WHICH_KEYS,
        "/etc/ssh/some.conf:1: authorizedkeyscommand /usr/bin/others",
    ),
    "person_let_in_by_name": Wrong(
        line(SSHD, "AllowUsers root operator plain stranger"),
        f"{RIGHTS}ssh_lets_in_by_group",
        "sshd: AllowUsers stranger",
    ),
}

RIGHT = {
    "administrators_of_the_directory": line("/etc/sudoers.d/right", "%OT-Heating-Admins ALL = (ALL:ALL) ALL"),
    "the_same_as_sssd_names_them": line(
        "/etc/sudoers.d/right", "%ot-heating-admins@ad.ot.lab.test ALL = ALL"
    ),
    "a_single_command_for_a_role": line(
        "/etc/sudoers.d/right", "%OT-Heating-Engineers ALL = (games) /bin/ls"
    ),
    "a_group_that_gives_nothing": line("/etc/security/group.conf", "*;tty*;%users;Al0000-2400;audio"),
    "a_file_sudo_leaves_out": line("/etc/sudoers.d/left.out", "plain ALL = (ALL) NOPASSWD: ALL"),
    "a_copy_sudo_leaves_out": line("/etc/sudoers.d/copy~", "plain ALL = (ALL) NOPASSWD: ALL"),
    "what_is_taken_from_everybody": line("/etc/sudoers.d/right", "!plain ALL = ALL"),
    "a_second_factor": "sed -i '$a auth required pam_google_authenticator.so' /etc/pam.d/chfn",
    "polkit_with_the_rules_packages_bring": "mkdir -p /usr/libexec; ln -s /bin/true /usr/libexec/polkitd",
    "keys_of_one_user_in_a_file_of_his_own": "cp /home/operator/.ssh/authorized_keys /etc/ssh/own_keys; "
    + line(SSHD, "Match User operator\nAuthorizedKeysFile /etc/ssh/own_keys\nMatch all"),
    "what_a_match_block_takes_in_and_forbids": line(
        "/etc/ssh/right.conf", "TrustedUserCAKeys none # nor here\nHostbasedAuthentication no"
    )
    + "; "
    + line(
        "/etc/ssh/sshd_config.d/right.conf", "Match User operator\nInclude /etc/ssh/right.conf\nMatch all"
    ),
    "an_account_of_a_service": f"useradd -r -M -s {NOLOGIN} svc-opcua",
    "a_directory_with_its_own_names": "sed -i 's/^shadow:.*/shadow: files sss/' /etc/nsswitch.conf",
}
"""What a careful administrator may have, and no check may say a word about."""

"""Further roads to weak cryptography on a booted host: less usual places, other ways to set it."""

from __future__ import annotations

from crypto_sabotage import ETC, RELOAD, SHORT, STRONG, Sabotage, certificate, file, pem_of_key, put

_OFFERS = "ssh-algorithms:ssh_will_offer_accepted"
_SIGN = "ssh-algorithms:ssh_will_sign_and_take_accepted_signatures"
_OPEN = "keys-strong:keys_that_open_accounts_are_strong"
_DISK = "keys-strong:private_keys_on_disk_are_strong"
_UNITS = "/etc/systemd/system"
_OPTIONS = "SSHD_OPTS=-oCiphers=aes192-ctr -oRequiredRSASize=1024 -h /etc/ssh/ssh_host_given\n"
_ED = "ssh-keygen -q -t ed25519 -N '' -C '' -f"


def _key(path: str, *, text: str = "") -> Sabotage:
    """Make a sabotage of a short private key at a path."""
    return file(path, text or pem_of_key(SHORT), _DISK, f"RSA 1024 ({path})", "600")


ROADS: dict[str, Sabotage] = {
    "command_that_starts_sshd_goes_on_in_another_line": Sabotage(
        put(f"{_UNITS}/ssh.service.d/y.conf", "[Service]\nExecStart=/usr/sbin/sshd \\\n  -o MACs=hmac-sha1\n")
        + f"; {RELOAD}",
        f"rm -f {_UNITS}/ssh.service.d/y.conf; {RELOAD}",
        f"{_OFFERS}_macs",
        f"hmac-sha1 (macs, {_UNITS}/ssh.service.d/y.conf:2",
    ),
    "variables_of_sshd_come_from_another_file": Sabotage(
        "ssh-keygen -q -t rsa -b 1024 -N '' -f /etc/ssh/ssh_host_given; "
        f"{put('/etc/plant/options', _OPTIONS)}; "
        + put(f"{_UNITS}/ssh.service.d/z.conf", "[Service]\nEnvironmentFile=-/etc/plant/options\n"),
        f"rm -rf {_UNITS}/ssh.service.d/z.conf /etc/plant/options /etc/ssh/ssh_host_given*",
        f"{_OFFERS}_ciphers",
        "aes192-ctr (ciphers, /etc/plant/options:1",
    ),
    "command_line_takes_short_keys": Sabotage(
        "true",
        "true",
        "keys-strong:ssh_refuses_short_rsa_keys",
        "RequiredRSASize = 1024 (/etc/plant/options:1",
    ),
    "command_line_gives_a_short_host_key": Sabotage(
        "true", "true", "keys-strong:host_keys_of_ssh_are_strong", "RSA 1024 (/etc/ssh/ssh_host_given)"
    ),
    "match_block_takes_in_a_file": Sabotage(
        f"printf 'Match User plain\\n  Include \"/etc/ssh/for plain\"\\n' >{ETC}/zz1.conf; "
        "echo 'PubkeyAcceptedAlgorithms=+sk-ssh-ed25519@openssh.com' >'/etc/ssh/for plain'",
        f"rm {ETC}/zz1.conf '/etc/ssh/for plain'",
        _SIGN,
        "sk-ssh-ed25519@openssh.com (/etc/ssh/for plain:1",
    ),
    "authority_of_users_is_of_another_kind_for_some": Sabotage(
        f"{_ED} /root/ca; mv /root/ca.pub /etc/ssh/ca.pub; "
        f"printf 'Match User plain\\n  TrustedUserCAKeys /etc/ssh/ca.pub\\n' >{ETC}/zz2.conf",
        f"rm {ETC}/zz2.conf /root/ca /etc/ssh/ca.pub",
        _OPEN,
        "ED25519 256 (/etc/ssh/ca.pub:1)",
    ),
    "certificates_of_users_are_signed_otherwise": Sabotage(
        "true", "true", _SIGN, "ssh-ed25519 (casignaturealgorithms"
    ),
    "keys_of_some_lie_elsewhere": Sabotage(
        f"{_ED} /root/else; mkdir /etc/ssh/keys; mv /root/else.pub /etc/ssh/keys/0; "
        f"printf 'Match User root\\n  AuthorizedKeysFile /etc/ssh/keys/%%U\\n' >{ETC}/zz3.conf",
        f"rm -r {ETC}/zz3.conf /root/else /etc/ssh/keys",
        _OPEN,
        "ED25519 256 (/etc/ssh/keys/0:1)",
    ),
    "key_stands_behind_what_looks_like_one": Sabotage(
        f"{_ED} /root/behind; mkdir -p /usr/games/.ssh; {{ printf 'environment=\"A=%s\" ' "
        '"$(head -n 1 /root/.ssh/authorized_keys)"; cat /root/behind.pub; } >/usr/games/.ssh/authorized_keys',
        "rm /root/behind /root/behind.pub /usr/games/.ssh/authorized_keys",
        _OPEN,
        "ED25519 256 (/usr/games/.ssh/authorized_keys:1)",
    ),
    "groups_come_from_another_file": Sabotage(
        f"echo 'ModuliFile /etc/ssh/groups' >{ETC}/00-aad.conf; "
        "echo '20230101000000 2 6 100 1535 2 F0F1' >/etc/ssh/groups",
        f"rm {ETC}/00-aad.conf /etc/ssh/groups",
        "ssh-algorithms:groups_of_ssh_are_long_enough",
        "bits = 1536 (/etc/ssh/groups: 1 groups)",
    ),
    "client_goes_through_another_that_encrypts_otherwise": file(
        "/etc/ssh/ssh_config.d/way.conf",
        "Host far\n  ProxyCommand ssh -c aes192-ctr -o MACs=hmac-sha1 -W %h:%p gate\n",
        "ssh-algorithms:ssh_client_proposes_accepted_ciphers",
        "aes192-ctr (/etc/ssh/ssh_config.d/way.conf:2",
    ),
    "unit_starts_ssh_with_another_hash": file(
        f"{_UNITS}/tunnel.service",
        "[Service]\nExecStart=/usr/bin/ssh -N -m hmac-sha1 gate\n",
        "ssh-algorithms:ssh_client_proposes_accepted_macs",
        f"hmac-sha1 ({_UNITS}/tunnel.service:2",
    ),
    "cron_starts_scp_with_another_cipher": file(
        "/etc/cron.d/copy",
        "0 1 * * * root scp -c aes192-cbc /srv/x plc:/x\n",
        "ssh-algorithms:ssh_client_proposes_accepted_ciphers",
        "aes192-cbc (/etc/cron.d/copy:1",
    ),
    "client_agrees_on_keys_by_kerberos_with_sha1": file(
        "/etc/ssh/ssh_config.d/kerberos.conf",
        "Host file\n  GSSAPIKeyExchange yes\n",
        "ssh-algorithms:ssh_client_agrees_on_keys_as_accepted",
        "gss-group14-sha1- (/etc/ssh/ssh_config.d/kerberos.conf:2",
    ),
    "client_is_told_of_a_key_elsewhere": Sabotage(
        f"mkdir -p /srv/plc; {_ED} /srv/plc/deploy; "
        "printf 'Host plc\\n  IdentityFile /srv/plc/deploy\\n' >/etc/ssh/ssh_config.d/key.conf",
        "rm -r /srv/plc /etc/ssh/ssh_config.d/key.conf",
        "keys-strong:users_keys_are_strong",
        "ED25519 256 (/srv/plc/deploy)",
    ),
    "key_of_a_user_is_open_to_all": Sabotage(
        "mkdir -p /usr/games/.ssh/more; ssh-keygen -q -t rsa -b 2048 -N '' -f /usr/games/.ssh/more/open; "
        "chmod 644 /usr/games/.ssh/more/open",
        "rm -r /usr/games/.ssh/more",
        "keys-strong:private_keys_are_not_open_to_all",
        "644 root:root (/usr/games/.ssh/more/open)",
    ),
    "key_has_no_suffix": Sabotage(
        f"{_ED} /root/id_plc", "rm /root/id_plc*", _DISK, "ED25519 256 (/root/id_plc)"
    ),
    "key_lies_deep": _key("/opt/vendor/a/b/c/d/server.key"),
    "key_lies_in_a_directory_of_no_standard": _key("/plant/tls/server.key"),
    "key_lies_on_a_mount_of_its_own": Sabotage(
        "mkdir -p /var/lib/own; mount -t tmpfs own /var/lib/own; "
        + put("/var/lib/own/x.key", pem_of_key(SHORT)),
        "umount /var/lib/own; rmdir /var/lib/own",
        _DISK,
        "RSA 1024 (/var/lib/own/x.key)",
    ),
    "key_is_the_second_of_a_file": _key("/etc/second/x.pem", text=pem_of_key(STRONG) + pem_of_key(SHORT)),
    "key_lies_among_many_certificates": _key(
        "/etc/second/y.pem", text=certificate(STRONG) * 11 + pem_of_key(SHORT)
    ),
    "key_is_in_binary": Sabotage(
        f"{put('/root/short.pem', pem_of_key(SHORT))}; openssl rsa -in /root/short.pem -outform DER "
        "-out /etc/second/x.der 2>/dev/null; rm /root/short.pem",
        "rm /etc/second/x.der",
        _DISK,
        "RSA 1024 (/etc/second/x.der)",
    ),
    "certificate_presented_with_it_is_short": Sabotage(
        "true",
        "true",
        "keys-strong:certificates_hold_strong_keys",
        "CN=x.test: RSA 1024 (presented with its own at 127.0.0.1:9443 (openssl))",
    ),
    "listener_agrees_without_a_certificate": Sabotage(
        "true",
        "true",
        "tls-strong:listeners_agree_to_accepted_suites",
        "TLSv1.2 = ADH-AES256-GCM-SHA384 (127.0.0.1:9443 (openssl))",
    ),
    "variables_of_a_service_name_another_policy": Sabotage(
        f"{put('/etc/plant/tls', 'OPENSSL_CONF=/etc/plant/none.cnf')}; "
        + put(f"{_UNITS}/tls.service", "[Service]\nEnvironmentFile=/etc/plant/tls\nExecStart=/bin/true\n"),
        f"rm -r /etc/plant {_UNITS}/tls.service",
        "tls-strong:openssl_offers_accepted_suites",
        "TLS_AES_128_GCM_SHA256 (/etc/plant/none.cnf, /etc/plant/tls:1)",
    ),
    "policy_is_at_the_level_that_refuses_nothing": Sabotage(
        "true",
        "true",
        "tls-strong:openssl_offers_accepted_suites",
        "@SECLEVEL=0 (/etc/ssl/plc.cnf",
    ),
    "pam_s_word_stands_in_another_line": file(
        "/etc/pam.d/plc",
        "password required pam_unix.so \\\n  obscure [md5]\n",
        "password-hashing:new_passwords_are_hashed_as_accepted",
        "md5 (/etc/pam.d/plc:1: pam_unix)",
    ),
    "pam_s_words_are_written_large": file(
        "/etc/pam.d/plc2",
        "PASSWORD required pam_unix.so md5\n",
        "password-hashing:new_passwords_are_hashed_as_accepted",
        "md5 (/etc/pam.d/plc2:1: pam_unix)",
    ),
    "first_of_two_methods_is_weak": Sabotage(
        "cp /etc/login.defs /root/defs2; sed -i '1iENCRYPT_METHOD DES' /etc/login.defs",
        "mv /root/defs2 /etc/login.defs",
        "password-hashing:new_passwords_are_hashed_as_accepted",
        "des (/etc/login.defs:1: ENCRYPT_METHOD)",
    ),
    "password_of_a_group_was_hashed_with_md5": Sabotage(
        "cp -p /etc/gshadow /root/gshadow; "
        "sed -i 's|^games:[^:]*:|games:$1$x$Rf5TiqVGCVaYMeYFLDwZg.:|' /etc/gshadow",
        "mv /root/gshadow /etc/gshadow",
        "password-hashing:passwords_were_hashed_as_accepted",
        "md5 (/etc/gshadow: games)",
    ),
}
"""By name; those whose `wrong` is `true` are made by one before them, or by `crypto_sabotage.SABOTAGES`."""

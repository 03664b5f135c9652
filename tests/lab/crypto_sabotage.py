"""Ways in which a booted host's cryptography is made weak, all at once, and where each must be seen."""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

ETC = "/etc/ssh/sshd_config.d"
RELOAD = "systemctl daemon-reload"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Sabotage:
    """What makes the host wrong, what undoes it, and a finding that the check `control:check` then has."""

    wrong: str
    right: str
    check: str
    seen: str


def put(path: str, text: str, mode: str = "600") -> str:
    """Return a command that writes a file; its directory is made."""
    encoded = base64.b64encode(text.encode()).decode()
    return f"mkdir -p $(dirname {path}); echo {encoded} | base64 -d >{path}; chmod {mode} {path}"


def listening(port: int) -> str:
    """Return a command that ends when something listens at a port, and fails if nothing ever does."""
    return f"timeout 30 sh -c 'until ss -Hltn sport = :{port} | grep -q .; do :; done'"


def file(path: str, text: str, check: str, seen: str, mode: str = "644") -> Sabotage:
    """Make a sabotage of one new file."""
    return Sabotage(put(path, text, mode), f"rm {path}", check, seen)


def pem_of_key(key: Key) -> str:
    """Return a private key, unencrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def certificate(key: Key, *, days: int = 300, ended: bool = False, name: str = "x.test") -> str:
    """Return a certificate of a key, signed by itself."""
    now = datetime.datetime.now(datetime.UTC)
    begins = now - datetime.timedelta(days=days + 10 if ended else 1)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def pair(directory: str, key: Key, check: str, seen: str, **wanted: object) -> Sabotage:
    """Make a sabotage of a certificate with its private key beside it."""
    text = certificate(key, **wanted)  # type: ignore[arg-type]  # passed on as it is
    return Sabotage(
        f"{put(f'{directory}/x.key', pem_of_key(key))}; {put(f'{directory}/x.crt', text, '644')}",
        f"rm {directory}/x.key {directory}/x.crt",
        check,
        seen,
    )


STRONG = rsa.generate_private_key(65537, 2048)
SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505  (weak on purpose)
CURVE = ec.generate_private_key(ec.SECP256R1())

SECOND = "Port 2022\nMACs hmac-sha1\nPidFile /run/second.pid\nHostKey /etc/ssh/ssh_host_rsa_key\n"
SECOND_UNIT = "[Service]\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/second_config\n"
SOCKET = "[Socket]\nListenStream=127.0.0.1:2222\nAccept=yes\n"
SOCKET_UNIT = (
    "[Service]\nExecStart=-/usr/sbin/sshd -i -o KexAlgorithms=+diffie-hellman-group14-sha1\n"
    "StandardInput=socket\nRuntimeDirectory=sshd\nRuntimeDirectoryPreserve=yes\n"
)
WEAK_TLS = (
    "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
    "[c]\nMinProtocol = TLSv1\nCipherString = AES128-SHA:@SECLEVEL=0\nCiphersuites = TLS_AES_128_GCM_SHA256\n"
)
LISTENER = (
    "systemd-run -q --unit=weak-tls -E OPENSSL_CONF=/dev/null openssl s_server -accept 127.0.0.1:9443 "
    "-cert /srv/tls/x.crt -key /srv/tls/x.key -cert_chain /etc/short/x.crt -quiet -min_protocol TLSv1 "
    "-cipher ALL:@SECLEVEL=0"
)

_ALGORITHMS, _KEYS, _TLS = "ssh-algorithms", "keys-strong", "tls-strong"
_SIGN = f"{_ALGORITHMS}:ssh_will_sign_and_take_accepted_signatures"

SABOTAGES: dict[str, Sabotage] = {
    "match_block_takes_another_signature": Sabotage(
        r"cp /etc/ssh/sshd_config /root/sshd_config; "
        r"printf 'Match User plain\n  PubkeyAcceptedAlgorithms +ssh-ed25519\n' >>/etc/ssh/sshd_config",
        "mv /root/sshd_config /etc/ssh/sshd_config",
        _SIGN,
        "ssh-ed25519 (/etc/ssh/sshd_config:",
    ),
    "unit_starts_sshd_with_another_cipher": Sabotage(
        put(
            "/etc/systemd/system/ssh.service.d/x.conf",
            "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o Ciphers=aes128-ctr\n",
            "644",
        )
        + f"; {RELOAD}",
        f"rm -r /etc/systemd/system/ssh.service.d; {RELOAD}",
        f"{_ALGORITHMS}:ssh_will_offer_accepted_ciphers",
        "aes128-ctr (ciphers, /etc/systemd/system/ssh.service.d/x.conf:3",
    ),
    "second_sshd_offers_sha1_now": Sabotage(
        f"{put('/etc/ssh/second_config', SECOND, '644')}; "
        f"{put('/etc/systemd/system/second.service', SECOND_UNIT, '644')}; {RELOAD}; systemctl start second; "
        f"{listening(2022)}",
        f"systemctl stop second; rm /etc/systemd/system/second.service; {RELOAD}",
        f"{_ALGORITHMS}:running_ssh_offers_accepted_macs",
        "hmac-sha1 (sshd at 127.0.0.1:2022)",
    ),
    "second_sshd_will_offer_sha1": Sabotage(
        "true",
        "rm /etc/ssh/second_config",
        f"{_ALGORITHMS}:ssh_will_offer_accepted_macs",
        "hmac-sha1 (macs, /etc/ssh/second_config:2",
    ),
    "sshd_is_started_by_a_socket": Sabotage(
        f"{put('/etc/systemd/system/ssh-plc.socket', SOCKET, '644')}; "
        f"{put('/etc/systemd/system/ssh-plc@.service', SOCKET_UNIT, '644')}; {RELOAD}; "
        "systemctl start ssh-plc.socket",
        f"systemctl stop ssh-plc.socket; rm /etc/systemd/system/ssh-plc*; {RELOAD}",
        f"{_ALGORITHMS}:running_ssh_agrees_on_keys_as_accepted",
        "diffie-hellman-group14-sha1 (ssh-plc.socket at 127.0.0.1:2222)",
    ),
    "earlier_file_brings_another_key_exchange": file(
        f"{ETC}/00-aaa.conf",
        "KexAlgorithms +diffie-hellman-group-exchange-sha1\n",
        f"{_ALGORITHMS}:ssh_will_agree_on_keys_as_accepted",
        f"diffie-hellman-group-exchange-sha1 (kexalgorithms, {ETC}/00-aaa.conf:1",
    ),
    "groups_are_short": Sabotage(
        "cp /etc/ssh/moduli /root/moduli; echo '20230101000000 2 6 100 1023 2 F0F1' >>/etc/ssh/moduli",
        "mv /root/moduli /etc/ssh/moduli",
        f"{_ALGORITHMS}:groups_of_ssh_are_long_enough",
        "bits = 1024 (/etc/ssh/moduli: 1 groups)",
    ),
    "client_of_one_user_has_another_cipher": file(
        "/home/plain/.ssh/config",
        "Host plc\n  Ciphers=aes128-cbc\n",
        f"{_ALGORITHMS}:ssh_client_proposes_accepted_ciphers",
        "aes128-cbc (/home/plain/.ssh/config:2",
    ),
    "client_hashes_with_sha1_for_one_host": file(
        "/etc/ssh/ssh_config.d/plc.conf",
        "Host plc\n  MACs ^hmac-sha1\n",
        f"{_ALGORITHMS}:ssh_client_proposes_accepted_macs",
        "hmac-sha1 (/etc/ssh/ssh_config.d/plc.conf:2",
    ),
    "client_takes_in_a_file_that_agrees_on_keys_otherwise": Sabotage(
        "echo 'Include ~/more*' >/root/.ssh/config; "
        "echo 'KexAlgorithms \"+diffie-hellman-group1-sha1\"' >/root/more.conf",
        "rm /root/.ssh/config /root/more.conf",
        f"{_ALGORITHMS}:ssh_client_agrees_on_keys_as_accepted",
        "diffie-hellman-group1-sha1 (/root/more.conf:1",
    ),
    "client_believes_any_host_key": file(
        "/etc/ssh/ssh_config.d/00-aaa.conf",
        "HostKeyAlgorithms +ssh-ed25519\n",
        f"{_ALGORITHMS}:ssh_client_signs_as_accepted",
        "ssh-ed25519 (ssh: hostkeyalgorithms)",
    ),
    "sshd_takes_short_keys": file(
        f"{ETC}/00-aab.conf",
        "RequiredRSASize 1024\n",
        f"{_KEYS}:ssh_refuses_short_rsa_keys",
        "RequiredRSASize = 1024 (sshd -T",
    ),
    "host_key_is_short": Sabotage(
        f"ssh-keygen -q -t rsa -b 1024 -N '' -f /etc/ssh/short; "
        f"echo 'HostKey /etc/ssh/short' >{ETC}/00-aac.conf",
        f"rm /etc/ssh/short /etc/ssh/short.pub {ETC}/00-aac.conf",
        f"{_KEYS}:host_keys_of_ssh_are_strong",
        "RSA 1024 (/etc/ssh/short)",
    ),
    "account_is_opened_by_a_key_of_another_kind": Sabotage(
        "ssh-keygen -q -t ed25519 -N '' -f /root/new; cp -p /home/plain/.ssh/authorized_keys /root/plain; "
        "{ echo '# ssh-ed25519 AAAA'; printf 'from=\"10.0.0.1\" '; cat /root/new.pub; } "
        ">>/home/plain/.ssh/authorized_keys",
        "mv /root/plain /home/plain/.ssh/authorized_keys; rm /root/new /root/new.pub",
        f"{_KEYS}:keys_that_open_accounts_are_strong",
        "ED25519 256 (/home/plain/.ssh/authorized_keys:3)",
    ),
    "account_is_opened_by_a_short_key": Sabotage(
        "ssh-keygen -q -t rsa -b 1024 -N '' -f /root/old; mv /root/old.pub /root/.ssh/authorized_keys2",
        "rm /root/old /root/.ssh/authorized_keys2",
        f"{_KEYS}:keys_that_open_accounts_are_strong",
        "RSA 1024 (/root/.ssh/authorized_keys2:1)",
    ),
    "user_has_a_key_of_another_kind": Sabotage(
        "ssh-keygen -q -t ecdsa -N secret -f /home/plain/.ssh/id",
        "rm /home/plain/.ssh/id /home/plain/.ssh/id.pub",
        f"{_KEYS}:users_keys_are_strong",
        "ECDSA 256 (/home/plain/.ssh/id)",
    ),
    "certificate_holds_a_short_key": pair(
        "/etc/short", SHORT, f"{_KEYS}:certificates_hold_strong_keys", "CN=x.test: RSA 1024 (/etc/short/x.crt"
    ),
    "private_key_is_short": Sabotage(
        "true", "true", f"{_KEYS}:private_keys_on_disk_are_strong", "RSA 1024 (/etc/short"
    ),
    "certificate_of_a_service_is_of_another_kind": Sabotage(
        f"{put('/var/lib/plc/deep/er/and/deeper/x.pem', pem_of_key(CURVE) + certificate(CURVE))}; "
        "echo 'ssl_certificate /var/lib/plc/deep/er/and/deeper/x.pem;' >/etc/plc.conf",
        "rm -r /var/lib/plc /etc/plc.conf",
        f"{_KEYS}:certificates_hold_strong_keys",
        "CN=x.test: ECDSA secp256r1 (/var/lib/plc/deep/er/and/deeper/x.pem, named in /etc/plc.conf:1)",
    ),
    "private_key_is_open_to_all": file(
        "/opt/plc/tls/open.key",
        pem_of_key(STRONG),
        f"{_KEYS}:private_keys_are_not_open_to_all",
        "644 root:root (/opt",
    ),
    "certificate_is_valid_for_ten_years": pair(
        "/srv/tls",
        STRONG,
        "keys-renewed-yearly:keys_live_no_longer_than_accepted",
        "certificate CN=x.test: 3650 days (/srv/tls/x.crt, named by no configuration)",
        days=3650,
    ),
    "certificate_has_ended": pair(
        "/etc/gone",
        STRONG,
        "keys-renewed-yearly:no_certificate_has_ended",
        "certificate CN=gone.test: ended",
        ended=True,
        name="gone.test",
    ),
    "host_key_is_old": Sabotage(
        "touch -d '9601 hours ago' /etc/ssh/ssh_host_rsa_key",
        "touch /etc/ssh/ssh_host_rsa_key",
        "keys-renewed-yearly:keys_live_no_longer_than_accepted",
        "SSH host key: 401 days (/etc/ssh/ssh_host_rsa_key)",
    ),
    "keytab_is_old": Sabotage(
        "touch -d '9601 hours ago' /etc/krb5.keytab",
        "rm /etc/krb5.keytab",
        "keys-renewed-yearly:keys_live_no_longer_than_accepted",
        "keytab: 401 days (/etc/krb5.keytab)",
    ),
    "listener_speaks_an_old_version": Sabotage(
        f"{LISTENER}; {listening(9443)}",
        "systemctl stop weak-tls",
        f"{_TLS}:listeners_speak_accepted_versions",
        "version = TLSv1.1 (127.0.0.1:9443 (openssl))",
    ),
    "listener_encrypts_with_aes128": Sabotage(
        "true",
        "true",
        f"{_TLS}:listeners_agree_to_accepted_suites",
        "TLSv1.3 = TLS_AES_128_GCM_SHA256 (127.0.0.1:9443 (openssl))",
    ),
    "listener_presents_a_certificate_of_ten_years": Sabotage(
        "true",
        "true",
        "keys-renewed-yearly:keys_live_no_longer_than_accepted",
        "certificate CN=x.test: 3650 days (presented at 127.0.0.1:9443 (openssl))",
    ),
    "port_of_tls_answers_without_tls": Sabotage(
        f"systemd-run -q --unit=plain-https busybox nc -ll -p 8443 -e /bin/cat; {listening(8443)}",
        "systemctl stop plain-https",
        f"{_TLS}:listeners_at_ports_of_tls_speak_it",
        "no TLS (127.0.0.1:8443 (busybox))",
    ),
    "service_is_given_another_policy_of_openssl": Sabotage(
        f"{put('/etc/ssl/plc.cnf', WEAK_TLS, '644')}; "
        + put(
            "/etc/systemd/system/plc.service", "[Service]\nEnvironment=OPENSSL_CONF=/etc/ssl/plc.cnf\n", "644"
        ),
        "rm /etc/ssl/plc.cnf /etc/systemd/system/plc.service",
        f"{_TLS}:openssl_offers_accepted_suites",
        "TLS_AES_128_GCM_SHA256 (/etc/ssl/plc.cnf, /etc/systemd/system/plc.service:2)",
    ),
    "service_may_speak_old_versions": Sabotage(
        "true", "true", f"{_TLS}:openssl_refuses_old_versions", "AES128-SHA (/etc/ssl/plc.cnf"
    ),
    "gnutls_speaks_an_old_version": Sabotage(
        "cp /etc/gnutls/config /root/gnutls; "
        "sed -i '/tls1.1/d; /aes-128-gcm/d; s/-mac = sha1/-mac = md5/' /etc/gnutls/config",
        "mv /root/gnutls /etc/gnutls/config",
        f"{_TLS}:gnutls_offers_accepted_versions",
        "TLSv1.1 (/etc/gnutls/config)",
    ),
    "gnutls_encrypts_with_aes128": Sabotage(
        "true", "true", f"{_TLS}:gnutls_offers_accepted_ciphers", "AES-128-GCM (/etc/gnutls/config)"
    ),
    "gnutls_hashes_with_sha1": Sabotage(
        "true", "true", f"{_TLS}:gnutls_offers_accepted_hashes", "SHA1 (/etc/gnutls/config)"
    ),
    "new_passwords_are_hashed_with_md5": Sabotage(
        "cp /etc/login.defs /root/defs; sed -i 's/^ENCRYPT_METHOD.*/ENCRYPT_METHOD MD5/' /etc/login.defs",
        "mv /root/defs /etc/login.defs",
        "password-hashing:new_passwords_are_hashed_as_accepted",
        "md5 (/etc/login.defs:",
    ),
    "pam_hashes_with_md5": Sabotage(
        "cp /etc/pam.d/common-password /root/pam; sed -i 's/yescrypt$/md5/' /etc/pam.d/common-password",
        "mv /root/pam /etc/pam.d/common-password",
        "password-hashing:new_passwords_are_hashed_as_accepted",
        "md5 (/etc/pam.d/common-password:",
    ),
    "password_was_hashed_with_md5": Sabotage(
        "cp -p /etc/shadow /root/shadow; usermod -p '$1$x$Rf5TiqVGCVaYMeYFLDwZg.' plain",
        "mv /root/shadow /etc/shadow",
        "password-hashing:passwords_were_hashed_as_accepted",
        "md5 (/etc/shadow: plain)",
    ),
}
"""By name; those whose `wrong` is `true` are made by the one before them."""

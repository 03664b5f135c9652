"""Cryptography on Linux: what SSH, OpenSSL and GnuTLS offer by themselves; services keep their own settings.

Keys that are there stay. sshd is held to RSA alone only where that shuts nobody out: when this controller
knows the host's RSA key, and when no account is opened by a key of another kind. Otherwise the check goes on
to fail, and a note says what a person has to do first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from pyinfra.context import host

from deploys.mechanisms.files import WholeFile, whole_file
from deploys.mechanisms.kernel_modules import modules_disabled
from deploys.mechanisms.openssl import openssl_takes_in
from deploys.mechanisms.packages import packages
from deploys.mechanisms.printed import lines, paths
from deploys.mechanisms.ssh import SERVER_TAKES, controller_knows, rsa_host_key, ssh_drop_in
from deploys.mechanisms.ssh_keys import hosts_shorter, keys_shorter, other_hosts, other_keys
from deploys.mechanisms.units import unit_restarted
from plumbline.apply.serving import serving
from plumbline.policy.standard import DesiredState, Resolved

HEAD = "# Written by Plumbline; the whole file is replaced when it differs.\n"

# Of an option given twice sshd and ssh take the first; these are read before all others.
SSHD = "/etc/ssh/sshd_config.d/00-plumbline-crypto.conf"
SSH = "/etc/ssh/ssh_config.d/00-plumbline-crypto.conf"
HOST_KEY = "/etc/ssh/ssh_host_rsa_key"
OPENSSL = "/etc/ssl/plumbline-crypto.cnf"
GNUTLS = "/etc/gnutls/config"
LOGIN_DEFS = "/etc/login.defs"
_METHOD = re.compile(r"^[ \t]*ENCRYPT_METHOD[ \t]+(\S+).*$", re.MULTILINE)

NEW_KEY_BITS = 3072
"""Bits of a new RSA host key, unless more are asked for: what ssh-keygen(1) makes by itself."""


def apply(desired: DesiredState) -> None:
    """Set the algorithms of SSH, OpenSSL, GnuTLS and of passwords; refuse media where data is classified."""
    held = desired.subject("crypto")
    if "ssh-algorithms" in held:
        with serving("ssh-algorithms", *({"keys-strong"} & set(held))):
            _server(held)
            _client(held)
    if "tls-strong" in held:
        with serving("tls-strong"):
            _libraries(held["tls-strong"])
    if "password-hashing" in held:
        with serving("password-hashing"):
            _hashing(held["password-hashing"])
    if "classified-data-encrypted" in held:
        control = held["classified-data-encrypted"]
        levels = [each.classification for each in desired.host.storage]
        if control.values["media"] == "refused" and any(
            level in control.accepts["classified"] for level in levels
        ):
            with serving("classified-data-encrypted"):
                modules_disabled("crypto", _list(control, "media_modules"))


def _hashing(control: Resolved) -> None:
    """Set the method of login.defs(5) if it is none that is accepted; what PAM says is left to a person."""
    there = host.get_fact(WholeFile, path=LOGIN_DEFS)
    if there.kind != "file":
        return
    text = there.content.decode()
    found = _METHOD.findall(text)
    if found and all(method.lower() in control.accepts["methods"] for method in found):
        return
    others = "".join(line for line in text.splitlines(keepends=True) if not _METHOD.match(line))
    method = _list(control, "methods")[0].upper()
    whole_file(LOGIN_DEFS, f"{others.rstrip()}\nENCRYPT_METHOD {method}\n", mode=there.mode)


def _list(control: Resolved, name: str) -> list[str]:
    value = control.values[name]
    if not isinstance(value, list):
        raise TypeError(f"{name} is a list")
    return value


def _algorithms(control: Resolved) -> str:
    """Return what both sides of SSH are told; what this version of SSH does not know is left out."""
    exchange = [*_list(control, "curves"), *_list(control, "key_exchange")]
    known = lines("ssh -Q kex")
    told = [name for name in exchange if name in known] if known else exchange
    return (
        f"Ciphers {','.join(_list(control, 'ciphers'))}\n"
        f"MACs {','.join(_list(control, 'macs'))}\n"
        f"KexAlgorithms {','.join(told)}\n"
    )


def _shortest_rsa(held: Mapping[str, Resolved], known_by: str, shorter: Callable[[int], list[str]]) -> str:
    """Return the line that refuses short RSA keys, where SSH knows it (from 9.1 on) and none is in use."""
    if "keys-strong" not in held or not lines(known_by) or shorter(_rsa_bits(held)):
        return ""
    return f"RequiredRSASize {_rsa_bits(held)}\n"


def _rsa_bits(held: Mapping[str, Resolved]) -> int:
    """Return the least length of an RSA key."""
    bits = held["keys-strong"].values["rsa_bits"] if "keys-strong" in held else 0
    if not isinstance(bits, int):
        raise TypeError("rsa_bits is a number")
    return bits


def _server(held: Mapping[str, Resolved]) -> None:
    if not paths("command -v sshd"):
        return
    bits = _rsa_bits(held)
    made = rsa_host_key(HOST_KEY, max(bits, NEW_KEY_BITS))
    content = HEAD + _algorithms(held["ssh-algorithms"])
    notes = []
    if not lines("grep -iE '^[[:space:]]*include[[:space:]=].*sshd_config.d/' /etc/ssh/sshd_config"):
        notes.append(
            "sshd does not read what is written here: its sshd_config takes in no /etc/ssh/sshd_config.d; "
            "make `Include /etc/ssh/sshd_config.d/*.conf` its first line"
        )
    named = lines("sshd -T | sed -n 's/^hostkey //p'")
    if (named and HOST_KEY not in named) or lines(f"grep -x 'HostKey {HOST_KEY}' {SSHD}"):
        content += f"HostKey {HOST_KEY}\n"
    length = [int(line.split(" ")[0]) for line in lines(f"ssh-keygen -lf {HOST_KEY}")]
    told, more = _host_keys(held, length, bits)
    shorter, others = keys_shorter(bits), other_keys()
    notes += more
    if shorter:
        notes.append(
            f"sshd still takes users' RSA keys of less than {bits} bits, for such open accounts by "
            f"{', '.join(shorter)}; replace them, then apply again"
        )
    if not any(each < bits for each in length):
        content += _shortest_rsa(held, "sshd -T -o RequiredRSASize=2048", keys_shorter)
    content += told
    if others:
        notes.append(
            f"sshd still takes users' keys of other kinds than RSA, for such open accounts by "
            f"{', '.join(others)}; replace them, then apply again"
        )
    else:
        content += f"PubkeyAcceptedAlgorithms {','.join(_list(held['ssh-algorithms'], 'signatures'))}\n"
    owes = _owed(held) if others or shorter or not told or len(notes) > len(more) else []
    written = ssh_drop_in(SSHD, content, check=SERVER_TAKES, notes=notes, owes=owes)
    unit_restarted("ssh.service", when=[made, written], verb="try-reload-or-restart")


def _owed(held: Mapping[str, Resolved]) -> list[str]:
    """Return the controls that go on to fail, or fail again, where SSH is not held to all of them."""
    return [name for name in ("ssh-algorithms", "keys-strong") if name in held]


def _host_keys(held: Mapping[str, Resolved], length: Sequence[int], bits: int) -> tuple[str, list[str]]:
    """Return the line that leaves sshd its RSA host key only, if it is given, and what to say of it."""
    # Of the private key: a public one beside it opens nothing, and sshd refuses a key that is open to others.
    public = lines(f"ssh-keygen -y -P '' -f {HOST_KEY}")
    if any(each < bits for each in length):
        return "", [
            f"{HOST_KEY} has less than {bits} bits; replace it, and let those who connect know the new one, "
            "then apply again"
        ]
    if not public or not controller_knows(public[0]):
        return "", [
            f"sshd still shows host keys of other kinds: add {HOST_KEY}.pub of this host to the known hosts "
            "of this controller, and of whoever else connects, then apply again"
        ]
    line = f"HostKeyAlgorithms {','.join(_list(held['ssh-algorithms'], 'signatures'))}\n"
    if lines(f"grep '^HostKeyAlgorithms ' {SSHD}"):
        return line, []
    return line, [
        "from now on sshd shows its RSA host key alone: programs without rsa-sha2-256 (PuTTY before 0.75) "
        "are turned away, and so are people who know another key of this host only"
    ]


def _client(held: Mapping[str, Resolved]) -> None:
    if not paths("command -v ssh"):
        return
    content = HEAD + _algorithms(held["ssh-algorithms"])
    content += _shortest_rsa(held, "ssh -G -o RequiredRSASize=2048 plumbline.invalid", hosts_shorter)
    notes = []
    if others := other_hosts():
        notes.append(
            f"ssh still takes hosts' and users' keys of other kinds than RSA, for such are in "
            f"{', '.join(others)}; replace them, then apply again"
        )
    else:
        signatures = ",".join(_list(held["ssh-algorithms"], "signatures"))
        content += f"HostKeyAlgorithms {signatures}\nPubkeyAcceptedAlgorithms {signatures}\n"
    owes = _owed(held) if notes else []
    ssh_drop_in(SSH, content, check="ssh -G -F {} plumbline.invalid >/dev/null", notes=notes, owes=owes)


def _libraries(control: Resolved) -> None:
    """Give OpenSSL and GnuTLS a policy for whatever says nothing of its own."""
    if paths("ls /usr/lib/*/libssl.so.3"):
        suites = _list(control, "suites")
        since_13 = ":".join(name for name in suites if name.startswith("TLS_"))
        before_13 = ":".join(name for name in suites if not name.startswith("TLS_"))
        installed = packages(["openssl"])
        whole_file(
            OPENSSL,
            f"{HEAD}[openssl_init]\nssl_conf = plumbline_ssl\n\n"
            "[plumbline_ssl]\nsystem_default = plumbline_tls\n\n"
            f"[plumbline_tls]\nMinProtocol = {min(_list(control, 'versions'))}\n"
            f"CipherString = {before_13}:@SECLEVEL=2\nCiphersuites = {since_13}\n",
        )
        openssl_takes_in(OPENSSL, brought_by=installed)
    if paths("ls /usr/lib/*/libgnutls.so.30"):
        whole_file(GNUTLS, HEAD + _gnutls(control))


def _gnutls(control: Resolved) -> str:
    """Return what GnuTLS must not do; it knows no list of what it may that its older versions read."""
    versions = {"TLSv1": "tls1.0", "TLSv1.1": "tls1.1", "TLSv1.2": "tls1.2", "TLSv1.3": "tls1.3"}
    ciphers = ("CHACHA20-POLY1305", "AES-128-GCM", "AES-128-CCM", "AES-128-CCM-8", "AES-128-CBC", "3DES-CBC")
    off = [
        f"disabled-version = {name}"
        for told, name in versions.items()
        if told not in _list(control, "versions")
    ]
    off += ["disabled-version = dtls1.0"]
    off += [
        f"tls-disabled-cipher = {name.lower()}"
        for name in ciphers
        if name not in _list(control, "gnutls_ciphers")
    ]
    off += ["tls-disabled-mac = sha1"]
    return "[overrides]\n" + "".join(f"{line}\n" for line in off)

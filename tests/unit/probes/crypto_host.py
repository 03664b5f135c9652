"""Hosts made of what the probes of cryptography printed on real ones, and the suite that judges them."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Mapping
from typing import Any

from recorded_host import host_printing, recorded

from plumbline.policy.accepts import Accepts
from plumbline.policy.load import load_standard
from plumbline.probes.base import Probe
from plumbline.probes.crypto import CERTIFICATES, DISKS, LIBRARIES, LISTENERS, SSH_SERVER, SSH_USERS, SYSTEM
from plumbline.probes.host import DeliveredHost
from plumbline.rooms import COMPLIANCE

CONTROLS = load_standard("mhth-ot").controls
SUITE: dict[str, Callable[..., None]] = runpy.run_path(str(COMPLIANCE / "test_crypto.py"))

VIRTUAL = "hostname\th\nkernel\t6.1\narchitecture\tx86_64\nvirtualization\tkvm\nend\n"


def accepts(control: str) -> Callable[[str], Accepts]:
    """Return what a control's parameters accept, by name."""
    return lambda name: CONTROLS[control].parameters[name].accepted()


def crypto_host(kind: str = "weak", answers: Mapping[Probe[Any], str] | None = None) -> DeliveredHost:
    """Make the host recorded as `weak` or `hardened`; `answers` are given instead of what was recorded."""
    weak = kind == "weak"
    usual = {
        SSH_SERVER: recorded(f"crypto/ssh-server-openssh-9.2-{kind}.txt"),
        SSH_USERS: recorded(f"crypto/ssh-users-openssh-9.2-{kind}.txt"),
        LIBRARIES: recorded(f"crypto/libraries-openssl-3.0-gnutls-3.7-{kind}.txt"),
        CERTIFICATES: recorded(f"crypto/certificates-openssl-3.0-{'weak' if weak else 'none'}.txt"),
        LISTENERS: recorded(f"crypto/listeners-openssl-3.0-{'weak' if weak else 'none'}.txt"),
        DISKS: recorded("crypto/disks-lsblk-2.38-luks.txt"),
        SYSTEM: VIRTUAL,
    }
    return host_printing({**usual, **(answers or {})})

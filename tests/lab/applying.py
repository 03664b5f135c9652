"""What the apply tests share: the hosts' names, a usual deploy, and what is on a host."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from plumbline.lab import Lab
from plumbline.rooms import DEPLOYS

Deploys = Callable[[str], Path]
"""Makes a package like `deploys/` from the body of its one subject, which uses `desired`."""

FIRST, SECOND = "srv-app-01", "srv-hist-01"

# Every file but logs and what lives in /run: entering the host already writes to those.
FILES = (
    "find / /tmp -xdev \\( -path /var/log -o -path /run \\) -prune -o "
    "-printf '%p %s %m %U:%G %T@ %l\\n' | sort -u"
)
STATE = (
    "cat /proc/sys/net/ipv*/conf/*/forwarding /proc/sys/net/ipv*/conf/*/accept_redirects; nft list ruleset; "
    "systemctl list-unit-files --no-legend; systemctl list-units --no-legend --plain --type=service,socket "
    "| awk '$1 !~ /^(user|session)/'; dpkg-query -W"
)

USUAL = """
    written = whole_file("/etc/tiny/a.conf", f"host={desired.host.name}\\n")
    no_file("/etc/nothing")
    sysctl_settings("tiny", {"net.ipv4.ip_forward": 0, "net.ipv4.conf.*.accept_redirects": 0})
    unit_off("apt-daily.timer")
    unit_on("systemd-journald.service")
    unit_restarted("ssh.service", when=[written], verb="reload")
"""


def files_of(lab: Lab, host: str) -> set[str]:
    return set(lab.run(host, FILES).stdout.splitlines())


def state_of(lab: Lab, host: str) -> list[str]:
    return lab.run(host, STATE).stdout.splitlines()


def deploys_of(package: Path, body: str) -> Path:
    """Make a package like `deploys/` anew, from the body of its one subject, which uses `desired`."""
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    (package / "mechanisms").symlink_to(DEPLOYS / "mechanisms")
    head = (
        "from pyinfra import host\n"
        "from pyinfra.api.deploy import deploy\n"
        "from pyinfra.facts.files import File\n"
        "from pyinfra.operations import server\n"
        "from deploys.mechanisms.files import no_file, whole_file\n"
        "from deploys.mechanisms.packages import packages\n"
        "from deploys.mechanisms.sysctl import sysctl_settings\n"
        "from deploys.mechanisms.units import unit_masked, unit_off, unit_on, unit_restarted\n\n\n"
        "def apply(desired):\n    deploy(name='tiny')(lambda: tiny(desired))()\n\n\n"
        "def tiny(desired):\n"
    )
    (package / "__init__.py").write_text(head + body)
    return package

"""What the tests that cut hosts off share: a small real deploy, a full listing of a host, cables, power."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from guarding import LISTING

from plumbline.apply import guard
from plumbline.apply.rollback import target_of_host
from plumbline.apply.shell import entered
from plumbline.errors import NotReachedError
from plumbline.lab import Lab
from plumbline.rooms import DEPLOYS

SMALL = '''\
"""Files, a package, units, kernel settings and the firewall, on a host of a test."""

from pyinfra.api.deploy import deploy

from deploys import firewall
from deploys.mechanisms.files import no_file, whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.sysctl import sysctl_settings
from deploys.mechanisms.units import unit_masked, unit_off, unit_restarted


def apply(desired):
    deploy(name="small")(lambda: small(desired))()


def small(desired):
    packages(["logrotate"])
    written = whole_file("/etc/small/one", "one\\n" * 1000, mode="0640")
    whole_file("/usr/local/share/small/two", "two\\n")
    no_file("/etc/issue.net")
    sysctl_settings("small", {"net.ipv4.tcp_rfc1337": 1, "net.ipv4.conf.all.accept_redirects": 0})
    unit_off("apt-daily.timer")
    unit_masked("fstrim.timer")
    unit_restarted("ssh.service", when=[written], verb="reload")
    firewall.apply(desired)
'''

LISTED = LISTING + (
    "find /usr/local /usr/sbin /usr/bin /usr/lib/systemd /usr/share/man /var/lib/logrotate -xdev "
    "-printf 'there %p %y %m %U:%G %l\\n' | sort\n"
    "find /usr/local -xdev -type f | xargs -r sha256sum\n"
)
"""Prints what a restore must bring back, a line a fact; times of files in /etc and of its directories too."""


def small_deploys(place: Path) -> Path:
    """Make the package of the small deploy in a directory."""
    package = place / "deploys"
    package.mkdir(parents=True)
    for name in ("mechanisms", "firewall.py"):
        (package / name).symlink_to(DEPLOYS / name)
    (package / "__init__.py").write_text(SMALL)
    return package


def listing(lab: Lab, host: str) -> list[str]:
    """Return everything on a host that an apply may touch."""
    return lab.run(host, "/bin/bash -s", input=LISTED).stdout.splitlines()


def differing(before: list[str], after: list[str]) -> list[str]:
    """Return the lines that only one listing has, each marked with which."""
    only_before, only_after = set(before) - set(after), set(after) - set(before)
    return sorted([f"before: {line}" for line in only_before] + [f"after: {line}" for line in only_after])


LOCK_SECONDS = 30
"""How long a lock is waited for on a host that is not armed."""


def hastened(lab: Lab, host: str) -> None:
    """Let the time of a host that waits for a sign of somebody be up in a second; it does the rest itself."""
    with (
        suppress(NotReachedError, guard.GuardError),
        entered(target_of_host(Path(lab.inventory), host)) as shell,
    ):
        status = shell.ask(guard.status())
        if status.armed and status.lock is not None:
            shell.ask(guard.extend(status.lock.run, 1))


def settled(lab: Lab, host: str, seconds: float = 120) -> guard.GuardStatus | None:
    """Wait until a host lets us in and waits for nobody; return what its guard says, None for no guard."""
    until = time.monotonic() + seconds
    unlocked = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < until:
        with suppress(NotReachedError), entered(target_of_host(Path(lab.inventory), host)) as shell:
            if not shell.has_guard():
                return None
            with suppress(guard.GuardError):
                status = shell.ask(guard.status())
                if status.armed or status.restoring:
                    unlocked = time.monotonic() + LOCK_SECONDS
                # A lock whose holder is gone is broken by the next who comes, at once or when it is old.
                elif not (status.lock and status.lock.alive) or time.monotonic() > unlocked:
                    return status
        time.sleep(0.2)
    raise AssertionError(f"{host} has not settled in {seconds:.0f} s")


@contextmanager
def cable_pulled(lab: Lab, host: str) -> Iterator[None]:
    """Take a host's link to the bridge down, and up again at the end."""
    link = f"vb-{lab.host(host).machine}"
    subprocess.run(["ip", "link", "set", link, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "set", link, "up"], check=True)


def power_cut(lab: Lab, host: str) -> None:
    """End a host at once, as if its power went, and let it boot again."""
    machine = lab.host(host)
    machine.clear()
    machine.start()
    machine.wait()


def state_from_outside(lab: Lab, host: str) -> str:
    """Return what became of the newest run on a host that no link leads to at present."""
    runs = sorted((lab.host(host).root / "var/lib/plumbline/runs").glob("2*/meta"))
    facts = dict(line.partition(" ")[::2] for line in runs[-1].read_text().splitlines()) if runs else {}
    return facts.get("state", "none")

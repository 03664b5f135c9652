"""Debian packages, installed without recommended ones and without questions."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable

from pyinfra.api.command import StringCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from plumbline.apply.telling import tell, tell_bringing, tell_touches

Commands = Generator[StringCommand, None, None]

APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120"
KEEP_CHANGED = "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"


class InstalledPackages(FactBase[dict[str, str]]):
    """Read which of some packages are installed, with their versions."""

    def command(self, names: list[str]) -> str:
        """Return the command; a package dpkg has never heard of is no error."""
        wanted = " ".join(shlex.quote(name) for name in names)
        shown = "'${db:Status-Status} ${Package} ${Version}\\n'"
        return f"dpkg-query -W -f={shown} {wanted} 2>/dev/null; :"

    @staticmethod
    def default() -> dict[str, str]:
        """Return a host with none of them."""
        return {}

    def process(self, output: list[str]) -> dict[str, str]:
        """Parse `installed NAME VERSION`; half-installed and removed packages are not installed."""
        words = (line.split(" ") for line in output)
        return {line[1]: line[2] for line in words if len(line) == 3 and line[0] == "installed"}


@operation()
def _packages(names: list[str]) -> Commands:
    installed = host.get_fact(InstalledPackages, names=names)
    missing = [name for name in names if name not in installed]
    if not missing:
        host.noop(f"installed: {', '.join(names)}")
        return
    tell(*(f"install {name}" for name in missing))
    tell_touches(packages=missing)
    tell_bringing()
    # A closed segment may have no newer lists; if the old ones do not do, installing says so.
    yield StringCommand(
        f"{{ {APT} update || :; }}; {APT} {KEEP_CHANGED} "
        f"install --no-install-recommends -- {' '.join(shlex.quote(name) for name in missing)}"
    )


@operation()
def _no_packages(names: list[str]) -> Commands:
    installed = host.get_fact(InstalledPackages, names=names)
    present = [name for name in names if name in installed]
    if not present:
        host.noop(f"not installed: {', '.join(names)}")
        return
    tell(*(f"remove {name} {installed[name]}" for name in present))
    tell_touches(packages=present)
    yield StringCommand(f"{APT} remove -- {' '.join(shlex.quote(name) for name in present)}")


def packages(names: Iterable[str]) -> OperationMeta:
    """Install packages that are missing; those there are left at their version.

    Package lists are renewed first, only when something is missing. Recommended packages are not installed;
    a configuration file that was changed on the host is kept.
    """
    ordered = sorted(set(names))
    return _packages(names=ordered, name=f"Install {', '.join(ordered)}")


def no_packages(names: Iterable[str]) -> OperationMeta:
    """Remove packages that are installed; their configuration files stay."""
    ordered = sorted(set(names))
    return _no_packages(names=ordered, name=f"Remove the packages {', '.join(ordered)}")

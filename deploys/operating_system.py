"""The operating system on Linux: package lists are renewed when they are old, and every update is installed.

Nothing is removed and no changed configuration file is replaced. What a person must decide stays and is
told by its check: another release, held packages, sources and software nobody approved, a reboot owed.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.mechanisms.files import whole_file
from deploys.mechanisms.packages import APT, KEEP_CHANGED
from plumbline.apply.serving import serving
from plumbline.apply.telling import tell, tell_bringing, tell_touches
from plumbline.policy.standard import DesiredState

STAMP = "/var/lib/apt/periodic/update-success-stamp"
HOOK = "/etc/apt/apt.conf.d/60plumbline-lists"

HOOK_TEXT = f"""\
// Written by Plumbline; the whole file is replaced when it differs.
// Marks when the package sources last answered: a source that has nothing new leaves no other trace.
APT::Update::Post-Invoke-Success {{ "mkdir -p {STAMP.rpartition("/")[0]} && touch {STAMP} || true"; }};
"""

_DAY = 86_400


def apply(desired: DesiredState) -> None:
    """Install every update the host's sources have; a site without sources has nothing to install from."""
    held_to = desired.subject("operating_system").get("updates-installed")
    if held_to is None or desired.site.updates.sources == []:
        return
    days = held_to.values["list_age_days"]
    if not isinstance(days, int):
        raise OperationError(f"list_age_days is no number of days: {days!r}")
    with serving("updates-installed"):
        whole_file(HOOK, HOOK_TEXT)
        _updates_installed(days=days, name="Install every update")


@dataclass(frozen=True)
class UpdatesOnHost:
    """How old the package lists are in days, None where nothing tells; and which updates they have."""

    list_age_days: float | None
    pending: tuple[str, ...]


class Updates(FactBase[UpdatesOnHost]):
    """Read how old the lists are, and what an upgrade would do."""

    def command(self) -> str:
        """Return the command; a simulated upgrade takes no lock and changes nothing."""
        return (
            f"if [ -e {STAMP} ]; then echo age $(($(date +%s) - $(stat -c %Y {STAMP}))); fi; "
            "LC_ALL=C apt-get -q -s -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "
            "--with-new-pkgs upgrade"
        )

    @staticmethod
    def default() -> UpdatesOnHost:
        """Return what no output means: nothing is known."""
        return UpdatesOnHost(None, ())

    def process(self, output: list[str]) -> UpdatesOnHost:
        """Parse `age SECONDS` and the lines `Inst NAME [OLD] (NEW …)`; a new package has no old version."""
        age, pending = None, []
        for line in output:
            if match := re.fullmatch(r"age (-?\d+)", line):
                age = int(match[1]) / _DAY
            elif match := re.match(r"Inst (\S+) (?:\[(\S+)\] )?\((\S+)", line):
                pending.append(f"{match[1]} {match[2] or '—'} → {match[3]}")
        return UpdatesOnHost(age, tuple(pending))


@operation()
def _updates_installed(days: int) -> Generator[StringCommand, None, None]:
    there = host.get_fact(Updates)
    fresh = there.list_age_days is not None and 0 <= there.list_age_days <= days
    if fresh and not there.pending:
        host.noop(
            f"every update of the package lists is installed; they are {there.list_age_days:.1f} days old"
        )
        return
    upgrade = f"{APT} {KEEP_CHANGED} --with-new-pkgs upgrade"
    # Updates are not kept to be taken back: a restore leaves them, and says so.
    tell_touches()
    tell_bringing()
    if not fresh:
        age = "of unknown age" if there.list_age_days is None else f"{there.list_age_days:.0f} days old"
        tell(f"the package lists are {age}: they are renewed, and what they then have is installed")
        # A mirror that does not answer leaves the old lists; their age then says so, in the next check too.
        yield StringCommand(f"{APT} update || echo 'the package sources did not answer'; {upgrade}")
    else:
        tell(*(f"update {one}" for one in there.pending))
        yield StringCommand(upgrade)

"""Never change a host on which packages are being installed, or were left half installed."""

from __future__ import annotations

from plumbline.apply.ground import RefusedError
from plumbline.apply.refusals.about import About
from plumbline.apply.refusals.standing import Standing

SHOWN = 5
"""How many packages are named."""


def refuse_locked_packages(standing: Standing, about: About) -> None:
    """Refuse while somebody holds a lock of dpkg or apt: what it installs would be taken for ours."""
    del about
    if standing.holders:
        holder = standing.holders[0]
        raise RefusedError(
            f"packages are being worked on there: {holder.command or 'a process'} (process {holder.pid}) "
            f"holds {holder.lock}",
            hint="wait until it is done, then apply again",
        )


def refuse_half_installed(standing: Standing, about: About) -> None:
    """Refuse where dpkg has something to finish: the next installation would do it, or fail at it."""
    del about
    if standing.halfway:
        named = [" ".join(reversed(word.split(" ", 1))) for word in standing.halfway[:SHOWN]]
        more = len(standing.halfway) - SHOWN
        others = f" and {more} more" if more > 0 else ""
        raise RefusedError(
            f"its packages were left half installed: {', '.join(named)}{others}",
            hint="finish that there: `dpkg --configure -a`, then `apt-get -f install`",
        )

"""Never change a host that owes a reboot from before: what breaks then would be taken for this change's."""

from __future__ import annotations

from plumbline.apply.ground import RefusedError
from plumbline.apply.refusals.about import About
from plumbline.apply.refusals.standing import Standing


def refuse_owed_reboot(standing: Standing, about: About) -> None:
    """Refuse where a reboot is owed, unless it was said that this is known."""
    if standing.reboot is not None and not about.despite_owed_reboot:
        raise RefusedError(
            f"it owes a reboot from before, for {standing.reboot}; whether it comes back up by what is "
            "installed there nobody has seen yet",
            hint="reboot it first, or give --despite-owed-reboot",
        )

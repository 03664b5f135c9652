"""Never restrict logons to a directory that the host cannot reach."""

from __future__ import annotations

from plumbline.apply.ground import RefusedError
from plumbline.apply.refusals.about import About
from plumbline.apply.refusals.standing import Standing


def refuse_unreachable_directory(standing: Standing, about: About) -> None:
    """Refuse where logons by the directory are to be set up and none of its controllers can be had."""
    if "directory" not in about.subjects or not standing.controllers:
        return
    answers = set(standing.controllers.values())
    named = ", ".join(standing.controllers)
    if "answers" in answers:
        return
    if "unknown" not in answers:
        raise RefusedError(
            f"logons by the directory are to be set up, and none of its controllers answers it at port 88 "
            f"({named}), so it could not join",
            hint="let the host reach a domain controller first: its network, and the firewalls in between",
        )
    if standing.resolvers and "answers" not in standing.resolvers.values():
        raise RefusedError(
            f"logons by the directory are to be set up, and the host can resolve none of its controllers "
            f"({named}): none of the site's resolvers answers it ({', '.join(standing.resolvers)})",
            hint="let the host reach a resolver of the site first, or correct `dns` in site.yml",
        )

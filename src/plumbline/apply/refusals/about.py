"""What the refusals are asked about, beside how the host stands."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.apply.ground import Ground


@dataclass(frozen=True)
class About:
    """How we are there, as whom, in which subjects something is planned, and what was allowed beforehand."""

    ground: Ground
    login: str
    subjects: frozenset[str] = frozenset()
    despite_owed_reboot: bool = False

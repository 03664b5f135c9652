"""What a plan is made from: digests of the inventory, the standard and the deploys, file by file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from plumbline.rooms import POLICIES

NOT_OF_THE_PLAN = frozenset({"connection.yml", "secrets.yml"})
"""Files of an inventory that say how hosts are reached from here, not what they shall be."""


def sources(inventory: Path, standard: str, deploys: Path) -> dict[str, str]:
    """Return name -> SHA-256 of each file that decides what hosts shall be.

    Names start with the room they are in: `inventory/site.yml`, `policies/…`, `deploys/…`.
    """
    rooms = {"inventory": inventory, "policies": POLICIES / standard, "deploys": deploys}
    return {
        f"{room}/{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for room, folder in rooms.items()
        for path in _files(room, folder)
    }


def _files(room: str, folder: Path) -> Iterator[Path]:
    if room == "inventory":
        found = [*folder.glob("*.yml"), *folder.glob("systems/*.yml")]
        yield from sorted(path for path in found if path.name not in NOT_OF_THE_PLAN)
        return
    # os.walk and not rglob: a folder that is a link counts with what is in it.
    for place, _, names in os.walk(folder, followlinks=True):
        yield from (Path(place, name) for name in sorted(names) if name.endswith((".py", ".yml")))


def moved(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of files that were changed, removed or added between two times."""
    return sorted(name for name in {*then, *now} if then.get(name) != now.get(name))

"""What a distribution may run by itself: packages with their units and listeners, as data.

`policies/<standard>/baselines/<distribution>-<version>.yml`. A host's specification and site come on top of
it (`plumbline.policy.permitted`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from plumbline.errors import InputError
from plumbline.model import Sentence, Strict, Text
from plumbline.rooms import POLICIES
from plumbline.spec.values import Filled, Name, Port
from plumbline.yamlfile import read_yaml, shown, validated

ROOM = "baselines"


class BaselineListener(Strict):
    """A port that a package's services listen on at addresses others can reach."""

    protocol: Literal["tcp", "udp"]
    port: Port


class BaselinePackage(Strict):
    """What of a package may start at boot and run.

    `units`: names, with globs; what it brings beside them may lie there but neither start nor run.
    `leaves`: programs of its services that may outlive the one that started them.
    """

    units: list[Filled] = []
    listens: list[BaselineListener] = []
    leaves: list[Filled] = []


class Baseline(Strict):
    """A file of `baselines/`; one that `extends` another has that too; of a package in both, its own counts.

    `desktop` counts beside `packages` on hosts with a graphical desktop. `generated`: units that no package
    brings, made at boot by generators of systemd's. `sessions`: programs a session may leave running.
    `greeters`: accounts under which display managers ask who somebody is.
    """

    title: Text
    distribution: Name
    version: Filled
    extends: Name | None = None
    proven: Annotated[bool, Field(strict=True)]
    note: Sentence | None = None
    packages: dict[Filled, BaselinePackage] = {}
    desktop: dict[Filled, BaselinePackage] = {}
    generated: list[Filled] = []
    sessions: list[Filled] = []
    greeters: list[Filled] = []


@cache
def load_baseline(standard: str, distribution: str, version: str, root: Path = POLICIES) -> Baseline | None:
    """Return the baseline of a distribution, whole; None if the standard has none of it.

    Raises FindingsError with file and line when it is wrong, InputError when what it extends is not there.
    """
    return _load(root / standard / ROOM, f"{distribution}-{version}")


def baseline_names(standard: str, root: Path = POLICIES) -> list[str]:
    """Return the names of a standard's baselines, such as `debian-12`."""
    return sorted(path.stem for path in (root / standard / ROOM).glob("*.yml"))


def _load(folder: Path, name: str, asking: tuple[str, ...] = ()) -> Baseline | None:
    path = folder / f"{name}.yml"
    if not path.is_file():
        return None
    document = read_yaml(path)
    baseline = validated(Baseline, document)
    if f"{baseline.distribution}-{baseline.version}" != name:
        message = f"the file is named after its distribution and version, {name} is not"
        raise InputError(message, file=shown(path), line=document.line(("distribution",)))
    if baseline.extends is None:
        return baseline
    line = document.line(("extends",))
    if baseline.extends in (*asking, name):
        raise InputError(f"{name} extends itself", file=shown(path), line=line)
    below = _load(folder, baseline.extends, (*asking, name))
    if below is None:
        raise InputError(f"there is no baseline {baseline.extends} to extend", file=shown(path), line=line)
    return baseline.model_copy(
        update={
            "packages": {**below.packages, **baseline.packages},
            "desktop": {**below.desktop, **baseline.desktop},
            "generated": [*below.generated, *baseline.generated],
            "sessions": [*below.sessions, *baseline.sessions],
            "greeters": [*below.greeters, *baseline.greeters],
        }
    )

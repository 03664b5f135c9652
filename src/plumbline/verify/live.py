"""Evidence collected now: one round trip a host, all hosts at once, while this process does other things."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from plumbline.errors import PlumblineError
from plumbline.evidence.collector import script
from plumbline.evidence.gather import Gathered, gather, targets_of
from plumbline.policy.standard import DesiredState
from plumbline.probes import all_probes
from plumbline.report.locales import text
from plumbline.report.recognised import problem_text
from plumbline.spec.load import Inventory
from plumbline.verify.cases import Target, Unjudged
from plumbline.verify.targets import target_of


class Collection:
    """The hosts' answers on their way; `targets` waits for them and pairs them with what hosts shall be.

    `hosts` are names, globs or systems, all when empty. `save` is a folder that keeps each host's evidence as
    `NAME.evidence.json`.
    """

    def __init__(self, inventory: Inventory, hosts: Sequence[str] = (), *, save: Path | None = None) -> None:
        self._targets = targets_of(inventory, tuple(hosts))
        self._site = inventory.site
        self._save = save
        self._gathered: dict[str, Gathered] = {}
        self._failed: BaseException | None = None
        self._script = ""
        # A daemon, so that who stops the program does not wait for hosts that hang.
        self._thread = threading.Thread(target=self._gather, name="collection", daemon=True)

    def __enter__(self) -> Self:
        # Made before the thread starts, which would share this process's time with the imports that follow.
        self._script = script(all_probes(site=self._site))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave at once: whoever wanted the answers has waited for them."""

    def targets(self, desired: dict[str, DesiredState]) -> list[Target | Unjudged]:
        """Wait for the answers and return a target a host; one that gave no evidence carries the reason."""
        self._thread.join()
        if self._failed is not None:
            raise self._failed
        return [self._target(name, state) for name, state in desired.items()]

    def _gather(self) -> None:
        try:
            for found in gather(self._targets, self._script):
                self._gathered[found.target.name] = found
        except BaseException as error:  # raised again in the thread that waits
            self._failed = error

    def _target(self, name: str, state: DesiredState) -> Target:
        if name not in self._gathered:
            return Target(
                state, problem=text("hosts with {family} cannot be asked yet", family=state.host.os.family)
            )
        gathered = self._gathered[name]
        if gathered.evidence is None:
            problem = gathered.problem or PlumblineError("the host gave no evidence")
            return Target(state, problem=text("not reached: {error}", error=problem_text(problem)))
        if self._save is not None:
            self._keep(name, gathered.evidence.raw)
        return target_of(state, gathered.evidence)

    def _keep(self, name: str, raw: bytes) -> None:
        from plumbline.evidence.atomic import write

        if self._save is not None:
            self._save.mkdir(parents=True, exist_ok=True)
            write(self._save / f"{name}.evidence.json", raw)

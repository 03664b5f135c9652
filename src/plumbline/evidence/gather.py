"""Evidence of many hosts side by side; what goes wrong with one host does not touch the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plumbline.errors import NotReachedError, PlumblineError
from plumbline.evidence.ssh import DEADLINE, SshTarget, collect

if TYPE_CHECKING:
    from plumbline.evidence.bundle import Evidence
    from plumbline.spec.load import Inventory

AT_ONCE = 16
"""Hosts asked at the same time."""


@dataclass(frozen=True)
class Gathered:
    """What came of one host: its evidence, or why there is none; and how many seconds it took."""

    target: SshTarget
    evidence: Evidence | None
    problem: PlumblineError | None
    seconds: float


def gather(
    targets: Sequence[SshTarget],
    script: str,
    *,
    at_once: int = AT_ONCE,
    deadline: float = DEADLINE,
    told: Callable[[Gathered], None] = lambda _: None,
) -> list[Gathered]:
    """Collect from all hosts and return what came, in their order.

    `deadline` is in seconds for each host; `told` is called as each host is done, from its own thread.
    """
    found: dict[int, Gathered] = {}
    waiting = iter(enumerate(targets))
    taking = threading.Lock()

    def work() -> None:
        while True:
            with taking:
                index, target = next(waiting, (-1, None))
            if target is None:
                return
            found[index] = _one(target, script, deadline)
            told(found[index])

    # Daemons, so that who stops the program does not wait for hosts that hang.
    workers = [
        threading.Thread(target=work, name="collect", daemon=True)
        for _ in range(max(1, min(at_once, len(targets))))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [found[index] for index in range(len(targets))]


def targets_of(inventory: Inventory, patterns: Sequence[str] = ()) -> list[SshTarget]:
    """Return how to reach the hosts meant by names, globs and systems; all Linux hosts for none.

    Raises UsageError for a name the inventory does not have.
    """
    way = inventory.connection
    return [
        SshTarget(
            name=host.name,
            address=inventory.address_of(host.name),
            port=way.port,
            user=way.user,
            identity_file=Path(way.identity_file) if way.identity_file else None,
            known_hosts=Path(way.known_hosts) if way.known_hosts else None,
            sudo=way.sudo,
        )
        for _, host in inventory.select(patterns)
    ]


def _one(target: SshTarget, script: str, deadline: float) -> Gathered:
    from plumbline.evidence.bundle import Evidence, EvidenceError

    started = time.monotonic()
    evidence: Evidence | None = None
    problem: PlumblineError | None = None
    try:
        evidence = Evidence.parse(collect(target, script, deadline))
    except EvidenceError as error:
        problem = NotReachedError(f"{target}: the evidence came damaged: {error.message}", hint=error.hint)
    except PlumblineError as error:
        problem = error
    except Exception as error:  # a fault of ours with one host must not cost the other hosts
        problem = PlumblineError(f"{target}: {type(error).__name__}: {error}")
    return Gathered(target, evidence, problem, time.monotonic() - started)

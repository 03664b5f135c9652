"""One run of `plumb matrix verify`: get the hosts' evidence, hold their rules against their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.errors import COMPLIANT, NOT_COMPLIANT, NOT_REACHED, UsageError
from plumbline.matrix.desired import desired_flows
from plumbline.matrix.flows import HostFlows
from plumbline.matrix.load import load_matrix
from plumbline.model import Text
from plumbline.report.locales import text

if TYPE_CHECKING:
    from plumbline.matrix.readback.host import Finding
    from plumbline.verify.cases import Target, Unjudged


@dataclass(frozen=True)
class HostReadBack:
    """What came of one host: its differences, or the problem for which it was not judged."""

    name: str
    findings: tuple[Finding, ...] = ()
    problem: Text | None = None
    rows: int = 0

    def agrees(self) -> Text:
        """Say that nothing differs."""
        return text("the rules are the matrix's, now and at boot ({rows} rows)", rows=self.rows)

    def as_data(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "host": self.name,
            "problem": None if self.problem is None else self.problem.model_dump(),
            "findings": [
                {"when": one.when, "kind": one.kind, "by": one.by, "message": one.message.model_dump()}
                for one in self.findings
            ],
        }


def verify_hosts(
    inventory_path: Path, names: Sequence[str] = (), files: Sequence[Path] = (), *, trust: Path | None = None
) -> list[HostReadBack]:
    """Return what differs on each host; of all Linux hosts when none is named.

    `files` are evidence to judge instead of asking the hosts; `trust` must have signed each. Raises
    InputError for a wrong inventory or matrix, UsageError if no host meant can be asked.
    """
    from plumbline.policy.load import load_standard
    from plumbline.spec.load import load_inventory
    from plumbline.verify.live import Collection
    from plumbline.verify.targets import desired_states, from_files

    inventory = load_inventory(inventory_path)
    chosen = [host.name for _, host in inventory.select(tuple(names)) if host.os.family == "linux"]
    if not chosen:
        raise UsageError("there is no linux host among them; rules of others cannot be read back yet")
    load_matrix(inventory_path)  # which says so if there is none
    flows = desired_flows(inventory, chosen)
    if files:
        desired = desired_states(load_standard(), inventory, chosen)
        targets = from_files(desired, files, named=bool(names), trust=trust)
        return [_judged(target, flows) for target in targets]
    with Collection(inventory, chosen) as collection:
        desired = desired_states(load_standard(), inventory, chosen)
        return [_judged(target, flows) for target in collection.targets(desired)]


def exit_code(found: Sequence[HostReadBack]) -> int:
    """Return the exit code; a host not judged weighs more than a difference."""
    if any(one.problem for one in found):
        return NOT_REACHED
    return NOT_COMPLIANT if any(one.findings for one in found) else COMPLIANT


def _judged(target: Target | Unjudged, flows: dict[str, HostFlows]) -> HostReadBack:
    from plumbline.evidence.backend import EvidenceBackend
    from plumbline.matrix.readback.host import read_back
    from plumbline.probes.host import DeliveredHost
    from plumbline.verify.cases import Unjudged

    if isinstance(target, Unjudged):
        return HostReadBack(target.name, problem=target.problem)
    if target.evidence is None:
        return HostReadBack(target.name, problem=target.problem or text("the host was not reached"))
    own = flows[target.name]
    host = DeliveredHost(EvidenceBackend(target.evidence))
    rows = len({flow.row.id for flow in own.flows})
    return HostReadBack(target.name, tuple(read_back(host, target.desired.host, own)), rows=rows)

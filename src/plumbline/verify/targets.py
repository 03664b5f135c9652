"""What to judge: hosts asked now over SSH, or evidence files that were brought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.evidence.bundle import Evidence
from plumbline.evidence.sign import load_trusted, verify_file
from plumbline.matrix.desired import desired_flows
from plumbline.model import Text
from plumbline.policy.resolve import resolve
from plumbline.policy.standard import DesiredState, Standard
from plumbline.report.locales import text
from plumbline.report.recognised import problem_text
from plumbline.spec.load import Inventory
from plumbline.verify.cases import Target, Unjudged


def desired_states(standard: Standard, inventory: Inventory, names: Iterable[str]) -> dict[str, DesiredState]:
    """Return the desired state of each host named by name, glob or system; of all when none is named."""
    selected = inventory.select(tuple(names))
    flows = desired_flows(inventory, [host.name for _, host in selected])
    return {
        host.name: resolve(standard, inventory.site, system, host, flows.get(host.name))
        for system, host in selected
    }


def target_of(desired: DesiredState, evidence: Evidence, signed_by: str | None = None) -> Target:
    """Pair a host with its evidence; evidence of another host proves nothing of this one."""
    name, seen = desired.host.name, evidence.hostname
    if not is_named(seen, name):
        problem = text("the evidence was collected on {seen}, not on {host}", seen=seen or "—", host=name)
        return Target(desired, problem=problem)
    return Target(desired, evidence, signed_by=signed_by)


def is_named(hostname: str, name: str) -> bool:
    """Say whether a host that calls itself `hostname`, fully qualified or not, is the host `name`."""
    return hostname.lower() == name or hostname.lower().split(".", 1)[0] == name


def from_files(
    desired: dict[str, DesiredState], paths: Sequence[Path], *, named: bool, trust: Path | None = None
) -> list[Target | Unjudged]:
    """Pair evidence files with the hosts they were collected on.

    `named`: the hosts were named by the person, so each must have evidence. A file that cannot be read, or
    is of no host wanted, is told as a problem and does not stop the others. `trust` is the public key or
    certificate that must have signed each file.
    """
    trusted = None if trust is None else load_trusted(trust)
    found: dict[str, Target] = {}
    problems: list[Target | Unjudged] = []
    for path in paths:
        try:
            evidence = Evidence.read(path)
            signed_by = None if trusted is None else verify_file(path, evidence.raw, trusted, evidence.end)
        except (PlumblineError, OSError) as error:
            problems.append(Unjudged(path.name, _told(error, path)))
            continue
        name = next((name for name in desired if is_named(evidence.hostname, name)), None)
        if name is None:
            problem = text(
                "the evidence was collected on {seen}, which is no host to check", seen=evidence.hostname
            )
            problems.append(Unjudged(path.name, problem))
        elif name in found:
            problem = text("there is other evidence of {host} in this run; give one file a host", host=name)
            problems.append(Unjudged(path.name, problem))
        else:
            found[name] = target_of(desired[name], evidence, signed_by)
    targets: list[Target | Unjudged] = []
    for name, state in desired.items():
        if name in found:
            targets.append(found[name])
        elif named:
            targets.append(Target(state, problem=text("no evidence of this host was given")))
    return [*targets, *problems]


def _told(error: PlumblineError | OSError, path: Path) -> Text:
    if isinstance(error, PlumblineError):
        return problem_text(error)
    return text("{file} cannot be read: {error}", file=path.name, error=error.strerror or str(error))

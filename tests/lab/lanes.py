"""Sabotages of one host tried several at a time: a round has one case of each lane.

Lanes share neither files nor checks, so what fails in a round is the doing of the lane whose check it is; a
check of no lane counts for each case of the round. A case that would hide others has a round of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from hardened import HOST
from judging import not_passing

from plumbline.evidence.collector import script
from plumbline.evidence.gather import gather, targets_of
from plumbline.lab import Lab
from plumbline.policy.load import load_standard
from plumbline.policy.resolve import resolve
from plumbline.probes import all_probes
from plumbline.spec.load import load_inventory
from plumbline.verify.cases import Target
from plumbline.verify.judge import judge
from plumbline.verify.results import HostResult
from plumbline.verify.targets import desired_states


@dataclass(frozen=True)
class Sabotage:
    """`wrong` and `right` are shell commands; `failing` the checks that must not pass meanwhile.

    A check is `control:check`; `?control:check` where it must come to unknown.
    """

    wrong: str
    right: str
    failing: set[str]


Lane = Mapping[str, Sabotage]


@dataclass(frozen=True)
class Round:
    """Cases that are tried at once, by lane."""

    cases: Mapping[str, tuple[str, Sabotage]]

    @property
    def wrong(self) -> str:
        """The command that makes the host wrong in all these ways."""
        return "; ".join(
            f"( set -e; {_in_lane(lane, case.wrong)} )" for lane, (_, case) in self.cases.items()
        )

    @property
    def right(self) -> str:
        """The command that undoes it, the last first."""
        undone = reversed(list(self.cases.items()))
        return "; ".join(f"( set -e; {_in_lane(lane, case.right)} )" for lane, (_, case) in undone)


def _in_lane(lane: str, command: str) -> str:
    """Give a lane's commands a directory of its own for what they keep."""
    return command.replace("/root/kept", f"/root/kept-{lane}")


def rounds(lanes: Mapping[str, Lane], alone: Lane) -> list[Round]:
    """Return the rounds that try every case once."""
    checks = {lane: checks_of(cases) for lane, cases in lanes.items()}
    for one in checks:
        for other in checks:
            if one < other and (both := checks[one] & checks[other]):
                raise ValueError(f"the lanes {one} and {other} share the checks {sorted(both)}")
    steps = zip_longest(*(cases.items() for cases in lanes.values()))
    made = [
        Round({lane: case for lane, case in zip(lanes, step, strict=True) if case is not None})
        for step in steps
    ]
    return made + [Round({"alone": item}) for item in alone.items()]


def checks_of(lane: Lane) -> set[str]:
    """Return every check that a case of the lane makes fail or leaves unknown, by its plain name."""
    return {check.removeprefix("?") for case in lane.values() for check in case.failing}


def tried(
    lab: Lab,
    lanes: Mapping[str, Lane],
    alone: Lane,
    subjects: Sequence[str],
    controls: Collection[str] = (),
    place: Mapping[str, str] | None = None,
) -> dict[str, set[str]]:
    """Try every case and return, case by case, the checks that did not pass; all are judged in one go.

    Those of `controls` count, or of all controls of the subjects. `place` are words to replace in commands.
    """
    standard, inventory = load_standard("mhth-ot"), load_inventory(lab.inventory)
    desired = desired_states(standard, inventory, [HOST])[HOST]
    asking = script(all_probes(subjects=subjects))
    all_rounds = rounds(lanes, alone)
    # The directory knows a host by its name, which hosts that are judged together cannot share.
    by_name = "directory" in subjects
    targets = []
    for number, one in enumerate(all_rounds):
        try:
            _run(lab, one.wrong, place)
            (gathered,) = gather(targets_of(inventory, [HOST]), asking)
        finally:
            _run(lab, one.right, place)
        assert gathered.evidence is not None, gathered.problem
        name = HOST if by_name else f"round-{number}"
        host = desired.host.model_copy(update={"name": name})
        targets.append(Target(replace(desired, host=host), gathered.evidence))
    found: dict[str, set[str]] = {}
    together = [[target] for target in targets] if by_name else [targets]
    hosts = [host for some in together for host in judge(standard, some, only=subjects).hosts]
    for one, judged in zip(all_rounds, hosts, strict=True):
        counting = [
            each
            for each in judged.controls
            if (each.control in controls if controls else each.subject in subjects)
        ]
        seen = not_passing({each.control: each for each in counting}, site=lab.state.site is not None)
        found |= _by_case(one, seen, lanes)
    return found


def judge_as(lab: Lab, *subjects: str, **declared: object) -> list[HostResult]:
    """Judge the host as it is now as if its specification declared this too, by the field's name."""
    standard, inventory = load_standard("mhth-ot"), load_inventory(lab.inventory)
    (system, host) = inventory.hosts()[HOST]
    changed = resolve(standard, inventory.site, system, host.model_copy(update=declared))
    (gathered,) = gather(targets_of(inventory, [HOST]), script(all_probes(subjects=subjects)))
    return judge(standard, [Target(changed, gathered.evidence)], only=subjects).hosts


def _by_case(one: Round, seen: set[str], lanes: Mapping[str, Lane]) -> dict[str, set[str]]:
    owner = {check: lane for lane, cases in lanes.items() for check in checks_of(cases)}
    if "alone" in one.cases:
        return {one.cases["alone"][0]: seen}
    return {
        name: {check for check in seen if owner.get(check.removeprefix("?"), lane) == lane}
        for lane, (name, _) in one.cases.items()
    }


def _run(lab: Lab, command: str, place: Mapping[str, str] | None) -> None:
    for word, by in (place or {}).items():
        command = command.replace(word, by)
    lab.run(HOST, f"set -e; {command}")

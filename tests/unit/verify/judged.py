"""One host, one control and its evidence, to be judged by suites that a test writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sample_evidence import answer, body, closed

from plumbline.evidence.bundle import Evidence
from plumbline.model import Text
from plumbline.policy.model import Control, Requirement, StandardInfo
from plumbline.policy.resolve import resolve
from plumbline.policy.standard import Resolved, Standard
from plumbline.probes.firewall import LEGACY
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.verify.cases import Target, Unjudged
from plumbline.verify.judge import judge
from plumbline.verify.results import ControlResult, HostResult

HOST = "srv-app-01"
HEAD = """
from plumbline.verify import control, mechanism, not_applicable
from plumbline.verify.unknown import Unknown
"""


def text(sentence: str) -> Text:
    return Text(en=sentence, sk=f"{sentence} (sk)")


def standard(controls: Mapping[str, Control]) -> Standard:
    requirement = Requirement(
        id="server.kept",
        chapter="6",
        applies_to=["server"],
        kind="technical",
        verified_by="host",
        en="It is kept.",
        sk="Je to dodržané.",
        exception="allowed",
    )
    info = StandardInfo(
        title=text("Small"),
        version="1",
        in_force_from="2024-01-01",
        issuer=text("Office"),
        approving_departments=[text("Security")],
        chapters={"6": text("Servers")},
    )
    return Standard(
        "small", info, {requirement.id: requirement}, dict(controls), dict.fromkeys(controls, "kept"), {}
    )


def control(**settings: object) -> Control:
    return Control.model_validate(
        {
            "title": {"en": "Kept", "sk": "Dodržané"},
            "meets": ["server.kept"],
            "severity": "high",
            "parameters": {"level": {"default": 3, "accepts": "1..5", "unit": "s"}},
            "remedy": {"en": "Keep it", "sk": "Dodržte to"},
            **settings,
        }
    )


def evidence(hostname: str = HOST, legacy: bytes = b"", **changes: object) -> Evidence:
    host = {"hostname": hostname, "machine": "0123456789abcdef", "kernel": "6.1.0"}
    return Evidence.parse(closed(body({LEGACY.name: answer(LEGACY, legacy, **changes)}, host=host)))


def target(found: Evidence | None = None, problem: Text | None = None, **controls: Control) -> Target:
    """Return the lab's first host, held to these controls (underscores stand for dashes) or to `kept`."""
    inventory = load_inventory(LAB_INVENTORY)
    ((system, host),) = inventory.select((HOST,))
    named = {name.replace("_", "-"): made for name, made in controls.items()} or {"kept": control()}
    made = standard(named)
    state = resolve(_with_profile(made), inventory.site, system, host.model_copy(update={"parameters": {}}))
    assert isinstance(next(iter(state.controls.values())), Resolved)
    return Target(state, None if problem else found or evidence(), problem)


def _with_profile(made: Standard) -> Standard:
    from dataclasses import replace

    from plumbline.policy.model import Profile

    return replace(made, profiles={"server": Profile(title=text("Server"), controls=list(made.controls))})


def judged(folder: Path, suite: str, *subjects: Target | Unjudged) -> list[HostResult]:
    """Judge subjects (one host by default) by one suite, given without its imports."""
    (folder / "test_suite.py").write_text(HEAD + suite, encoding="utf-8")
    made = subjects or (target(),)
    first = next(subject for subject in made if isinstance(subject, Target))
    return judge(first.desired.standard, made, suites=folder).hosts


def control_judged(folder: Path, suite: str, *subjects: Target | Unjudged) -> ControlResult:
    """Judge one host and return its only control."""
    (host,) = judged(folder, suite, *subjects)
    (found,) = host.controls
    return found

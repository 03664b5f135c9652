"""What confirms a changed host, without one: only what got worse stands against a change."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from test_apply_ground import STANDARD, desired

from plumbline.apply import confirm
from plumbline.apply.confirm import Confirmation, HostConfirmation
from plumbline.errors import NotReachedError
from plumbline.evidence.bundle import Evidence
from plumbline.evidence.ssh import SshTarget
from plumbline.policy.standard import DesiredState
from plumbline.verify.results import Verdict

TARGET = SshTarget("srv-app-01", "10.89.0.11")
NETWORK = [name for name, subject in STANDARD.subjects.items() if subject == "network"]


class Scripted(Confirmation):
    """Verdicts as they are given, one set a look at the host; a look may fail."""

    def __init__(self, *looks: dict[str, Verdict] | NotReachedError) -> None:
        self.looks = list(looks)

    def evidence(self, target: SshTarget) -> Evidence:
        assert target == TARGET
        look = self.looks.pop(0)
        if isinstance(look, NotReachedError):
            raise look
        return look  # type: ignore[return-value]  # the verdicts stand for the evidence they come from

    def verdicts(
        self, desired: DesiredState, evidence: Evidence, subjects: Collection[str]
    ) -> dict[str, Verdict]:
        assert desired.host.name == "srv-app-01"
        assert set(subjects) == {"network"}
        return evidence  # type: ignore[return-value]  # as above


def confirmed(
    *looks: dict[str, Verdict] | NotReachedError, seconds: float = 60, settling: float = 0
) -> confirm.Confirmed:
    host = HostConfirmation(Scripted(*looks), desired(), TARGET)
    host.before(["network"])
    return host.after(["network"], seconds=seconds, settling=settling)


def looks(**verdicts: Verdict) -> dict[str, Verdict]:
    return dict.fromkeys(NETWORK, Verdict.FAIL) | {
        name.replace("_", "-"): verdict for name, verdict in verdicts.items()
    }


@pytest.mark.parametrize("before", [Verdict.PASS, Verdict.WAIVED])
@pytest.mark.parametrize("after", [Verdict.FAIL, Verdict.UNKNOWN, Verdict.MANUAL])
def test_what_was_good_and_is_not_any_more_is_named(before: Verdict, after: Verdict) -> None:
    found = confirmed(looks(no_routing=before), looks(no_routing=after))
    assert found.problem == f"what passed before does not any more: no-routing ({after})"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Verdict.FAIL, Verdict.FAIL),
        (Verdict.FAIL, Verdict.UNKNOWN),
        (Verdict.UNKNOWN, Verdict.FAIL),
        (Verdict.NOT_APPLICABLE, Verdict.FAIL),
        (Verdict.PASS, Verdict.NOT_APPLICABLE),
        (Verdict.FAIL, Verdict.PASS),
        (Verdict.WAIVED, Verdict.PASS),
    ],
)
def test_what_was_not_good_or_did_not_apply_stands_against_nothing(before: Verdict, after: Verdict) -> None:
    assert confirmed(looks(no_routing=before), looks(no_routing=after)).problem is None


def test_a_control_that_is_left_to_a_person_or_accepted_stands_against_nothing_but_others_do() -> None:
    before = looks(no_routing=Verdict.PASS, ipv4_only=Verdict.PASS)
    host = HostConfirmation(Scripted(before, looks()), desired(), TARGET)
    host.before(["network"])
    found = host.after(["network"], seconds=60, excused=["no-routing"])
    assert found.problem == "what passed before does not any more: ipv4-only (fail)"


def test_a_control_that_passed_and_that_nobody_can_judge_now_is_worse() -> None:
    found = confirmed(looks(no_routing=Verdict.PASS), {})
    assert found.problem == "what passed before does not any more: no-routing (not judged)"


def test_a_host_that_lets_nobody_in_at_first_is_knocked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "AGAIN_SECONDS", 0)
    closed = NotReachedError("it refuses connections")
    assert confirmed(looks(), closed, closed, looks()).problem is None
    assert confirmed(looks(), closed, seconds=-1).problem == (
        "nobody gets into it any more: it refuses connections"
    )


def test_what_daemons_that_were_restarted_make_good_in_time_is_not_worse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(confirm, "AGAIN_SECONDS", 0)
    good, not_yet = looks(no_routing=Verdict.PASS), looks(no_routing=Verdict.UNKNOWN)
    away = NotReachedError("it refuses connections")
    assert confirmed(good, not_yet, away, not_yet, good, settling=60).problem is None
    assert confirmed(good, not_yet, good, settling=0).problem == (
        "what passed before does not any more: no-routing (unknown)"
    )


def test_a_host_that_cannot_be_entered_to_confirm_it_is_told_before_it_is_changed() -> None:
    with pytest.raises(NotReachedError, match="no key"):
        HostConfirmation(Scripted(NotReachedError("no key")), desired(), TARGET).before(["network"])


def test_all_controls_of_the_changed_subjects_are_told() -> None:
    found: Sequence[str] = [judged.control for judged in confirmed(looks(), looks()).controls]
    assert set(found) <= set(NETWORK)
    assert "no-routing" in found

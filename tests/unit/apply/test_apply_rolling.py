"""Which hosts of later waves are begun after what became of the earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from plumbline.apply.results import Change, HostResult, Outcome
from plumbline.apply.rolling import Rolling
from plumbline.apply.waves import Rollout

CHANGE = Change(operation="Write /etc/a", subject="network")
FOUR = ("a", "b", "c", "d")


def result(name: str, outcome: Outcome = "planned", *changed: Change) -> HostResult:
    return HostResult(host=name, address="10.0.0.1", outcome=outcome, changed=list(changed))


def plans(**outcomes: Outcome) -> dict[str, HostResult]:
    return {name: result(name, outcomes.get(name, "planned"), CHANGE) for name in FOUR}


def rolled(
    planned: Mapping[str, HostResult],
    rollout: Rollout,
    bad: Mapping[str, Outcome] | None = None,
    groups: Mapping[str, str] | None = None,
    stopping: Callable[[], str | None] = lambda: None,
    closed: Callable[[str], str | None] = lambda _: None,
) -> tuple[dict[str, Outcome], dict[str, str]]:
    """Go over the waves; return outcomes, and of hosts left untouched why. `bad` says how hosts end."""
    seen: list[str] = []

    def change(names: list[str]) -> dict[str, HostResult]:
        seen.extend(names)
        return {name: result(name, (bad or {}).get(name, "applied"), CHANGE) for name in names}

    left: list[HostResult] = []
    done = Rolling(rollout, groups or {}, planned, stopping, closed).go(change, left.append)
    assert {each.host for each in left} == {
        name for name, each in done.items() if each.outcome == "untouched"
    }
    assert not {each.host for each in left} & set(seen)
    return {name: each.outcome for name, each in done.items()}, {
        each.host: str(each.problem) for each in left
    }


@pytest.mark.parametrize("outcome", ["failed", "restored", "lost", "refused", "not-reached"])
def test_a_canary_that_fails_leaves_all_others_untouched(outcome: Outcome) -> None:
    done, why = rolled(plans(), Rollout(canaries=("b",)), {"b": outcome})
    assert done == {"b": outcome, "a": "untouched", "c": "untouched", "d": "untouched"}
    assert all("it was not begun: b " in said for said in why.values())


def test_failures_that_are_allowed_do_not_save_a_canary() -> None:
    done, _ = rolled(plans(), Rollout(canaries=("a",), failures=9), {"a": "restored"})
    assert list(done.values()).count("untouched") == 3


@pytest.mark.parametrize(("allowed", "untouched"), [(0, ["b", "c", "d"]), (1, ["c", "d"]), (2, []), (9, [])])
def test_waves_go_on_until_more_have_failed_than_allowed(allowed: int, untouched: list[str]) -> None:
    done, why = rolled(plans(), Rollout(wave="1", failures=allowed), {"a": "restored", "b": "lost"})
    assert [name for name, outcome in done.items() if outcome == "untouched"] == untouched
    if allowed == 1:
        assert why["c"] == "it was not begun: a was put back, b is lost; 1 failure is allowed"


def test_hosts_of_the_same_wave_are_not_stopped_by_one_another() -> None:
    done, _ = rolled(plans(), Rollout(), {"a": "failed"})
    assert done == {"a": "failed", "b": "applied", "c": "applied", "d": "applied"}


def test_a_canary_that_could_not_even_be_planned_stops_the_run() -> None:
    done, why = rolled(plans(a="not-reached"), Rollout(canaries=("a",)))
    assert done == dict.fromkeys("bcd", "untouched")
    assert why["b"].startswith("it was not begun: a was not reached; a canary goes before")


def test_what_planning_showed_of_others_was_agreed_to() -> None:
    done, _ = rolled(plans(a="refused", b="not-reached"), Rollout())
    assert done == {"c": "applied", "d": "applied"}


def test_the_other_of_a_pair_is_left_when_one_failed_though_failures_are_allowed() -> None:
    done, why = rolled(plans(), Rollout(failures=9), {"a": "restored"}, {"a": "pair", "d": "pair"})
    assert done == {"a": "restored", "b": "applied", "c": "applied", "d": "untouched"}
    assert why["d"] == "it was not begun: a of its redundancy group pair was put back"


def test_the_other_of_a_pair_is_left_when_one_is_not_even_there() -> None:
    groups = {"a": "pair", "d": "pair"}
    assert rolled(plans(a="not-reached"), Rollout(), groups=groups)[0]["d"] == "untouched"
    assert rolled(plans(a="refused"), Rollout(), groups=groups)[0]["d"] == "applied"


def test_three_of_a_group_go_one_after_the_other_until_one_fails() -> None:
    groups = dict.fromkeys("abc", "trio")
    assert rolled(plans(), Rollout(), groups=groups)[0] == dict.fromkeys("adbc", "applied")
    done, _ = rolled(plans(), Rollout(failures=9), {"b": "failed"}, groups)
    assert done == {"a": "applied", "d": "applied", "b": "failed", "c": "untouched"}


def test_nothing_more_is_begun_when_the_run_is_stopped() -> None:
    said = iter([None, "it was stopped before it was done", "it was stopped before it was done", "no"])
    done, why = rolled(plans(), Rollout(wave="1"), stopping=lambda: next(said))
    assert list(done.values()) == ["applied", "untouched", "untouched", "untouched"]
    assert why["b"] == "it was not begun: it was stopped before it was done"


def test_a_host_whose_window_has_closed_meanwhile_is_not_begun() -> None:
    done, why = rolled(plans(), Rollout(wave="2"), closed=lambda name: "it is late" if name == "d" else None)
    assert (done["c"], done["d"], why["d"]) == ("applied", "untouched", "it was not begun: it is late")


def test_hosts_on_which_nothing_is_to_be_done_are_in_no_wave() -> None:
    planned = {**plans(), "a": result("a")}
    rolling = Rolling(Rollout(canaries=("a",), wave="2"), {}, planned, lambda: None)
    assert rolling.waves == [["b", "c"], ["d"]]


def test_an_untouched_host_keeps_what_was_planned_as_not_done() -> None:
    left: list[HostResult] = []
    Rolling(Rollout(), {}, plans(), lambda: "no").go(lambda _: {}, left.append)
    assert (left[0].changed, left[0].not_done) == ([], ["network: Write /etc/a"])

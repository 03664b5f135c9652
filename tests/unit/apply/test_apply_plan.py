"""A plan in a file: it comes back as it was, whatever happened to it is told, and what has moved is named."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest

from plumbline.apply.plan import (
    SCHEMA_FILE,
    Plan,
    digest,
    held_to,
    read_plan,
    schema_text,
    sources_moved,
    write_plan,
)
from plumbline.apply.results import Change, HostResult
from plumbline.apply.sources import sources
from plumbline.errors import InputError, PlumblineError
from plumbline.rooms import DEPLOYS, LAB_INVENTORY

WRITE = Change(operation="Write /etc/a", subject="network", diff="-one\n+two\n", files=["/etc/a"])
BOOT = Change(
    operation="Kernel settings at boot (network)", subject="network", files=["/etc/sysctl.d/zz-a.conf"]
)


def host(*changes: Change, outcome: str = "planned") -> HostResult:
    return HostResult(host="srv-app-01", address="10.89.0.11", outcome=outcome, changed=list(changes))  # type: ignore[arg-type]


def plan(*changes: Change, **other: object) -> Plan:
    told = {"sources": {"inventory/site.yml": "aa"}, "hosts": [host(*changes)], **other}
    return Plan(
        made=datetime(2026, 1, 2, tzinfo=UTC),
        made_by="admin at here",
        inventory="/srv/inventory",
        standard="mhth-ot",
        **told,  # type: ignore[arg-type]
    ).whole()


def test_a_plan_comes_back_as_it_was_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    write_plan(plan(WRITE), file)
    assert read_plan(file) == plan(WRITE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_the_published_schema_is_that_of_the_plan() -> None:
    assert SCHEMA_FILE.read_text() == schema_text(), "write plumbline.apply.plan.schema_text() to the file"
    jsonschema.validate(json.loads(plan(WRITE, BOOT).model_dump_json()), json.loads(schema_text()))


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda text: text[: len(text) // 2], "no whole plan"),
        (lambda _: "", "no whole plan"),
        (lambda text: text.replace("+two", "+three"), "changed after it was made"),
        (
            lambda text: text.replace("plumbline-plan/1", "plumbline-plan/7"),
            "has the format plumbline-plan/7",
        ),
        (lambda _: '{"format": "plumbline-apply/1"}', "no plan of Plumbline"),
        (lambda _: "[]", "no plan of Plumbline"),
        (lambda _: '{"format": 1}', "no plan of Plumbline"),
    ],
)
def test_a_bad_plan_is_told_in_a_sentence_with_its_file(tmp_path: Path, spoilt: object, said: str) -> None:
    file = tmp_path / "plan.json"
    write_plan(plan(WRITE), file)
    file.write_text(spoilt(file.read_text()))  # type: ignore[operator]
    with pytest.raises(InputError, match=said) as raised:
        read_plan(file)
    assert raised.value.file == str(file)
    assert "plumb plan" in str(raised.value)


def test_a_plan_whose_digest_was_made_to_fit_must_still_be_one(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    broken = plan(WRITE).model_dump(mode="json") | {"hosts": "all"}
    file.write_text(json.dumps(broken | {"digest": digest(broken)}))
    with pytest.raises(InputError, match="no plan that"):
        read_plan(file)


def test_a_plan_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="cannot be written"):
        write_plan(plan(WRITE), tmp_path / "none" / "plan.json")


def test_a_host_that_stands_as_it_did_is_gone_on_with() -> None:
    assert held_to(plan(WRITE, BOOT), host(BOOT, WRITE)).outcome == "planned"


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        ([], [WRITE], "“network: Write /etc/a” is needed now"),
        ([WRITE], [], "“network: Write /etc/a” is not needed any more"),
        (
            [WRITE],
            [WRITE.model_copy(update={"diff": "-edited\n+two\n"})],
            "“network: Write /etc/a” would do something else now",
        ),
        ([], [BOOT], "(/etc/sysctl.d/zz-a.conf) is needed now"),
    ],
)
def test_what_has_moved_on_a_host_is_named_and_the_host_left(
    then: list[Change], now: list[Change], said: str
) -> None:
    found = held_to(plan(*then), host(*now))
    assert found.outcome == "refused"
    assert found.changed == []
    assert said in str(found.problem)


def test_a_host_that_could_not_be_planned_then_is_not_changed_now() -> None:
    kept = plan(hosts=[host(outcome="not-reached")])
    assert "when it was made, the host could not be planned" in str(held_to(kept, host(WRITE)).problem)


def test_many_differences_are_counted_not_all_named() -> None:
    many = [WRITE.model_copy(update={"operation": f"Write /etc/{n}"}) for n in range(8)]
    assert "and 3 more" in str(held_to(plan(), host(*many)).problem)


def test_a_file_that_says_what_hosts_shall_be_is_named_when_it_is_another(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory"
    shutil.copytree(LAB_INVENTORY, inventory)
    then = sources(inventory, "mhth-ot", DEPLOYS)
    kept = plan(sources=then)
    assert sources_moved(kept, then) is None
    (inventory / "connection.yml").write_text("user: admin\n")
    assert sources_moved(kept, sources(inventory, "mhth-ot", DEPLOYS)) is None
    (inventory / "site.yml").write_text((inventory / "site.yml").read_text() + "# a word\n")
    assert "inventory/site.yml" in str(sources_moved(kept, sources(inventory, "mhth-ot", DEPLOYS)))


def test_the_standard_and_the_deploys_are_among_what_a_plan_is_made_from() -> None:
    found = sources(LAB_INVENTORY, "mhth-ot", DEPLOYS)
    assert {"inventory/systems/heating.yml", "policies/controls/network.yml", "deploys/network.py"} <= set(
        found
    )

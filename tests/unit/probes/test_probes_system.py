"""What the system says of itself; which programs run, and which units start at boot."""

from __future__ import annotations

import pytest
from recorded_host import FACTS, host_printing, recorded

from plumbline.probes.base import Output
from plumbline.probes.programs import PROGRAMS, Programs, parse_programs
from plumbline.probes.system import SYSTEM
from plumbline.verify.unknown import Unknown

WANTED = "wanted\t/etc/systemd/system/multi-user.target.wants/bird.service\n"
UNIT = "unit\t/usr/lib/systemd/system/bird.service\n"


def programs(*rows: str) -> Programs:
    return parse_programs(Output(("".join(rows) + "end\n").encode(), b"", 0))


def test_release_is_read_with_and_without_quotes() -> None:
    rows = 'release\tID=debian\nrelease\tVERSION_ID="12"\nrelease\t# a comment\nrelease\t\nend\n'
    system = host_printing({SYSTEM: FACTS.replace("end\n", rows)}).system
    assert (system.distribution, system.version, system.virtualization) == ("debian", "12", "systemd-nspawn")
    assert system.hostname == "srv-app-01"


def test_host_without_a_release_file_has_no_distribution() -> None:
    assert host_printing({SYSTEM: FACTS}).system.distribution == ""


@pytest.mark.parametrize(
    "text", ["", FACTS[:-4], FACTS.replace("kernel\t6.1\n", ""), FACTS.replace("\t", " ")]
)
def test_damaged_facts_are_unknown(text: str) -> None:
    with pytest.raises(Unknown):
        _ = host_printing({SYSTEM: text}).system.hostname


def test_recorded_host_starts_what_it_is_known_to_start() -> None:
    found = parse_programs(Output(recorded("network/programs.systemd-252.delivered.txt").encode(), b"", 0))
    assert found.started_at_boot("systemd-networkd.service")
    assert found.started_at_boot("systemd-sysctl.service")
    assert not found.started_at_boot("systemd-networkd-wait-online.service")
    assert found.boot_units(["sshd"]) == ["ssh.service"]
    assert [
        str(seen).startswith("systemd-network (process ") for seen in found.running(["systemd-networkd"])
    ] == [True]


def test_unit_is_found_by_its_program_under_another_name() -> None:
    rows = (WANTED, UNIT, "start\t/usr/lib/systemd/system/bird.service\t/usr/sbin/bird6\n")
    assert programs(*rows).boot_units(["bird6"]) == ["bird.service"]
    assert programs(*rows).boot_units(["zebra"]) == []


def test_masked_unit_does_not_start() -> None:
    masked = programs(WANTED, UNIT, "masked\t/etc/systemd/system/bird.service\n")
    assert masked.boot_units(["bird"]) == []


def test_mask_below_a_unit_of_higher_rank_does_not_count() -> None:
    rows = (
        WANTED,
        "unit\t/etc/systemd/system/bird.service\n",
        "masked\t/usr/lib/systemd/system/bird.service\n",
    )
    assert programs(*rows).boot_units(["bird"]) == ["bird.service"]


def test_wanted_unit_without_a_file_does_not_start() -> None:
    assert programs(WANTED).boot_units(["bird"]) == []


def test_instance_starts_by_its_template() -> None:
    rows = (
        "wanted\t/etc/systemd/system/multi-user.target.wants/bird@a.service\n",
        "unit\t/usr/lib/systemd/system/bird@.service\n",
    )
    assert programs(*rows).boot_units(["bird"]) == ["bird@a.service"]


def test_drop_in_that_starts_another_program_counts() -> None:
    drop_in = "start\t/etc/systemd/system/bird.service.d/x.conf\t/usr/sbin/zebra\n"
    assert programs(WANTED, UNIT, drop_in).boot_units(["zebra"]) == ["bird.service"]


@pytest.mark.parametrize("text", ["", "process\tx\ty\nend\n", "process\t1\nend\n", WANTED])
def test_damaged_programs_are_unknown(text: str) -> None:
    with pytest.raises(Unknown):
        _ = host_printing({PROGRAMS: text}).system.programs

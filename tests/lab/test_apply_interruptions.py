"""A share of the random interruptions that `interrupting.py` tries by the hundred."""

from __future__ import annotations

from conftest import lab_name
from interrupting import KINDS, interrupt_all

from plumbline.lab import Lab

SEED, COUNT, HOSTS = 1, 7, 4


def test_interrupted_at_random_a_host_is_wholly_before_or_wholly_after() -> None:
    with Lab.up(lab_name(), hosts=HOSTS, flavour="clean") as lab:
        found = interrupt_all(lab, SEED, COUNT, print)
    print(found)
    assert found.wrong == []
    assert found.states.total() == COUNT
    assert set(found.states) <= {"before", "after"}
    assert set(found.kinds) == set(KINDS)

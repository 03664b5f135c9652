"""What applying costs: guarded against bare pyinfra where nothing is to do, and many hosts beside one."""

from __future__ import annotations

import json
import os
import sys
import time

from benchmarks.contests import Row
from benchmarks.ground import PLUMB, Ground
from benchmarks.timing import Ratio, Series, in_turn, run
from plumbline.lab import Lab

CONVERGED_FACTOR = 1.3


def converged_against_bare(ground: Ground, rounds: int) -> Row:
    """Hold `plumb apply` of a host that is to the standard against the same deploys by pyinfra alone."""
    bare = [sys.executable, "-m", "benchmarks.bare_pyinfra", str(ground.inventory), ground.name]
    guarded = ground.plumb("apply", "--yes", "--no-diff", "--format", "json")

    def apply() -> None:
        (host,) = json.loads(run(guarded).stdout)["hosts"]
        if host["changed"]:
            raise RuntimeError(f"the host was not to the standard: {host['changed'][0]['operation']}")

    series = in_turn({"bare": lambda: _done(bare), "apply": apply}, rounds)
    ratio = Ratio(series["apply"], series["bare"])
    return Row(
        "plumb apply of a host that is to the standard / the same deploys by pyinfra alone",
        ratio,
        f"at most {CONVERGED_FACTOR:g} x",
        ratio.value <= CONVERGED_FACTOR,
    )


def many_beside_one(count: int) -> Row:
    """Converge one host as delivered, and then so many others at once; both whole processes, once each."""
    with Lab.up(f"benchmark-{os.getpid()}", hosts=count + 1) as lab:
        (lab.inventory / "matrix.yml").unlink()
        first, *others = [host.name for host in lab.hosts]
        one, many = _converging(lab, [first]), _converging(lab, others)
    return Row(f"converging {count} hosts / converging one", Ratio(many, one))


def _converging(lab: Lab, hosts: list[str]) -> Series:
    started = time.perf_counter()
    run([PLUMB, "apply", "--yes", "--no-diff", "-i", str(lab.inventory), *hosts])
    return Series((time.perf_counter() - started,))


def _done(command: list[str]) -> None:
    run(command)

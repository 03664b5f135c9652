"""What is held against what: each contest returns its rows, made of medians of the same run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cost import HostCost, host_cost, telling_script
from benchmarks.expected import expected
from benchmarks.ground import PLUMB, Ground
from benchmarks.timing import Ratio, in_turn, run
from plumbline.probes import all_probes

STOCK = Path(__file__).with_name("stock")
CHECK_FACTOR, CHECK_SECONDS = 1.5, 0.5
STOCK_FACTOR = 20.0
COMPLIES_OR_NOT = (0, 2)
PASSED_OR_NOT = (0, 1)


@dataclass(frozen=True)
class Row:
    """One contest: who took longer, than whom, and whether the target holds (None where there is none)."""

    what: str
    ratio: Ratio
    target: str = ""
    holds: bool | None = None
    note: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the row for JSON; all times in seconds."""
        low, high = self.ratio.spread
        return {
            "what": self.what,
            "ratio": self.ratio.value,
            "ratio_low": low,
            "ratio_high": high,
            "seconds": list(self.ratio.of.seconds),
            "reference_seconds": list(self.ratio.to.seconds),
            "target": self.target or None,
            "holds": self.holds,
            "note": self.note or None,
        }


def check_against_collector(ground: Ground, work: Path, rounds: int) -> tuple[Row, HostCost]:
    """Hold `plumb check` of one host against one ssh exec of the bare collector; also cost the host."""
    collections: list[tuple[bytes, bytes]] = []
    bare = _bare(ground, work, collections)

    def check() -> None:
        run(ground.plumb("check"), COMPLIES_OR_NOT)

    series = in_turn({"bare": bare, "check": check}, rounds)
    ratio = Ratio(series["check"], series["bare"])
    allowed = CHECK_FACTOR * ratio.to.median + CHECK_SECONDS
    row = Row(
        "plumb check of one host / ssh exec of the bare collector",
        ratio,
        f"at most {CHECK_FACTOR:g} x + {CHECK_SECONDS:g} s = {allowed:.2f} s",
        ratio.of.median <= allowed,
        f"beyond the bare collector: {ratio.of.median - ratio.to.median:.2f} s",
    )
    return row, host_cost(collections)


def collecting(ground: Ground, work: Path, rounds: int) -> HostCost:
    """Measure only what collecting costs the host, after once unmeasured."""
    collections: list[tuple[bytes, bytes]] = []
    in_turn({"bare": _bare(ground, work, collections)}, rounds)
    return host_cost(collections[1:])


def _bare(ground: Ground, work: Path, collections: list[tuple[bytes, bytes]]) -> Callable[[], None]:
    """Return what runs the bare collector on the host once, and keeps what it printed and told."""
    collector = work / "collect.sh"
    collector.write_text(telling_script())

    def bare() -> None:
        done = run(ground.bare(), feed=collector)
        collections.append((done.stdout, done.stderr))

    return bare


def check_against_stock(ground: Ground, work: Path, rounds: int, stock_rounds: int) -> list[Row]:
    """Hold stock testinfra over ssh, asserting the same facts, against `plumb check`."""
    values, count = work / "expected.json", work / "count.json"
    values.write_text(json.dumps(expected(ground.desired)))
    config = ground.ssh_config(work / "ssh_config")
    shared = ground.ssh_config(work / "ssh_config_shared", ControlPath=f"{work}/%C")
    asked = "?sudo=true" if ground.connection.sudo else ""

    def stock(config: Path) -> Callable[[], None]:
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(STOCK), str(STOCK)),
            *("-p", "no:plumbline", "-p", "no:cacheprovider", "--import-mode=importlib"),
            *(f"--hosts=ssh://{ground.address}{asked}", f"--ssh-config={config}"),
            *(f"--expected={values}", f"--count={count}"),
        ]
        return lambda: _passed(run(command, PASSED_OR_NOT, cwd=work).stdout, count, ground)

    def check() -> None:
        run(ground.plumb("check"), COMPLIES_OR_NOT)

    ours = _facts(ground)
    try:
        with_control_path = in_turn({"stock": stock(shared), "check": check}, rounds)
    finally:
        run(["ssh", "-F", str(shared), "-O", "exit", ground.address], (0, 255))
    as_it_comes = in_turn({"stock": stock(config), "check": check}, stock_rounds, warm=True)
    told = json.loads(count.read_text())
    sizes = f"{told['tests']} tests, {told['commands']} commands; ours: {ours}"
    plain = Ratio(as_it_comes["stock"], as_it_comes["check"])
    return [
        Row(
            "stock testinfra over ssh / plumb check",
            plain,
            f"at least {STOCK_FACTOR:g} x",
            plain.value >= STOCK_FACTOR,
            sizes,
        ),
        Row(
            "stock testinfra over one shared ssh connection (ControlPath) / plumb check",
            Ratio(with_control_path["stock"], with_control_path["check"]),
            note="the same tests",
        ),
    ]


def help_against_nothing(rounds: int) -> Row:
    """Hold the start-up of `plumb --help` against that of Python itself, in the same environment."""
    series = in_turn(
        {
            "nothing": lambda: _ignored(run([sys.executable, "-c", "pass"])),
            "help": lambda: _ignored(run([PLUMB, "--help"])),
        },
        rounds,
    )
    return Row("plumb --help / python -c pass", Ratio(series["help"], series["nothing"]))


def _ignored(_: object) -> None:
    """Take what is of no interest."""


def _passed(told: bytes, count: Path, ground: Ground) -> None:
    """Make sure that the stock suite finds what ours does on a hardened host; else nothing is compared."""
    failed = json.loads(count.read_text())["failed"]
    if ground.ours and failed:
        raise RuntimeError(f"{failed} stock tests failed on a hardened host:\n{told.decode()[-3000:]}")


def _facts(ground: Ground) -> str:
    """Say how many checks and probes there are of ours; on our own hardened host no check may fail."""
    done = run(ground.plumb("check", "--format", "json"), COMPLIES_OR_NOT)
    host = json.loads(done.stdout)["hosts"][0]
    checks = [check for control in host["controls"] for check in control["checks"]]
    failed = [check["check"] for check in checks if check["verdict"] == "fail"]
    if ground.ours and failed:
        raise RuntimeError(f"the hardened host does not comply: {', '.join(failed)}")
    return f"{len(checks)} checks from {len(all_probes())} probes in 1 exec"

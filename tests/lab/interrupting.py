"""Random interruptions of a small real apply: each leaves its host wholly as before or wholly as after.

    python tests/lab/interrupting.py [--count 200] [--hosts 12] [--seed N]

How, after which step, and how long after it is drawn from the seed, so that a failure can be tried again.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import click
from controllers import controller, kill_all
from cutting import cable_pulled, differing, listing, power_cut, settled, small_deploys

from plumbline.apply.confirm import Confirmation
from plumbline.apply.rollback import target_of_host
from plumbline.errors import PlumblineError
from plumbline.lab import Lab
from plumbline.policy.load import load_standard
from plumbline.policy.resolve import resolve
from plumbline.spec.load import load_inventory

SHORT = 6
"""Seconds after which a host restores itself."""
STEPS = 21
"""Steps that a controller tells of in an apply of the small deploy."""
ENDING_SECONDS = 240
"""How long a controller may take to tell what became of a host that was cut off."""
JUDGED = "firewall"
"""The subject whose controls are judged: its ruleset, its file and its unit are part of the small deploy."""

TOLD = (
    "journalctl --no-pager -o short-precise -t plumbline; tail -n 30 /var/lib/plumbline/runs/*/{meta,result*}"
)
"""Prints what a host has to say of its runs."""

Way = Callable[[Lab, str, subprocess.Popen[str]], str]
"""Cuts a host that a controller is changing; returns what the controller told at the end."""

KINDS = ("controller", "command", "cable", "cable for a moment", "power", "connection", "guard")


@dataclass(frozen=True)
class Interruption:
    """One interruption: of what kind, after how many steps, and how long after the last of them (s)."""

    number: int
    kind: str
    step: int
    later: float

    def __str__(self) -> str:
        return f"no. {self.number}: {self.kind}, {self.later:.2f} s after step {self.step}"


@dataclass
class Found:
    """What interruptions came to: how many left hosts `before` and `after`, and what is wrong with others."""

    seed: int
    states: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        return f"seed {self.seed}: {told}; {len(self.wrong)} wrong"


def drawn(seed: int, count: int) -> list[Interruption]:
    """Return the interruptions of a seed; every kind comes up equally often."""
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    return [
        Interruption(number, KINDS[number % len(KINDS)], chance.randint(1, STEPS), chance.random())
        for number in range(count)
    ]


class Subject:
    """One host that is interrupted again and again."""

    def __init__(self, lab: Lab, host: str, deploys: Path, confirmation: Confirmation) -> None:
        self._lab, self.host, self._deploys, self._confirmation = lab, host, deploys, confirmation
        inventory = load_inventory(Path(lab.inventory))
        ((system, spec),) = inventory.select([host])
        self._desired = resolve(load_standard("mhth-ot"), inventory.site, system, spec)
        self._target = target_of_host(Path(lab.inventory), host)
        self._before = listing(lab, host)
        self._verdicts = {"before": self._judged()}
        self._after: list[str] = []

    def apply_undisturbed(self) -> None:
        """See how the host is when an apply was not interrupted, then put it back."""
        with controller(self._lab, self.host, self._deploys, 300) as process:
            out, said = process.communicate()
        (told,) = json.loads(out)["hosts"] if out else [{"outcome": "none", "problem": said}]
        if told["outcome"] != "applied":
            raise AssertionError(f"undisturbed it is {told['outcome']}: {told['problem']}")
        self._after = _timeless(listing(self._lab, self.host))
        self._verdicts["after"] = self._judged()
        if self._verdicts["after"] == self._verdicts["before"]:
            raise AssertionError("no verdict tells before from after")
        self.put_back()

    def interrupt(self, one: Interruption) -> tuple[str, list[str]]:
        """Interrupt an apply; return `before`, `after` or `between`, and what is wrong."""
        with controller(self._lab, self.host, self._deploys, SHORT) as process:
            assert process.stderr is not None
            for _ in range(one.step):
                process.stderr.readline()
            time.sleep(one.later)
            told = WAYS[one.kind](self._lab, self.host, process)
        settled(self._lab, self.host)
        now = listing(self._lab, self.host)
        state, wrong = self._compared(now)
        if wrong:
            wrong += told.splitlines()
            wrong += self._lab.run(self.host, TOLD, check=False).stdout.splitlines()
        judged = self._judged()
        if state != "between" and judged != self._verdicts[state]:
            wrong += [f"it is as {state}, and judged {judged} instead of {self._verdicts[state]}"]
        if state != "before":
            self.put_back()
        return state, wrong

    def _compared(self, now: list[str]) -> tuple[str, list[str]]:
        to_before = differing(self._before, now)
        if not to_before:
            return "before", []
        to_after = differing(self._after, _timeless(now))
        return ("between", to_before) if to_after else ("after", [])

    def _judged(self) -> dict[str, str]:
        evidence = self._confirmation.evidence(self._target)
        return {
            name: str(verdict)
            for name, verdict in self._confirmation.verdicts(self._desired, evidence, {JUDGED}).items()
        }

    def put_back(self) -> None:
        """Put the host back to how it was delivered."""
        self._lab.reset(self.host)
        ready(self._lab, self.host)
        self._before = listing(self._lab, self.host)


def ready(lab: Lab, host: str) -> None:
    """Do on a host what an apply does once and for all, so that nothing differs but what a run does."""
    lab.run(host, "mkdir -p -m 700 /var/lib/plumbline; apt-get -q update")


def _timeless(lines: list[str]) -> list[str]:
    """Return a listing without the times of files, which differ from run to run."""
    return [re.sub(r"\t\d+\.\d{10}\t", "\t", line) for line in lines]


def _killed(lab: Lab, host: str, process: subprocess.Popen[str]) -> str:
    del lab, host
    kill_all(process)
    return "killed"


def _command_killed(lab: Lab, host: str, process: subprocess.Popen[str]) -> str:
    """Kill the command alone; the process that talks to the host notices."""
    del lab, host
    process.kill()
    return "killed"


def _cable(seconds: float) -> Way:
    def pull(lab: Lab, host: str, process: subprocess.Popen[str]) -> str:
        with cable_pulled(lab, host):
            time.sleep(seconds)  # how long it is out is what is tried
        return _ended(process)

    return pull


def _power(lab: Lab, host: str, process: subprocess.Popen[str]) -> str:
    power_cut(lab, host)
    return _ended(process)


def _connection(lab: Lab, host: str, process: subprocess.Popen[str]) -> str:
    """End every login there is on the host."""
    for pid in _processes(lab, host, b"sshd: root"):
        _end(pid)
    return _ended(process)


def _guard(lab: Lab, host: str, process: subprocess.Popen[str]) -> str:
    """Kill the controller, and then the guard on the host again and again while it puts things back."""
    kill_all(process)
    until = time.monotonic() + SHORT + 3
    while time.monotonic() < until:
        for pid in _processes(lab, host, b"/var/lib/plumbline/guard"):
            _end(pid)
        time.sleep(0.9)
    return "killed"


def _ended(process: subprocess.Popen[str]) -> str:
    """Wait for a controller to end; return what it told of the host."""
    out, said = process.communicate(timeout=ENDING_SECONDS)
    return out or said


WAYS: dict[str, Way] = {
    "controller": _killed,
    "command": _command_killed,
    "cable": _cable(SHORT * 2.0),
    "cable for a moment": _cable(SHORT / 3),
    "power": _power,
    "connection": _connection,
    "guard": _guard,
}


def seen_from_outside(lab: Lab, host: str) -> list[str]:
    """Return what lies in a host that nobody gets into: the guard's files, and the end of its console."""
    place = lab.host(host).root / "var/lib/plumbline"
    files = [*place.glob("armed"), *place.glob("lock"), *place.glob("runs/*/meta"), *place.glob("runs/*/at")]
    console = lab.host(host).log.read_text(errors="replace").splitlines()[-20:]
    return [f"{file}: {line}" for file in files for line in file.read_text().splitlines()] + console


def _processes(lab: Lab, host: str, named: bytes) -> Iterator[int]:
    """Yield a host's processes, by their ids here, in whose command line something stands."""
    for group, _, _ in os.walk(lab.host(host).cgroup.path):
        with suppress(OSError):  # groups and processes end while they are looked at
            for pid in map(int, Path(group, "cgroup.procs").read_text().split()):
                with suppress(OSError):
                    if named in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "):
                        yield pid


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def interrupt_all(lab: Lab, seed: int, count: int, tell: Callable[[str], None] = lambda _: None) -> Found:
    """Interrupt applies to all hosts of a lab, side by side, and return what they came to."""
    found, lock = Found(seed), Lock()
    left = iter(drawn(seed, count))
    confirmation = Confirmation(load_standard("mhth-ot"), load_inventory(Path(lab.inventory)).site)

    def go_on(host: str) -> None:
        subject = Subject(lab, host, deploys, confirmation)
        subject.apply_undisturbed()
        while True:
            with lock:
                one = next(left, None)
            if one is None:
                return
            try:
                state, wrong = subject.interrupt(one)
            except (AssertionError, PlumblineError, subprocess.TimeoutExpired) as error:
                state, wrong = "lost", [str(error), *seen_from_outside(lab, host)]
                subject.put_back()
            with lock:
                found.states[state] += 1
                found.kinds[one.kind] += 1
                found.wrong += [f"{one} on {host}: {line}" for line in wrong]
                tell("\n    ".join([f"{one} on {host}: {state}", *wrong]))

    with tempfile.TemporaryDirectory() as place:
        deploys = small_deploys(Path(place))
        hosts = [host.name for host in lab.hosts]
        for host in hosts:
            ready(lab, host)
        with ThreadPoolExecutor(len(hosts)) as pool:
            list(pool.map(go_on, hosts))
    return found


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--hosts", type=click.IntRange(min=1), default=12, show_default=True, help="Side by side.")
@click.option("--seed", type=int, help="What is drawn from.  [default: by chance]")
def main(count: int, hosts: int, seed: int | None) -> None:
    """Interrupt applies at random; exit code 1 if a host was left between before and after."""
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    click.echo(f"seed {seed}")
    began = time.monotonic()
    with Lab.up(f"interrupting-{os.getpid()}", hosts=hosts, flavour="clean") as lab:
        found = interrupt_all(lab, seed, count, click.echo)
    click.echo(f"{found}; {time.monotonic() - began:.0f} s")
    for line in found.wrong:
        click.echo(line)
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()

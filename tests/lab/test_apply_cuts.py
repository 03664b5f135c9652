"""Hosts cut off on purpose while they are changed: each puts itself back, byte for byte, and it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from applying import deploys_of
from conftest import lab_name
from controllers import controller, kill_all, said
from cutting import (
    cable_pulled,
    differing,
    hastened,
    listing,
    power_cut,
    settled,
    small_deploys,
    state_from_outside,
)

from plumbline.apply import apply_hosts
from plumbline.apply.results import HostResult, Progress
from plumbline.lab import Lab

HOSTS = ("srv-app-01", "srv-hist-01", "lab-03")

SHORT = 8
"""Seconds after which a host of these tests restores itself."""

PATIENT = 60
"""The same where a controller must come to its last step on a busy machine; what is left is cut short."""

POINTS = (1, 3, 4, 5, 6, 8, 10, 12, 14, 17, 19, 22)
"""At which of the steps that a controller tells of it is killed; the last is while it confirms."""

GATED = (
    "    whole_file('/etc/tiny/first', 'x\\n')\n"
    "    sysctl_settings('tiny', {'net.ipv4.ip_forward': 0})\n"
    "    unit_off('apt-daily.timer')\n"
    "    whole_file('/etc/tiny/second', 'x\\n', check='cat /run/gate && test -e {}')\n"
    "    whole_file('/etc/tiny/third', 'x\\n')\n"
)
"""A deploy that stays in its operation `second`."""


FILL = "dd if=/dev/zero of=/var/lib/plumbline/theirs bs=1M"


@dataclass(frozen=True)
class Cut:
    """What became of a host that was cut off: told here, what differs there, and who restored it."""

    told: HostResult
    differs: list[str]
    by: str


class Scene:
    """One host of the lab on which something is to be cut."""

    def __init__(self, lab: Lab, host: str, place: Path) -> None:
        self.lab, self.host, self._place = lab, host, place
        self.before = listing(lab, host)

    def sh(self, command: str) -> str:
        """Run a command on the host, whatever comes of it."""
        return self.lab.run(self.host, command, check=False).stdout

    def apply(self, body: str, tell: Callable[[Progress], None] | None = None) -> HostResult:
        """Apply a deploy of such a body."""
        deploys = deploys_of(self._place / self.host / "deploys", body)
        report = apply_hosts(
            self.lab.inventory, [self.host], deploys=deploys, restore_after=SHORT, progress=tell
        )
        return report.host(self.host)

    def gated(self, cut: Callable[[], None]) -> HostResult:
        """Apply a deploy, and do something to the host in the middle of it."""
        self.sh("mkfifo /run/gate")
        deploys = deploys_of(self._place / self.host / "deploys", GATED)
        with controller(self.lab, self.host, deploys, SHORT) as process:
            said(process, "second")
            cut()
            out, _ = process.communicate()
        (told,) = json.loads(out)["hosts"]
        return HostResult.model_validate(told)

    def ended(self, told: HostResult) -> Cut:
        """Wait until the host has settled, and compare it with what it was."""
        status = settled(self.lab, self.host)
        by = status.last.by if status and status.last else ""
        return Cut(told, differing(self.before, listing(self.lab, self.host)), by)


def sshd_broken(scene: Scene) -> Cut:
    body = (
        "    whole_file('/etc/ssh/sshd_config.d/00-tiny.conf', 'PermitRootLogn yes\\n')\n"
        "    server.shell(name='Restart', commands=['systemctl restart ssh.service; true'])\n"
    )
    return scene.ended(scene.apply(body))


def cable(scene: Scene) -> Cut:
    def pull() -> None:
        with cable_pulled(scene.lab, scene.host):
            while state_from_outside(scene.lab, scene.host) != "restored":
                time.sleep(0.1)

    return scene.ended(scene.gated(pull))


def sshd_gone(scene: Scene) -> Cut:
    """Nothing of ours is left on the host: neither a connection nor a way to make one."""
    body = (
        "    whole_file('/etc/tiny/first', 'x\\n')\n"
        "    server.shell(name='Stop', commands=['systemctl mask --now ssh.service; "
        "systemd-run -q pkill -KILL sshd'])\n"
        "    whole_file('/etc/tiny/second', 'x\\n')\n"
    )
    return scene.ended(scene.apply(body))


def power(scene: Scene) -> Cut:
    return scene.ended(scene.gated(lambda: power_cut(scene.lab, scene.host)))


def wrong_address(scene: Scene) -> Cut:
    wrong = f"{str(scene.lab.host(scene.host).address).rpartition('.')[0]}.99"
    network = f"[Match]\\nName=host0\\n[Network]\\nAddress={wrong}/24\\n"
    body = (
        f"    whole_file('/etc/systemd/network/00-tiny.network', '{network}')\n"
        "    server.shell(name='Take it', commands=['networkctl reload && networkctl reconfigure host0'])\n"
        "    whole_file('/etc/tiny/second', 'x\\n', check='sleep 1 && test -e {}')\n"
    )
    return scene.ended(scene.apply(body))


def full_while_kept(scene: Scene) -> Cut:
    """The disk has room when it is looked at, and is full when the host is to be kept."""
    scene.sh("mount -t tmpfs -o size=120M,mode=700 none /var/lib/plumbline")
    filled: list[str] = []

    def fill(step: Progress) -> None:
        if step.step == "keeping what is there" and not filled:
            filled.append(scene.sh(FILL))

    told = scene.apply("    whole_file('/etc/tiny/first', 'x\\n')\n", fill)
    scene.sh("umount /var/lib/plumbline")
    assert filled
    return scene.ended(told)


def full_while_changed(scene: Scene) -> Cut:
    """The disk with what is kept fills up, and then another in the middle of a file."""
    scene.sh("mount -t tmpfs -o size=120M,mode=700 none /var/lib/plumbline")
    scene.sh("mount -t tmpfs -o size=1M none /srv")
    body = (
        "    whole_file('/etc/tiny/first', 'x\\n')\n"
        f"    server.shell(name='Fill', commands=['{FILL}; true'])\n"
        "    whole_file('/srv/large', 'x' * 2_000_000)\n"
    )
    cut = scene.ended(scene.apply(body))
    assert scene.sh("ls -A /srv") == ""
    scene.sh("umount /srv; umount /var/lib/plumbline")
    return cut


LANES = ((sshd_broken, cable), (power, sshd_gone), (wrong_address, full_while_kept, full_while_changed))
"""What is done to each host, one after the other."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=len(HOSTS), flavour="clean") as up:
        for host in up.hosts:
            # So that nothing differs but what a run does.
            up.run(host, "mkdir -p -m 700 /var/lib/plumbline; apt-get -q update")
        yield up


@pytest.fixture(scope="module")
def scenes(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    place = tmp_path_factory.mktemp("cuts")
    return [Scene(lab, host, place) for host in HOSTS]


@pytest.fixture(scope="module")
def cuts(scenes: list[Scene]) -> dict[str, Cut]:
    """All that is cut, three hosts side by side."""

    def lane(number: int) -> dict[str, Cut]:
        return {cut.__name__: cut(scenes[number]) for cut in LANES[number]}

    with ThreadPoolExecutor(len(HOSTS)) as pool:
        return {name: cut for done in pool.map(lane, range(len(HOSTS))) for name, cut in done.items()}


ALL = [cut.__name__ for lane in LANES for cut in lane]


@pytest.mark.parametrize("name", ALL)
def test_the_host_is_byte_for_byte_as_it_was(name: str, cuts: dict[str, Cut]) -> None:
    assert cuts[name].differs == []


@pytest.mark.parametrize(
    ("name", "by", "said"),
    [
        ("sshd_broken", "command", "nobody gets into it any more"),
        ("sshd_gone", "timer", "put back by the host itself, as its time ran out"),
        ("wrong_address", "timer", "put back by the host itself, as its time ran out"),
        ("cable", "timer", "put back by the host itself, as its time ran out"),
        ("power", "boot", "put back by the host itself, when it booted"),
        ("full_while_changed", "command", "(tiny: Write /srv/large)"),
    ],
)
def test_who_restored_it_and_why_is_told(name: str, by: str, said: str, cuts: dict[str, Cut]) -> None:
    cut = cuts[name]
    assert (cut.told.outcome, cut.by) == ("restored", by)
    assert said in str(cut.told.problem)
    assert cut.told.restored


def test_what_cannot_be_kept_is_not_changed(cuts: dict[str, Cut]) -> None:
    told = cuts["full_while_kept"].told
    assert told.outcome == "refused"
    assert "disk" in str(told.problem)


def test_a_controller_killed_at_any_step_leaves_hosts_as_they_were(
    cuts: dict[str, Cut], scenes: list[Scene], tmp_path: Path
) -> None:
    """Files, a package, units, kernel settings and the firewall; killed from connecting to confirming."""
    assert cuts
    package = small_deploys(tmp_path)

    def kill_at(point: int, scene: Scene) -> tuple[str, list[str]]:
        with controller(scene.lab, scene.host, package, PATIENT) as process:
            assert process.stderr is not None
            for _ in range(point):
                step = process.stderr.readline()
                assert step, f"it ended before step {point}"
            kill_all(process)
        hastened(scene.lab, scene.host)
        settled(scene.lab, scene.host)
        return step.strip(), differing(scene.before, listing(scene.lab, scene.host))

    def lane(number: int) -> dict[str, list[str]]:
        return dict(kill_at(point, scenes[number]) for point in POINTS[number :: len(HOSTS)])

    with ThreadPoolExecutor(len(HOSTS)) as pool:
        found = {step: left for done in pool.map(lane, range(len(HOSTS))) for step, left in done.items()}
    assert {step: left for step, left in found.items() if left} == {}
    steps = set(found)
    assert len(steps) >= 10
    assert steps >= {"connecting", "planned", "keeping what is there", "confirming by a new login"}

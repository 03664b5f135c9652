"""The guard on a booted host, with nothing of the controller: what it puts back, and when it does not."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import lab_name
from guarding import HOST, PREPARED, SCOPE, Guarded

from plumbline.apply import guard
from plumbline.apply.confirm import Confirmation
from plumbline.apply.guard import GuardError, RestoreResult, Scope
from plumbline.evidence.gather import targets_of
from plumbline.lab import Lab
from plumbline.policy.load import load_standard
from plumbline.probes import SUBJECTS
from plumbline.rooms import COMPLIANCE
from plumbline.spec.load import load_inventory
from plumbline.verify.targets import desired_states

CUTS = ("packages", "renamed-one", "directory-times", "units", "checking")
"""Places at which the guard is killed while it restores, one after the other."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean") as up:
        up.run(HOST, "/bin/bash -s", input=PREPARED)
        yield up


@pytest.fixture
def host(lab: Lab) -> Guarded:
    """The host with the guard on it, at work on nothing; each test leaves it as it was."""
    guarded = Guarded(lab)
    guarded.do(guard.install())
    at_work = guarded.do(guard.status())
    if at_work.armed:
        guarded.do(guard.restore(at_work.run))
    return guarded


def _cut_at(host: Guarded, *places: str) -> None:
    """Kill the guard the first time it comes to each of these places, as a power cut would."""
    host.sh(f"cd /run && touch {' '.join(f'cut-{place}' for place in places)}")
    host.sh(
        'sed -i \'s#^at() {$#&\\n    [ ! -e "/run/cut-$1" ] '
        '|| { rm "/run/cut-$1"; sync; kill -KILL $$; }#; s#^        source=$real$#&; at renamed-one#\' '
        "/var/lib/plumbline/guard"
    )


def _kinds(result: RestoreResult) -> set[str]:
    return {item.kind for item in result.back}


def test_everything_is_wholly_as_before_after_a_restore(host: Guarded) -> None:
    run = host.begin()
    host.mess()
    result = host.do(guard.restore(run))
    assert [str(item) for item in result.left] == []
    assert (result.state, result.by) == ("restored", "command")
    assert host.wrong() == set()
    assert _kinds(result) >= {"file", "access", "package", "unit", "sysctl", "table", "network"}
    names = {item.name for item in result.back}
    assert names >= {"/etc/hostname", "/etc/kinds/two\nlines", "incoming:all", "outgoing:all", "ssh.service"}
    assert host.do(guard.restore(run)) == result, "a restore asked for again tells the same"
    status = host.do(guard.status())
    assert (status.armed, status.restoring, status.lock) == (False, False, None)
    assert host.sh("systemctl list-units --all --no-legend --plain 'plumbline-guard*.timer'") == ""


def test_cut_off_anywhere_it_goes_on_and_comes_to_the_same(host: Guarded) -> None:
    run = host.begin()
    host.mess()
    _cut_at(host, *CUTS)
    result = host.do(guard.restore(run))
    assert host.sh("ls /run | grep '^cut-' || :") == "", "it was cut at every place"
    assert [str(item) for item in result.left] == []
    assert host.wrong() == set()
    assert "/etc/added" in {item.name for item in result.back}, "what the first attempt put back is told too"


def test_the_timer_fires_by_itself_and_ends_what_the_run_has_at_work(host: Guarded, lab: Lab) -> None:
    run = host.begin()
    host.mess()
    entry = lab.host(HOST).entry
    writing = "while :; do date >> /etc/written; sleep 0.05; done"
    host.do(guard.extend(run, 30))
    host.sh("systemctl daemon-reload")
    # A controller of its own connection, which is one of the run's, and goes on writing when the time is up.
    arming = f"{guard.extend(run, 3).line}; {writing}"
    with subprocess.Popen(
        entry.command("root", "--", arming, shared=False), stdout=subprocess.DEVNULL
    ) as other:
        try:
            result = host.restored(run)
            assert other.wait(timeout=30) != 0
        finally:
            other.kill()
    assert [str(item) for item in result.left] == []
    assert (result.state, result.by) == ("restored", "timer")
    assert host.wrong() == set()
    with pytest.raises(GuardError, match="restored"):
        host.do(guard.disarm(run))


def test_a_restart_in_the_middle_restores_before_the_network(host: Guarded, lab: Lab) -> None:
    run = host.begin()
    host.mess()
    host.sh("systemctl --quiet mask ssh.service")
    host.sh("printf '[Match]\\nName=*\\n' > /etc/systemd/network/00-a.network; sync")
    lab.reboot(HOST)
    result = host.restored(run)
    assert [str(item) for item in result.left] == []
    assert (result.state, result.by) == ("restored", "boot")
    assert host.wrong() == set()
    first = host.sh("journalctl -b -o json -t plumbline -n 2 --output-fields=PLUMBLINE_EVENT").splitlines()
    assert [json.loads(line)["PLUMBLINE_EVENT"] for line in first] == ["restore", "restored"]
    order = host.sh("journalctl -b -u plumbline-guard.service -u systemd-networkd.service -o cat")
    assert order.index("Finished plumbline-guard") < order.index("Starting systemd-networkd")


def test_an_undoing_that_is_taken_back_can_be_done_again(host: Guarded) -> None:
    run = host.begin(Scope())
    host.sh("echo changed >> /etc/motd")
    host.do(guard.disarm(run))
    confirmed = host.listing()
    for taken_back in (True, False):
        undoing = guard.run_id()
        host.do(guard.begin(undoing, Scope(), who="admin1", plan="0", controller="here", scope_of=run))
        host.do(guard.arm(undoing, 600))
        host.do(guard.rollback(run, dry=False))
        assert "changed\n" not in host.sh("cat /etc/motd")
        if taken_back:
            host.do(guard.restore(undoing))
            assert host.listing() == confirmed
        else:
            host.do(guard.disarm(undoing))
        (entry,) = [entry for entry in host.do(guard.history()).runs if entry.run == run]
        assert (entry.undoable, entry.rolled_back == "") == (taken_back, taken_back)


def test_confirmed_changes_stay_and_can_be_undone_but_for_what_others_changed(host: Guarded) -> None:
    run = host.begin()
    host.mess()
    kept = host.do(guard.disarm(run))
    assert kept.seconds is None
    assert kept.changed > 20
    assert host.do(guard.disarm(run)) == kept, "confirming again is answered the same"
    confirmed = host.listing()
    host.sh("printf 'theirs\\n' >> /etc/hostname; rm /etc/added /etc/motd; printf 'new\\n' > /etc/theirs")
    host.sh("printf '1\\n' > /proc/sys/net/ipv4/conf/host0/rp_filter; printf 'x\\n' > /etc/added.d/theirs")
    theirs = host.listing()
    planned = host.do(guard.rollback(run, dry=True))
    assert set(host.listing()) == set(theirs), "a dry run touches nothing"
    assert set(confirmed) != set(theirs)
    done = host.do(guard.rollback(run, dry=False))
    why = {item.name: item.why for item in done.left}
    assert why.keys() == {
        "/etc/hostname",
        "/etc/motd",
        "/etc/added.d",
        "/proc/sys/net/ipv4/conf/host0/rp_filter",
    }
    assert "changed it since" in why["/etc/hostname"]
    assert "removed it since" in why["/etc/motd"]
    assert "not empty" in why["/etc/added.d"]
    assert {item.name for item in planned.back} - set(why) <= {item.name for item in done.back}
    assert host.sh("cat /etc/theirs /etc/added.d/theirs; tail -n 1 /etc/hostname") == "new\nx\ntheirs\n"
    entry = host.do(guard.history()).runs[0]
    assert (entry.run, entry.state, entry.who, entry.undoable) == (run, "confirmed", "admin1", False)
    assert entry.rolled_back
    # What is left of it, by hand; times of others' changes are theirs.
    host.sh("rm -r /etc/theirs /etc/added.d; sed -i '/^theirs$/d; /^changed$/d' /etc/hostname")
    host.sh(
        "cp /usr/share/base-files/motd /etc/motd; printf '0\\n' > /proc/sys/net/ipv4/conf/host0/rp_filter"
    )
    assert _timeless(host.listing()) == _timeless(host.before)


def _timeless(listing: list[str]) -> list[str]:
    """Return it without times of files, and without the order of tables, which nothing depends on."""
    return sorted(re.sub(r"\t\d+\.\d+\t", "\t", line) for line in listing)


def test_a_disk_that_cannot_take_the_snapshot_leaves_nothing_armed(host: Guarded) -> None:
    host.sh("mkdir -p /run/aside && mount --bind /var/lib/plumbline /run/aside")
    host.sh("mount -t tmpfs -o size=3m tmpfs /var/lib/plumbline")
    try:
        host.do(guard.install())
        host.before = host.listing()
        run = guard.run_id()
        with pytest.raises(GuardError, match="nothing was changed") as refused:
            host.do(guard.begin(run, SCOPE, who="admin1", plan="", controller=""))
        assert refused.value.kind == "space"
        with pytest.raises(GuardError) as unknown:
            host.do(guard.arm(run, 60))
        assert unknown.value.kind == "unknown-run"
        status = host.do(guard.status())
        assert (status.armed, status.lock) == (False, None)
        assert host.wrong() == set()
        assert host.sh("ls -A /var/lib/plumbline/runs") == ""
    finally:
        host.sh("umount /var/lib/plumbline /run/aside")


def test_it_restores_with_every_disk_full(host: Guarded) -> None:
    host.sh("mount -t tmpfs -o size=40m tmpfs /var/lib/plumbline")
    try:
        host.do(guard.install())
        run = host.begin()
        host.mess()
        filled = host.sh(
            "cat /dev/zero > /var/lib/plumbline/filled; df --output=avail /var/lib/plumbline", check=False
        )
        assert filled.split()[-1] == "0"
        result = host.do(guard.restore(run))
        assert [str(item) for item in result.left] == []
        assert host.wrong() == set()
        assert host.sh("ls -A /etc | grep plumbline || :") == ""
    finally:
        host.sh("umount /var/lib/plumbline")


def test_two_runs_at_once_are_refused_whoever_comes_second(host: Guarded) -> None:
    runs = [guard.run_id() for _ in range(4)]

    def begin(run: str) -> str:
        try:
            host.do(guard.begin(run, Scope(), who=run, plan="", controller=""))
        except GuardError as error:
            return error.kind
        return "begun"

    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(begin, runs))
    assert sorted(outcomes) == ["begun", "busy", "busy", "busy"]
    holder = runs[outcomes.index("begun")]
    other = runs[outcomes.index("busy")]
    host.do(guard.arm(holder, 600))
    with pytest.raises(GuardError, match=f"{holder} of {holder} is at work on this host"):
        host.do(guard.lock(other, "admin2"))
    with pytest.raises(GuardError, match="is armed"):
        host.do(guard.unlock(holder))
    host.do(guard.disarm(holder))
    host.do(guard.lock(other, "admin2"))
    lock = host.do(guard.status()).lock
    assert lock is not None
    assert (lock.who, lock.alive) == ("admin2", True)
    host.do(guard.unlock(other))


def test_the_lock_of_a_run_whose_connection_is_gone_is_broken_and_told(host: Guarded, lab: Lab) -> None:
    dead, run = guard.run_id(), guard.run_id()
    begun = guard.begin(dead, Scope(), who="admin1", plan="", controller="")
    entry = lab.host(HOST).entry
    subprocess.run(
        entry.command("root", "--", begun.line, shared=False),
        input=begun.stdin,
        text=True,
        check=True,
        capture_output=True,
    )
    taken = host.do(guard.lock(run, "admin2"))
    assert f"run {dead}, was broken" in taken.note
    states = {entry.run: entry.state for entry in host.do(guard.history()).runs}
    assert states[dead] == "abandoned"
    host.do(guard.unlock(run))


def test_an_armed_guard_makes_no_verdict_worse(host: Guarded, lab: Lab) -> None:
    inventory, standard = load_inventory(lab.inventory), load_standard("mhth-ot")
    confirmation = Confirmation(standard, inventory.site)
    desired = desired_states(standard, inventory, [HOST])[HOST]
    (target,) = targets_of(inventory, [HOST])
    subjects = [name for name in SUBJECTS if (COMPLIANCE / f"test_{name}.py").exists()]
    before = confirmation.verdicts(desired, confirmation.evidence(target), subjects)
    run = host.begin(Scope())
    armed = confirmation.verdicts(desired, confirmation.evidence(target), subjects)
    host.do(guard.disarm(run))
    assert armed == before
    assert "services-required-only" in armed


def test_what_is_kept_is_root_s_alone_and_forgotten_when_told(host: Guarded) -> None:
    run = host.begin(seconds=None)
    assert host.sh("find /var/lib/plumbline -perm /077 ! -type l") == ""
    host.do(guard.unlock(run))
    host.do(guard.prune(0))
    assert host.sh("find /var/lib/plumbline/runs -name files.tar") == ""
    entries = host.do(guard.history()).runs
    assert [entry.state for entry in entries if entry.run == run] == ["abandoned"]
    assert not any(entry.undoable for entry in entries)

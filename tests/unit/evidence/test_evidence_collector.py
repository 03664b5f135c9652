"""The real collector under real shells: what probes do, however bad, is told and stays their own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

import plumbline.evidence
from plumbline.evidence import collector
from plumbline.evidence.bundle import Evidence
from plumbline.evidence.collector import KEPT_BYTES, collector_digest, script
from plumbline.probes.base import Probe, text
from plumbline.verify.unknown import Unknown

SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}
LONG = f"77.{os.getpid()}"
"""Seconds to hang for that no other process hangs for."""
FORGED = '"}},"digest":"sha256:' + "0" * 64 + '"}'


def asks(name: str, command: str, limit: int = 5) -> Probe[Any]:
    return Probe(f"hostile.{name}", command, text, limit=limit, exits=frozenset(range(256)))


PROBES = [
    asks("plain", "printf 'one\\ntwo'"),
    asks("binary", r"printf '\000\001\377\376\r\n\033[2J\000'; printf '\000\377' >&2"),
    asks("forged_end", f"printf %s {shlex.quote(FORGED)}; printf %s {shlex.quote(FORGED)} >&2"),
    asks("forged_status", "echo '0'; printf 'x 0\\n0\\n' >&2; exit 7"),
    asks("forged_answer", "printf 'oAAAA 0 e'; printf 'oAAAA 0 e' >&2; exit 8"),
    asks("quoting", """echo "it's" '$HOME' "\\"q\\"" `echo back`\nfor i in 1 2; do\n  echo $i\ndone"""),
    asks("unending", "yes", 3),
    asks("unending_error", "yes >&2", 1),
    asks("much_error", "i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done; echo done"),
    asks("hangs", f"echo before; sleep {LONG}", 1),
    asks("ignores_signals", f"trap '' TERM HUP INT; sleep {LONG}; sleep {LONG}", 1),
    asks("leaves_child", f"sleep {LONG} & echo ended", 1),
    asks("leaves_quiet_child", "sleep 3 >/dev/null 2>&1 & echo ended"),
    asks("escaped_child", "setsid sleep 4 & echo ended", 1),
    asks("closes_all", "exec >&- 2>&-; exit 9"),
    asks("kills_parent", "kill -9 $PPID; printf 'x 0\\n' >&2"),
    asks("kills_group", "kill -9 0"),
    asks("reads_input", "cat; echo at end"),
    asks("syntax", "if then"),
    asks("missing_program", "no-such-program"),
    asks("status_124", "exit 124"),
    asks("status_137", "exit 137"),
    asks("environment", "env; pwd; echo $#"),
    asks("streams", "cd /proc/self/fd && ls"),
    asks("real_ip", "ip -json link show lo"),
    asks("just_fits", f"head -c {KEPT_BYTES} /dev/zero"),
    asks("just_not", f"head -c {KEPT_BYTES + 1} /dev/zero"),
    asks("last", "echo last"),
]


@pytest.fixture(scope="module")
def evidences() -> dict[str, Evidence]:
    """Collect under all shells at once, with an environment that tries to interfere."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "Asia/Tokyo",
        "POSIXLY_CORRECT": "1",
        "ask": "echo evil",
        "tool": "evil",
        "name": "evil\nversion=evil",
        "HOME": "/nonexistent",
    }
    running = {
        name: subprocess.Popen(
            [*shell, "-s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd="/tmp",  # noqa: S108  (any directory that is not /)
        )
        for name, shell in SHELLS.items()
    }
    written = script(PROBES).encode()
    for process in running.values():
        assert process.stdin is not None
        process.stdin.write(written)
        process.stdin.close()
        process.stdin = None
    found = {}
    for name, process in running.items():
        printed, complained = process.communicate(timeout=60)
        assert (complained, process.returncode) == (b"", 0)
        found[name] = Evidence.parse(printed)
    return found


@pytest.fixture(params=SHELLS)
def evidence(request: pytest.FixtureRequest, evidences: dict[str, Evidence]) -> Evidence:
    return evidences[request.param]


def said(evidence: Evidence, name: str) -> tuple[bytes, bytes, int]:
    output = evidence.output(next(probe for probe in PROBES if probe.name == f"hostile.{name}"))
    return output.stdout, output.stderr, output.exit_status


def state(evidence: Evidence, name: str) -> str:
    return evidence.probes[f"hostile.{name}"].state


def test_every_probe_is_told_in_order(evidence: Evidence) -> None:
    assert list(evidence.probes) == [probe.name for probe in PROBES]
    assert said(evidence, "plain") == (b"one\ntwo", b"", 0)
    assert said(evidence, "last") == (b"last\n", b"", 0)


def test_binary_output_is_kept_to_the_byte(evidence: Evidence) -> None:
    stdout, stderr, status = said(evidence, "binary")
    assert (stdout, status) == (b"\x00\x01\xff\xfe\r\n\x1b[2J\x00", 0)
    assert stderr == b"\xff"  # a shell variable holds no NUL; the output does not go through one


def test_output_cannot_end_the_document(evidence: Evidence) -> None:
    assert said(evidence, "forged_end") == (FORGED.encode(), FORGED.encode(), 0)


def test_output_cannot_forge_the_status(evidence: Evidence) -> None:
    assert said(evidence, "forged_status") == (b"0\n", b"x 0\n0", 7)
    assert said(evidence, "forged_answer") == (b"oAAAA 0 e", b"oAAAA 0 e", 8)


def test_command_is_asked_in_its_own_words(evidence: Evidence) -> None:
    assert said(evidence, "quoting") == (b'it\'s $HOME "q" back\n1\n2\n', b"", 0)


def test_unending_output_is_cut_and_unknown(evidence: Evidence) -> None:
    answer = evidence.probes["hostile.unending"]
    assert answer.cut
    assert len(answer.out) == KEPT_BYTES + 1
    with pytest.raises(Unknown, match="more than the 256 KiB"):
        said(evidence, "unending")


def test_unending_complaints_run_out_of_time(evidence: Evidence) -> None:
    assert state(evidence, "unending_error") == "timeout"


def test_the_end_of_many_complaints_is_kept(evidence: Evidence) -> None:
    stdout, stderr, status = said(evidence, "much_error")
    assert (stdout, status) == (b"done\n", 0)
    assert len(stderr) <= 4096
    assert stderr.endswith(b"line 2999")


@pytest.mark.parametrize("name", ["hangs", "ignores_signals", "leaves_child", "escaped_child"])
def test_what_does_not_end_runs_out_of_its_time_alone(evidence: Evidence, name: str) -> None:
    answer = evidence.probes[f"hostile.{name}"]
    assert (answer.state, answer.exit, answer.out) == ("timeout", None, b"")
    with pytest.raises(Unknown, match="ran out of its 1 s"):
        said(evidence, name)


def test_child_that_holds_nothing_is_not_waited_for(evidence: Evidence) -> None:
    assert said(evidence, "leaves_quiet_child") == (b"ended\n", b"", 0)


@pytest.mark.usefixtures("evidences")
def test_nothing_that_hung_is_left_running() -> None:
    left = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # ended since it was listed
            words = path.read_bytes().split(b"\0")
            left += [words] if LONG.encode() in words else []
    assert left == []


def test_who_kills_around_itself_is_broken_not_answered(evidence: Evidence) -> None:
    assert state(evidence, "kills_parent") == "broken"
    assert state(evidence, "kills_group") == "broken"


def test_closed_streams_are_an_empty_answer(evidence: Evidence) -> None:
    assert said(evidence, "closes_all") == (b"", b"", 9)


def test_there_is_no_input(evidence: Evidence) -> None:
    assert said(evidence, "reads_input") == (b"at end\n", b"", 0)


def test_command_that_cannot_run_says_why(evidence: Evidence) -> None:
    assert said(evidence, "syntax")[2] == 2
    assert b"yntax error" in said(evidence, "syntax")[1]
    assert said(evidence, "missing_program")[2] == 127


def test_status_of_a_timeout_is_no_timeout(evidence: Evidence) -> None:
    assert said(evidence, "status_124")[2] == 124
    assert said(evidence, "status_137")[2] == 137


def test_environment_is_the_same_whoever_collects(evidence: Evidence) -> None:
    lines = said(evidence, "environment")[0].decode().splitlines()
    words = {line for line in lines if not line.startswith(("_=", "SHLVL="))}
    assert words == {
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL=C",
        "LANGUAGE=",
        "HOME=/",
        "TERM=dumb",
        "PWD=/",
        "/",
        "0",
    }


def test_probe_holds_no_stream_of_the_collector(evidence: Evidence) -> None:
    held = set(said(evidence, "streams")[0].split())
    assert not held & {b"5", b"6"}


def test_real_program_is_asked_even_where_the_shell_has_its_own(evidence: Evidence) -> None:
    stdout, _, status = said(evidence, "real_ip")
    assert status == 0
    assert b'"ifname":"lo"' in stdout


def test_output_is_cut_only_above_the_limit(evidence: Evidence) -> None:
    assert len(said(evidence, "just_fits")[0]) == KEPT_BYTES
    assert evidence.probes["hostile.just_not"].cut


def test_who_and_when(evidence: Evidence) -> None:
    assert evidence.uid == int(subprocess.check_output(["id", "-u"]))
    assert evidence.user == subprocess.check_output(["id", "-un"], text=True).strip()
    assert evidence.hostname == Path("/proc/sys/kernel/hostname").read_text().strip()
    assert evidence.kernel == Path("/proc/sys/kernel/osrelease").read_text().strip()
    machine = Path("/etc/machine-id").read_text().strip().encode()
    assert evidence.machine == hashlib.sha256(machine).hexdigest()[:16]
    assert evidence.collector_digest == collector_digest(PROBES)
    assert evidence.probes["hostile.hangs"].ms >= 990


def collected(probes: list[Probe[Any]], *before: str, after: str = "") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*before, "dash", "-c", f'{after}eval "$(cat)"'],
        input=script(probes).encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )


PLAIN = PROBES[:1]


def test_hostile_hostname_breaks_nothing() -> None:
    named = 'printf %s \'a"b}\\\'"$(printf "\\033[2J\\377")" >/proc/sys/kernel/hostname; '
    done = collected(PLAIN, "unshare", "--uts", after=named)
    assert Evidence.parse(done.stdout).hostname == 'a"b}\\\\x1b[2J\\xff'


def test_nothing_is_written_anywhere() -> None:
    nowhere = (
        "mount -t tmpfs -o ro none /tmp; mount -t tmpfs -o ro none /dev/shm; "
        "mount -t tmpfs -o ro none /var/tmp; mount -o remount,bind,ro /; "
    )
    writes = asks("writes", "for d in / /tmp /var/tmp /dev/shm /run; do touch $d/x.$$; done")
    done = collected([*PLAIN, writes], "unshare", "--mount", after=nowhere)
    evidence = Evidence.parse(done.stdout)
    assert evidence.output(PLAIN[0]).stdout == b"one\ntwo"
    assert evidence.probes[writes.name].err.count(b"Read-only file system") >= 4


def test_full_disk_is_told() -> None:
    done = subprocess.run(
        ["dash", "-c", 'eval "$(cat)" >/dev/full'],
        input=script(PLAIN).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"the evidence could not be written whole" in done.stderr


def test_script_that_was_cut_off_does_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    whole = script([asks("mark", f"touch {mark}")])
    for length in range(0, len(whole) - 1, 97):
        done = subprocess.run(["dash", "-s"], input=whole[:length].encode(), capture_output=True, check=False)
        assert done.stdout == b""
    assert not mark.exists()


def test_lanes_are_asked_side_by_side_and_told_in_order(tmp_path: Path) -> None:
    """Each waits for the other: asked in turn, neither would end in its time."""
    wait = f"cd {tmp_path}; touch MINE; until [ -e OTHERS ]; do sleep 0.01; done; echo met"
    one = asks("one", wait.replace("MINE", "1").replace("OTHERS", "2"))
    two = asks("two", wait.replace("MINE", "2").replace("OTHERS", "1"))
    evidence = Evidence.parse(collected([one, two]).stdout)
    assert [(name, answer.out) for name, answer in evidence.probes.items()] == [
        (one.name, b"met\n"),
        (two.name, b"met\n"),
    ]


def test_host_with_one_processor_is_asked_in_turn(tmp_path: Path) -> None:
    (tmp_path / "online").write_text("0\n")
    alone = f"mount --bind {tmp_path}/online /sys/devices/system/cpu/online; "
    probes = [asks("first", f"sleep 0.3; touch {tmp_path}/x"), asks("then", f"ls {tmp_path}/x")]
    evidence = Evidence.parse(collected(probes, "unshare", "--mount", after=alone).stdout)
    assert [answer.exit for answer in evidence.probes.values()] == [0, 0]


def test_collector_gives_way_to_everything_else() -> None:
    probes = [asks("processor", "nice"), asks("disks", "ionice"), asks("again", "nice")]
    evidence = Evidence.parse(collected(probes).stdout)
    assert [answer.out for answer in evidence.probes.values()] == [b"19\n", b"idle\n", b"19\n"]


def test_lane_that_has_much_to_say_leaves_room_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_ROOM_FOR_THE_REST", collector.EVIDENCE_MAX - 5000)
    sizes = {"first": 1500, "second": 900, "third": 3000, "small": 30}
    probes = [asks(name, f"head -c {size} /dev/zero") for name, size in sizes.items()]
    evidence = Evidence.parse(collected(probes).stdout)
    assert [answer.cut for answer in evidence.probes.values()] == [False, False, True, False]
    assert [len(answer.out) for answer in evidence.probes.values()] == [1500, 900, 0, 30]


def test_outputs_together_fit_the_document() -> None:
    probes = [asks(f"large{number}", "head -c 262000 /dev/urandom") for number in range(8)]
    evidence = Evidence.parse(collected([*probes, *PLAIN]).stdout)
    cut = [evidence.probes[probe.name].cut for probe in probes]
    assert cut == [False] * 5 + [True] * 3
    assert evidence.output(PLAIN[0]).stdout == b"one\ntwo"


def test_probes_left_when_the_time_is_used_up_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "ALL_SECONDS", 4)
    names = ["slow", "late", "slow_beside", "late_beside"]
    probes = [asks(name, "sleep 4.2" if "slow" in name else "echo late", 30) for name in names]
    evidence = Evidence.parse(collected(probes).stdout)
    assert [answer.state for answer in evidence.probes.values()] == ["done", "skipped"] * 2


@pytest.fixture
def bare_root(tmp_path: Path) -> Path:
    """Make the root of a host that has busybox and nothing else."""
    root = tmp_path / "root"
    for directory in ("bin", "dev", "proc", "tmp"):
        (root / directory).mkdir(parents=True)
    tools = "sh timeout head tail base64 sha256sum date id env sed cat echo sleep yes printf"
    (root / "bin/busybox").write_bytes(Path("/usr/bin/busybox").read_bytes())
    (root / "bin/busybox").chmod(0o755)
    for tool in tools.split():
        (root / "bin" / tool).symlink_to("busybox")
    return root


def on_bare_host(root: Path, probes: list[Probe[Any]]) -> subprocess.CompletedProcess[bytes]:
    mounted = "mount -t proc none proc; mount --bind /dev dev; exec chroot . /bin/sh -s"
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "/bin/sh", "-c", mounted],
        input=script(probes).encode(),
        capture_output=True,
        check=False,
        cwd=root,
        timeout=60,
    )


def test_host_with_nothing_but_busybox_is_collected(bare_root: Path) -> None:
    names = {
        "plain",
        "binary",
        "forged_status",
        "hangs",
        "leaves_child",
        "unending",
        "ignores_signals",
        "last",
    }
    probes = [probe for probe in PROBES if probe.name.removeprefix("hostile.") in names]
    done = on_bare_host(bare_root, probes)
    assert (done.stderr, done.returncode) == (b"", 0)
    evidence = Evidence.parse(done.stdout)
    assert said(evidence, "binary")[0] == b"\x00\x01\xff\xfe\r\n\x1b[2J\x00"
    assert said(evidence, "forged_status")[2] == 7
    assert said(evidence, "last")[0] == b"last\n"
    assert evidence.probes["hostile.unending"].cut
    for name in ("hangs", "leaves_child", "ignores_signals"):
        assert state(evidence, name) == "timeout", name


@pytest.mark.parametrize("tool", ["timeout", "base64", "sha256sum"])
def test_missing_program_is_named(bare_root: Path, tool: str) -> None:
    (bare_root / "bin" / tool).unlink()
    done = on_bare_host(bare_root, PLAIN)
    assert (done.stdout, done.returncode) == (b"", 3)
    assert done.stderr.decode().splitlines() == [
        f"collect.sh: this host has no program {tool}, which collecting needs; install it and try again"
    ]


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    made = tmp_path / "collect.sh"
    made.write_text(script(PROBES[:5]))
    sources = sorted(Path(plumbline.evidence.__file__).parent.glob("*.sh"))
    assert len(sources) == 2
    done = subprocess.run(
        ["shellcheck", "-s", "sh", made, *sources], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_digest_tells_one_question_from_another() -> None:
    one, longer, other = asks("one", "true"), asks("one", "true", 6), asks("one", "false")
    assert len({collector_digest([probe]) for probe in (one, longer, other)}) == 3
    assert collector_digest([one]) == collector_digest([asks("one", "true")])
    assert collector_digest([one]) in script([one])


def test_probe_that_cannot_be_asked_is_refused() -> None:
    for probe in (asks("a b", "true"), asks("x", " "), asks("x", "a\0b"), asks("x", "true", 0)):
        with pytest.raises(ValueError, match="probe"):
            script([probe])
    with pytest.raises(ValueError, match="two probes have one name"):
        script([asks("x", "true"), asks("x", "false")])

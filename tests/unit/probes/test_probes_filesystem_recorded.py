"""What find, tar, dpkg and the kernel printed of a host made wrong is read wholly, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.policy.privileged import find, load_privileged
from plumbline.probes.base import Output, ParseError
from plumbline.probes.filesystem import ATTRIBUTES, MOUNTS, PACKAGES, PRIVATE, REACH, WALK
from plumbline.probes.filesystem.reach import Named

RECORDED = Path(__file__).parents[2] / "recorded" / "filesystem"
PROBES = {
    "mounts-linux-6-nspawn.txt": MOUNTS,
    "walk-findutils-4.9-sabotaged.txt": WALK,
    "attributes-tar-1.34-sabotaged.txt": ATTRIBUTES,
    "packages-dpkg-1.21-sabotaged.txt": PACKAGES,
    "private-coreutils-9.1-sabotaged.txt": PRIVATE,
    "reach-systemd-252-sabotaged.txt": REACH,
}


def printed(name: str) -> Output:
    return Output((RECORDED / name).read_bytes(), b"", 0)


def output(*lines: str) -> Output:
    return Output("".join(f"{line}\n" for line in (*lines, "end")).encode(), b"", 0)


@pytest.mark.parametrize(("file", "probe"), PROBES.items(), ids=PROBES)
def test_truncated_output_is_never_a_value(file: str, probe: object) -> None:
    whole = (RECORDED / file).read_bytes()
    for end in range(0, len(whole) - 1, max(1, len(whole) // 60)):
        with pytest.raises(ParseError):
            probe.parse(Output(whole[:end], b"", 0))  # type: ignore[attr-defined]  # a probe of any type


@pytest.mark.parametrize(
    ("probe", "line"),
    [
        (WALK, "os\tf\t9z\t0\t0\t/etc/x"),
        (WALK, "os\tf\t644\troot\t0\t/etc/x"),
        (ATTRIBUTES, "file\t!!!\t/etc/x"),
        (ATTRIBUTES, "file\tOTkgU0NISUxZLmFjbC5hY2Nlc3M9dXNlcjo6cnctCg==\t/etc/x"),
        (PACKAGES, "asked\tmany"),
        (PRIVATE, "secret\t-rw-\t600\t/etc/shadow"),
        (MOUNTS, "mount\t8:1\t/\text4"),
        (REACH, "stat\td\t755\t0\t0"),
        (REACH, "bogus\tx"),
    ],
)
def test_what_is_not_understood_is_no_value(probe: object, line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (ParseError, or what int() says)
        probe.parse(output(line))  # type: ignore[attr-defined]  # a probe of any type


def test_walk_tells_entries_owners_and_orphans() -> None:
    walk = WALK.parse(printed("walk-findutils-4.9-sabotaged.txt"))
    hosts = next(entry for entry in walk.system if entry.path == "/etc/hosts")
    assert (hosts.kind, hosts.mode, hosts.uid) == ("f", 0o646, 0)
    assert walk.owners["/usr/bin/su"] == ("util-linux",)
    assert [(entry.path, entry.uid, entry.gid) for entry in walk.orphans] == [
        ("/var/lib/vendor-o", 4242, 4243)
    ]
    assert walk.cut == ()


def test_walk_that_was_cut_or_shortened_says_so() -> None:
    accounts = ("user\troot\t0\t0\t/root", "group\troot\t0\t")
    walk = WALK.parse(output(*accounts, "cut\t/srv", "more\t17 of 1000:1000"))
    assert (walk.cut, walk.more) == (("/srv",), ("17 of 1000:1000",))


def test_attributes_are_read_from_headers_of_archives() -> None:
    files = ATTRIBUTES.parse(printed("attributes-tar-1.34-sabotaged.txt")).files
    assert files["/usr/local/bin/vendor-c"].capabilities == {"setuid"}
    assert files["/opt/vendor-c"].capabilities == {"dac_override", "net_raw"}
    assert [(one.kind, one.whom) for one in files["/etc/vendor.d"].default if one.rights == 6] == [
        ("user", ""),
        ("user", "plain"),
        ("mask", ""),
    ]


def test_packages_tell_what_is_wrong_and_skip_what_dpkg_was_told_to_leave_out() -> None:
    packaged = PACKAGES.parse(printed("packages-dpkg-1.21-sabotaged.txt"))
    assert [str(file) for file in packaged.files] == [
        "/etc/init.d/procps: changed (procps)",
        "/usr/bin/clear: changed (ncurses-bin)",
        "/usr/bin/tabs: changed (ncurses-bin)",
        "/usr/bin/tset: changed (ncurses-bin)",
        "/usr/bin/tput: a link in its place (ncurses-bin)",
        "/usr/bin/toe: missing (ncurses-bin)",
    ]
    left_out = output("excluded\t/usr/share/x/*", "missing\tx\t/usr/share/x/a/b", "missing\tx\t/usr/bin/x")
    assert [file.path for file in PACKAGES.parse(left_out).files] == ["/usr/bin/x"]


def test_packages_that_were_not_read_in_time_are_counted() -> None:
    assert PACKAGES.parse(output("asked\t900", "answered\t30")).unread == 870
    assert PACKAGES.parse(output("none\tdpkg")).database is False


def test_reach_counts_what_is_run_and_not_what_is_mentioned() -> None:
    reach = REACH.parse(printed("reach-systemd-252-sabotaged.txt"))
    counted = {named.path for named in reach.named if named.kind != "path" and reach.counts(named)}
    assert {"/home/plain/step", "/opt/vendor-pam/pam_x.so", "/opt/vendor-lib", "/home/plain/pre"} <= counted
    assert "/home/plain/app" not in {named.path for named in reach.named}
    assert not any(path.startswith("/var/log/") for path in counted)
    assert [entry.path for entry in reach.ways("/opt/jobs/run")] == [
        "/",
        "/opt",
        "/opt/jobs",
        "/opt/jobs/run",
    ]


@pytest.mark.parametrize(
    ("rows", "raised"),
    [
        (["exec\t/u.service\t2\tu.service\t/x/run\t/x/run"], True),
        (["user\tu.service\troot", "exec\t/u.service\t2\tu.service\t/x/run\t/x/run"], True),
        (["user\tu.service\tsvc", "exec\t/u.service\t2\tu.service\t/x/run\t/x/run"], False),
        (["user\tu.service\tyes", "exec\t/u.service\t2\tu.service\t/x/run\t/x/run"], False),
        (["user\tu.service\tsvc", "exec\t/u.service\t2\tu.service+\t/x/run\t/x/run"], True),
        (
            [
                "user\tu.service\tsvc",
                "user\tu.service\troot",
                "exec\t/u.service\t2\tu.service\t/x/run\t/x/run",
            ],
            True,
        ),
    ],
)
def test_units_that_run_as_root(rows: list[str], raised: bool) -> None:
    named = REACH.parse(output(*rows, "stat\td\t755\t0\t0\t/")).named
    assert (Named("/u.service:2", "run", "/x/run") in named) is raised


def test_mounts_of_a_lab_host() -> None:
    mounts = MOUNTS.parse(printed("mounts-linux-6-nspawn.txt"))
    assert mounts.root.kind == "overlay"
    assert mounts.of("/srv/postgresql/15").point == "/srv"
    assert mounts.on_system("/var/lib/postgresql")
    assert not mounts.on_system("/srv/postgresql")
    assert [(entry.point, entry.number, entry.asked) for entry in mounts.boot if entry.point == "/srv"] == [
        ("/srv", mounts.of("/srv").number, True)
    ]
    assert any(process.unit == "ssh.service" for process in mounts.processes)


def test_listed_programs_are_found_by_path_and_architecture() -> None:
    programs = load_privileged("mhth-ot").of("debian")
    assert programs is not None
    found = find(programs, "/usr/lib/x86_64-linux-gnu/utempter/utempter")
    assert found is not None
    assert (found.package, found.rights) == ("libutempter0", 0o2000)
    assert find(programs, "/usr/lib/a/b/utempter/utempter") is None
    assert load_privileged("mhth-ot").of("plan9") is None

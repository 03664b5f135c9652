"""The operating system from what apt, dpkg and the kernel really printed, and with something changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from recorded_host import host_printing

from plumbline.policy.releases import Distribution, Release, load_releases
from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.operating_system import MACHINE, PACKAGES, RUNNING, SOURCES, SYSTEM, OperatingSystem
from plumbline.probes.operating_system.running import order_of_kernels
from plumbline.probes.operating_system.sources import Source
from plumbline.verify.unknown import Unknown

RECORDED = Path(__file__).parents[2] / "recorded/operating_system"
MIRROR = "/var/cache/lab/packages"
DEBIAN = load_releases("mhth-ot").distributions["debian"]
UBUNTU = load_releases("mhth-ot").distributions["ubuntu"]

DAY = 86_400
LISTS = "/var/lib/apt/lists/"


def text(name: str) -> str:
    return (RECORDED / f"{name}.txt").read_text()


def facts(
    identifier: str = "debian", version: str = "12", codename: str = "bookworm", kind: str = "kvm"
) -> str:
    told = (
        f'release\tID={identifier}\nrelease\tVERSION_ID="{version}"\nrelease\tVERSION_CODENAME={codename}\n'
    )
    return f"hostname\th\nkernel\t6.1\narchitecture\tx86_64\nvirtualization\t{kind}\n{told}end\n"


def system(
    sources: str = "sources-apt-2.6-clean",
    packages: str = "packages-apt-2.6-clean",
    running: str = "running-debian-12-clean",
    machine: str = "machine-debian-12-clean",
    told: str = "",
) -> OperatingSystem:
    """Make the host; each argument is a recorded file's name, or the text itself if it ends as such."""
    given = {SOURCES: sources, PACKAGES: packages, RUNNING: running, MACHINE: machine}
    answers: dict[Probe[object], str] = {
        probe: found if found.endswith("end\n") else text(found)  # type: ignore[misc]  # one kind of probe each
        for probe, found in given.items()
    }
    return host_printing({**answers, SYSTEM: told or facts()}).operating_system


def sources(*targets: str, now: float = 1_800_000_000, rest: str = "") -> str:
    """Print sources: `FILE:LINE URI RELEASE COMPONENT LIST` each."""
    lines = "".join("target\t" + "\t".join(target.split(" ")) + "\n" for target in targets)
    return f"now\t{now}\napt\tyes\n{lines}{rest}end\n"


def package(name: str, installed: str, candidate: str, *table: str) -> str:
    """Print what apt-cache says of a package: lines of its version table, newest first."""
    head = [f"  Installed: {installed}", f"  Candidate: {candidate}", "  Version table:", *table]
    return "".join(f"policy\t{name}\t{line}\n" for line in head)


@pytest.mark.parametrize("apt", ["2.6", "3.0"])
def test_recorded_host_with_nothing_wrong(apt: str) -> None:
    found = system(f"sources-apt-{apt}-clean", f"packages-apt-{apt}-clean")
    assert found.pending == found.withheld(DEBIAN, None) == found.of_no_source([]) == []
    assert found.held() == found.broken() == found.not_free([], []) == found.beside([]) == []
    assert found.unapproved_sources(DEBIAN, [f"file:{MIRROR}"], []) == found.unlisted() == []
    assert found.list_age_days == 0


@pytest.mark.parametrize("apt", ["2.6", "3.0"])
def test_recorded_host_with_everything_wrong(apt: str) -> None:
    found = system(f"sources-apt-{apt}-wrong", f"packages-apt-{apt}-wrong")
    assert found.pending == [f"lab-old 1.0 → 1.1 (file:{MIRROR} ./)"]
    withheld = [line.partition(";")[0] for line in found.withheld(DEBIAN, [f"file:{MIRROR}"])]
    assert withheld == [f"{name} 1.0 → 2.0 (file:{MIRROR} ./)" for name in ("lab-minus", "lab-pinned")]
    assert found.of_no_source([]) == ["lab-local 1.0", f"lab-newer 3.0 (1.0 file:{MIRROR})"]
    assert found.of_no_source(["lab-local", "lab-newer"]) == []
    assert [str(one) for one in found.held()] == ["lab-held 1.0 (hi)"]
    assert [str(one) for one in found.broken()] == ["lab-broken 1.0 (iU)"]
    assert found.not_free(["main"], []) == ["lab-unfree 1.0 (non-free/net)"]
    assert found.not_free(["non-free"], []) == found.not_free([], ["lab-unfree"]) == []
    assert [one.declared_as for one in found.beside(["pip:asyncua"])] == [
        "snap:viewer",
        "flatpak:test.lab.Viewer",
    ]
    assert [source.release for source in found.foreign_sources(DEBIAN)] == ["trixie-updates", "testing"]
    assert len(found.unapproved_sources(DEBIAN, [f"file:{MIRROR}"], ["-security"])) == 4


def test_recorded_archive_of_debian_is_approved_and_as_old_as_its_security_updates() -> None:
    found = system("sources-apt-2.6-archive-debian-12")
    assert found.foreign_sources(DEBIAN) == found.archives_without_security(DEBIAN) == found.unlisted() == []
    assert found.unapproved_sources(DEBIAN, None, ["-security", "-updates"]) == []
    assert [one.release for one in found.unapproved_sources(DEBIAN, None, ["-security"])] == [
        "bookworm-updates"
    ]
    assert [one.release for one in found.unapproved_sources(DEBIAN, [], ["-security", "-updates"])] == [
        "bookworm",
        "bookworm-updates",
        "bookworm-security",
    ]
    assert found.list_age_days == 1


def test_archive_whose_lists_were_renewed_but_whose_mirror_stands_still_is_old() -> None:
    archive = text("sources-apt-2.6-archive-debian-12")
    later = archive.replace("now\t1795347937", f"now\t{1795347937 + 40 * DAY}").replace(
        "file\t1795", "file\t1799"
    )
    assert later.count("file\t1799") > 2
    assert system(later).list_age_days == 41


def test_codename_tells_the_release_where_the_suite_is_a_moving_name() -> None:
    archive = text("sources-apt-2.6-archive-debian-12").replace("\tbookworm\tmain", "\tstable\tmain")
    assert system(archive).foreign_sources(DEBIAN) == []
    moved = archive.replace("Codename: bookworm\n", "Codename: trixie\n")
    assert [source.release for source in system(moved).foreign_sources(DEBIAN)] == ["stable"]


def test_security_updates_of_another_release_are_none_of_this_one() -> None:
    archive = text("sources-apt-2.6-archive-debian-12").replace(
        "Codename: bookworm-security", "Codename: x-security"
    )
    assert len(system(archive).archives_without_security(DEBIAN)) == 3


def ubuntu(suite: str, uri: str = "http://archive.ubuntu.test/ubuntu/", origin: str = "Ubuntu") -> str:
    stem = f"{LISTS}archive_{suite}_"
    said = {"Origin": origin, "Suite": suite, "Codename": "noble", "Date": "Fri, 15 Jan 2027 00:00:00 UTC"}
    rest = "".join(f"release\t{stem}InRelease:{key}: {value}\n" for key, value in said.items())
    rest += f"file\t1799970000\t1799970000\t{stem}main_Packages\n"
    return sources(f"/etc/apt/x.sources:1 {uri} {suite} main {stem}main_Packages", rest=rest)


NOBLE = facts("ubuntu", "24.04", "noble")


@pytest.mark.parametrize(
    ("suite", "suites", "approved"),
    [
        ("noble", [], True),
        ("noble-security", ["-security"], True),
        ("noble-security", [], False),
        ("noble-backports", ["-security", "-updates"], False),
        ("noble-proposed", ["-security", "-updates"], False),
    ],
)
def test_ubuntu_tells_its_suite_not_by_the_codename(suite: str, suites: list[str], approved: bool) -> None:
    found = system(ubuntu(suite), told=NOBLE)
    assert (found.unapproved_sources(UBUNTU, None, suites) == []) is approved
    assert found.foreign_sources(UBUNTU) == []


def test_source_that_calls_itself_otherwise_is_not_the_distribution_s() -> None:
    found = system(ubuntu("noble", origin="LP-PPA-somebody"), told=NOBLE)
    assert len(found.unapproved_sources(UBUNTU, None, [])) == 1
    assert found.archives_without_security(UBUNTU) == []


@pytest.mark.parametrize(
    ("approved", "fits"),
    [
        ("file:/var/cache/lab/packages", True),
        ("file:/var/cache/lab/packages/", True),
        ("file:/var/cache", True),
        ("file:/var/cache/lab/pack", False),
        ("file:/var/cache/lab/packages/x", False),
    ],
)
def test_source_lies_at_or_below_what_is_approved(approved: str, fits: bool) -> None:
    assert (system().unapproved_sources(DEBIAN, [approved], []) == []) is fits


def test_mark_of_apt_renews_a_source_that_had_nothing_new() -> None:
    old = f"file\t1700000000\t1700000000\t{LISTS}x_Packages\n"
    plain = sources(f"/etc/apt/x.list:1 http://x.test/ ./ $(COMPONENT) {LISTS}x_Packages", rest=old)
    assert system(plain).list_age_days == 1157
    stamp = "file\t1799990000\t1799999000\t/var/lib/apt/periodic/update-success-stamp\n"
    assert system(plain.replace("end\n", f"{stamp}end\n")).list_age_days == 0
    without = sources("/etc/apt/x.list:1 http://x.test/ ./ $(COMPONENT) x_Packages")
    assert system(without).list_age_days is None
    assert [str(one) for one in system(without).unlisted()] == ["http://x.test/ ./ (/etc/apt/x.list:1)"]


def test_list_of_another_architecture_need_not_be_there() -> None:
    target = "/etc/apt/x.list:1 http://x.test/ bookworm main"
    listed = f"file\t1800000000\t1800000000\t{LISTS}x_binary-amd64_Packages.lz4\n"
    kinds = [f"{target} {LISTS}x_binary-{kind}_Packages" for kind in ("amd64", "all")]
    for order in (kinds, kinds[::-1]):
        (found,) = system(sources(*order, rest=listed)).sources.sources
        assert found.listed


def test_commented_preferences_are_not_told() -> None:
    pins = 'pin\t/etc/apt/apt.conf:1:// APT::Default-Release "stable";\n'
    pins += "pin\t/etc/apt/preferences:3:Pin-Priority: 9\n"
    assert system(sources(rest=pins)).sources.pins == ["/etc/apt/preferences:3:Pin-Priority: 9"]


DEBIAN_SOURCE = "        500 http://archive.debian.test/debian bookworm/main amd64 Packages"
SECURITY = "        500 http://archive.debian.test/debian-security bookworm-security/main amd64 Packages"
STATUS = "        100 /var/lib/dpkg/status"


def archive_with(*packages: str) -> OperatingSystem:
    return system("sources-apt-2.6-archive-debian-12", f"installed\t9\n{''.join(packages)}end\n")


def test_security_update_that_a_default_release_hides_is_withheld() -> None:
    hidden = package(
        "libc6:amd64",
        "2.36-9",
        "2.36-9",
        "     2.36-10 500",
        SECURITY,
        " *** 2.36-9 990",
        DEBIAN_SOURCE,
        STATUS,
    )
    found = archive_with(hidden)
    assert found.pending == []
    assert found.withheld(DEBIAN, None) == [
        "libc6:amd64 2.36-9 → 2.36-10 (http://archive.debian.test/debian-security bookworm-security)"
    ]


def test_backport_that_is_not_taken_by_itself_is_no_update() -> None:
    backport = "        100 http://archive.debian.test/debian bookworm-backports/main amd64 Packages"
    newer = package(
        "git", "1:2.39", "1:2.39", "     1:2.49 100", backport, " *** 1:2.39 500", DEBIAN_SOURCE, STATUS
    )
    found = archive_with(newer)
    assert found.pending == found.withheld(DEBIAN, None) == found.of_no_source([]) == []


def test_update_that_is_being_rolled_out_is_not_missing_yet() -> None:
    table = ("     2.0 500 (phased 20%)", DEBIAN_SOURCE, " *** 1.0 500", SECURITY, STATUS)
    assert archive_with(package("x", "1.0", "2.0", *table)).pending == []
    whole = (table[0].replace("20%", "100%"), *table[1:])
    assert len(archive_with(package("x", "1.0", "2.0", *whole)).pending) == 1


def test_superseded_version_is_an_update_and_no_local_package() -> None:
    found = archive_with(package("x", "1.0", "2.0", "     2.0 500", DEBIAN_SOURCE, " *** 1.0 100", STATUS))
    assert len(found.pending) == 1
    assert found.of_no_source([]) == []


def test_other_build_of_the_same_version_is_from_the_source() -> None:
    table = (" *** 1.0 100", STATUS, "     1.0 500", DEBIAN_SOURCE)
    assert archive_with(package("x", "1.0", "1.0", *table)).of_no_source([]) == []


def test_old_kernel_that_the_archive_has_dropped_is_no_local_package() -> None:
    dropped = package("linux-image-6.1.0-50-amd64", "6.1.1-1", "6.1.1-1", " *** 6.1.1-1 100", STATUS)
    assert archive_with(dropped).of_no_source([]) == []
    assert len(archive_with(dropped.replace("linux-image-6", "linux-imago-6")).of_no_source([])) == 1


def test_priority_of_four_digits_is_read() -> None:
    pinned = DEBIAN_SOURCE.replace("        500", "       1001")
    found = archive_with(package("x", "2.0", "1.0", " *** 2.0 100", STATUS, "     1.0 1001", pinned))
    assert found.of_no_source([]) == ["x 2.0 (1.0 http://archive.debian.test/debian)"]


def test_packages_beyond_those_printed_are_counted() -> None:
    assert archive_with("more\t17\n").pending == ["… +17"]


def test_snaps_of_the_distribution_itself_do_not_count() -> None:
    found = archive_with(
        *(f"beside\tsnap\t/var/lib/snapd/snaps/{name}.snap\n" for name in ("core22_1", "snapd_2"))
    )
    assert found.beside([]) == []


VM = text("running-debian-12-vm")


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("", "", []),
        (
            "kernel\t",
            "kernel\t/boot/vmlinuz-6.1.0-100-cloud-amd64\nkernel\t",
            ["6.1.0-56-cloud-amd64 runs; /boot/vmlinuz-6.1.0-100-cloud-amd64 is the newest installed"],
        ),
        ("kernel\t", "kernel\t/boot/vmlinuz-6.1.0-9-cloud-amd64\nkernel\t", []),
        ("kernel\t", "kernel\t/boot/vmlinuz-6.1.0-56-amd64\nkernel\t", []),
        (
            "\t6.1.192-2\n",
            "\t6.1.193-1\n",
            ["6.1.192-2 runs; linux-image-6.1.0-56-cloud-amd64 6.1.193-1 is installed"],
        ),
        (
            "running\t6.1.0-56",
            "running\t6.1.0-60",
            ["6.1.0-60-cloud-amd64 runs; /boot/vmlinuz-6.1.0-56-cloud-amd64 is the newest installed"],
        ),
    ],
)
def test_kernel_that_is_behind(old: str, new: str, seen: list[str]) -> None:
    found = system(running=VM.replace(old, new, 1) if old else VM)
    assert found.kernel_behind(found.running.newest() or "") == seen


def test_ubuntu_tells_its_kernel_s_build_in_its_signature() -> None:
    printed = (
        "running\t6.8.0-51-generic\nbuild\t#52-Ubuntu SMP\nbuild\tUbuntu 6.8.0-51.52-generic 6.8.12\n"
        "kernel\t/boot/vmlinuz-6.8.0-51-generic\npackage\tlinux-image-6.8.0-51-generic\t6.8.0-51.52\nend\n"
    )
    assert system(running=printed).running.other_build() == []
    assert system(running=printed.replace("\t6.8.0-51.52\n", "\t6.8.0-51.53\n")).running.other_build() == [
        "6.8.0-51.52 runs; linux-image-6.8.0-51-generic 6.8.0-51.53 is installed"
    ]


def test_kernels_are_ordered_by_number() -> None:
    releases = [
        "5.10.0-30-amd64",
        "6.1.0-9-amd64",
        "6.1.0-28-cloud-amd64",
        "6.12.9+bpo-amd64",
        "6.12.10-amd64",
    ]
    assert sorted(set(releases), key=order_of_kernels) == releases


def test_what_asks_for_a_reboot_and_what_was_replaced() -> None:
    found = system(running="running-debian-12-wrong")
    assert found.reboot_asked_for == ["libc6"]
    assert sorted(one.file for one in found.running.replaced) == [
        "/usr/lib/lab-library.so.1",
        "/usr/local/bin/lab-replaced",
    ]
    unnamed = text("running-debian-12-clean").replace("end\n", "required\t\nend\n")
    assert system(running=unnamed).reboot_asked_for == ["/run/reboot-required"]
    assert system().reboot_asked_for == []


PHYSICAL = (
    "now\t1800000000\ndmi\tsys_vendor\tMaker\ndmi\tproduct_name\tServer 7\ndmi\tbios_vendor\tMaker\n"
    "dmi\tbios_version\t2.19.1\ndmi\tbios_date\t06/02/2026\nfirmware\tUEFI\nprocessors\t16\n"
    "memory\t32600000\nblocks\t256\t8000000\nend\n"
)


def test_machine_and_its_firmware_are_told() -> None:
    found = system(machine=PHYSICAL, told=facts(kind="none"))
    assert str(found.kind) == "physical (none, Maker Server 7, Maker 2.19.1 06/02/2026)"
    assert (found.firmware, found.machine.uefi, found.container) == ("2.19.1", True, None)


def test_recorded_virtual_machine() -> None:
    found = system(machine="machine-debian-12-qemu-7.2", told=facts(kind="qemu"))
    machine = "QEMU Standard PC (Q35 + ICH9, 2009), SeaBIOS 1.16.2-debian-1.16.2-1 04/01/2014"
    assert str(found.kind) == f"virtual (qemu, {machine})"
    assert (found.machine.processors, found.memory_near(1), found.memory_near(2)) == (2, 1, 1.0)


@pytest.mark.parametrize(("gib", "near"), [(32, 32), (31, 32), (33, 32), (16, 32)])
def test_memory_is_counted_by_blocks(gib: float, near: float) -> None:
    assert system(machine=PHYSICAL).memory_near(gib) == near


@pytest.mark.parametrize(("gib", "near"), [(32, 32), (36, 36), (30, 31.09), (64, 31.09)])
def test_without_blocks_memory_is_what_the_kernel_left(gib: float, near: float) -> None:
    assert system(machine=PHYSICAL.replace("blocks\t256\t8000000\n", "")).memory_near(gib) == near


def test_kind_is_unknown_in_a_container_and_where_nothing_tells() -> None:
    for kind in ("systemd-nspawn", "docker", "unknown"):
        with pytest.raises(Unknown):
            _ = system(told=facts(kind=kind)).kind
    assert system(told=facts(kind="microsoft")).kind == "virtual"


def test_releases_are_known_by_their_day() -> None:
    assert DEBIAN.latest(date(2025, 8, 8)) == "12"
    assert DEBIAN.latest(date(2025, 8, 9)) == "13"
    assert UBUNTU.latest(date(2026, 10, 20)) == "26.04"
    assert DEBIAN.latest(date(1999, 1, 1)) is None


def test_release_that_was_never_one_stands_as_it_calls_itself() -> None:
    testing = system(told=facts(version="").replace('release\tVERSION_ID=""\n', ""))
    assert testing.release(DEBIAN) == ""
    assert testing.known_in(load_releases("mhth-ot")) is DEBIAN


def test_clock_before_the_release_is_no_day() -> None:
    with pytest.raises(Unknown):
        system(machine=PHYSICAL.replace("1800000000", "1000000000")).day_of(DEBIAN.releases["12"])


@pytest.mark.parametrize(("identifier", "version"), [("fedora", "44"), ("debian", "15"), ("", "")])
def test_release_nobody_knows_is_unknown(identifier: str, version: str) -> None:
    with pytest.raises(Unknown):
        system(told=facts(identifier, version)).known_in(load_releases("mhth-ot"))


def test_release_of_another_notation_is_known_by_its_first_number() -> None:
    rhel = load_releases("mhth-ot").distributions["rhel"]
    assert system(told=facts("rhel", "9.4")).release(rhel) == "9"


def test_releases_that_stand_in_no_order_are_refused() -> None:
    one = Release(codename="a", released=date(2020, 1, 1), supported_until=date(2021, 1, 1))
    two = Release(codename="b", released=date(2019, 1, 1), supported_until=date(2021, 1, 1))
    with pytest.raises(ValueError, match="oldest first"):
        Distribution(source="x", releases={"2": one, "1": two})
    with pytest.raises(ValueError, match="before it was released"):
        Release(codename="a", released=date(2021, 1, 1), supported_until=date(2020, 1, 1))


def test_host_without_apt_is_unknown() -> None:
    found = system("now\t1800000000\napt\tno\nend\n")
    with pytest.raises(Unknown):
        _ = found.pending


@pytest.mark.parametrize("probe", [SOURCES, PACKAGES, RUNNING, MACHINE], ids=lambda probe: probe.name)
@pytest.mark.parametrize(
    "printed",
    [
        b"",
        b"end",
        b"nonsense\nend\n",
        b"target\ta\nend\n",
        b"running\ta\nrunning\tb\nend\n",
        b"now\tsoon\nend\n",
    ],
)
def test_what_is_not_understood_is_never_a_value(probe: Probe[object], printed: bytes) -> None:
    with pytest.raises((ParseError, ValueError, KeyError)):
        probe.parse(Output(printed, b"", 0))


@pytest.mark.parametrize(
    ("probe", "name"),
    [
        (SOURCES, "sources-apt-2.6-wrong"),
        (PACKAGES, "packages-apt-2.6-wrong"),
        (RUNNING, "running-debian-12-wrong"),
    ],
)
def test_what_was_cut_off_is_never_a_value(probe: Probe[object], name: str) -> None:
    whole = text(name).encode()
    for length in range(0, len(whole) - 1, 37):
        with pytest.raises(ParseError):
            probe.parse(Output(whole[:length], b"", 0))


@pytest.mark.parametrize(
    ("base", "distribution", "version", "fits"),
    [
        ("12.4+deb12u11", "debian", "12", True),
        ("11.1+deb11u9", "debian", "12", False),
        ("12.4", "debian", "12", True),
        ("13.8+deb13u1", "debian", "12", False),
        ("12.4+deb12u11", "debian", "", True),
        ("12.4+deb12u11", "ubuntu", "24.04", False),
        ("13ubuntu10.1", "ubuntu", "24.04", True),
        ("2025.3.0", "kali", "2025.3", True),
    ],
)
def test_packages_show_whether_the_release_is_the_one_told(
    base: str, distribution: str, version: str, fits: bool
) -> None:
    packages = PACKAGES.parse(Output(f"base\t{base}\nend\n".encode(), b"", 0))
    assert packages.of_release(distribution, version) is fits


def test_source_beside_an_approved_one_is_not_below_it() -> None:
    source = Source("/etc/apt/sources.list:1", "http://mirror.test/debian/../other/", "x", "main", True)
    assert not source.lies_below(["http://mirror.test/debian"])

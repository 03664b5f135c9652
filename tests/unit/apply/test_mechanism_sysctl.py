"""Kernel settings at boot: our file must win over the files of others, as systemd-sysctl decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from pyinfra.api.exceptions import OperationError

from deploys.mechanisms.sysctl import (
    Assignment,
    LiveSettings,
    SysctlFiles,
    normal_key,
    parse_assignments,
    render,
    wanted_assignments,
)

OURS = "/etc/sysctl.d/zz-plumbline-network.conf"
WANTED = {"net/ipv4/conf/*/forwarding": "0", "net/ipv4/conf/all/forwarding": "0"}


def files(**texts: str) -> Mapping[str, list[Assignment]]:
    paths = {name: f"/etc/sysctl.d/{name.replace('_', '-')}.conf" for name in texts}
    return {paths[name]: parse_assignments(paths[name], text.splitlines()) for name, text in texts.items()}


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("/net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("/proc/sys/net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
    ],
)
def test_the_first_separator_decides_how_a_key_is_read(written: str, normal: str) -> None:
    assert normal_key(written) == normal


def test_files_are_read_as_systemd_sysctl_reads_them(recorded: Callable[[str], list[str]]) -> None:
    found = SysctlFiles().process(recorded("sysctl-files-debian-12.txt"))
    assert [
        (there.file, there.line, there.key, there.value) for all_ in found.values() for there in all_
    ] == [
        ("/etc/sysctl.d/10-supplier.conf", 2, "net/ipv4/ip_forward", "1"),
        ("/etc/sysctl.d/10-supplier.conf", 4, "net/ipv4/conf/host0/accept_redirects", "1"),
        ("/run/sysctl.d/50-vlan.conf", 1, "net/ipv4/conf/host0.100/forwarding", "1"),
        ("/run/sysctl.d/50-vlan.conf", 2, "net/ipv4/conf/lo/forwarding", None),
        ("/run/sysctl.d/50-vlan.conf", 3, "net/ipv4/conf/eth0.5/rp_filter", "2"),
    ]


def test_a_key_written_out_elsewhere_is_written_out_in_ours_too() -> None:
    others = files(a10="net.ipv4.conf.eth7.forwarding = 1")
    assert wanted_assignments(OURS, WANTED, others) == {**WANTED, "net/ipv4/conf/eth7/forwarding": "0"}


def test_a_key_excluded_from_globs_elsewhere_is_written_out_in_ours() -> None:
    others = files(a10="-net.ipv4.conf.eth7.forwarding")
    assert wanted_assignments(OURS, WANTED, others)["net/ipv4/conf/eth7/forwarding"] == "0"


def test_the_other_name_of_a_setting_counts_as_the_same() -> None:
    others = files(a10="net.ipv4.ip_forward = 1")
    assert wanted_assignments(OURS, WANTED, others)["net/ipv4/ip_forward"] == "0"


def test_settings_of_others_that_are_not_ours_are_left_out() -> None:
    others = files(a10="net.ipv4.conf.eth7.rp_filter = 1\nkernel.sysrq = 0")
    assert wanted_assignments(OURS, WANTED, others) == WANTED


@pytest.mark.parametrize(
    "line",
    [
        "net.ipv4.conf.eth7.forwarding = 1",
        "net.ipv4.conf.all.forwarding = 1",
        "net.ipv4.ip_forward = 1",
        "net.ipv4.conf.eth*.forwarding = 1",
        "net.ipv4.conf.*.forwarding = 1",
        "-net.ipv4.conf.eth7.forwarding",
    ],
)
def test_a_later_file_that_disagrees_is_named_with_its_line(line: str) -> None:
    with pytest.raises(OperationError, match=r"^/etc/sysctl\.d/zzz-late\.conf:2 sets net\.ipv4\."):
        wanted_assignments(OURS, WANTED, files(zzz_late=f"# late\n{line}"))


@pytest.mark.parametrize(
    "line", ["net.ipv4.conf.eth7.forwarding = 0", "net.ipv4.conf.eth7.rp_filter = 1", "kernel.sysrq = 1"]
)
def test_a_later_file_that_agrees_or_is_about_something_else_is_no_trouble(line: str) -> None:
    assert wanted_assignments(OURS, WANTED, files(zzz_late=line)).items() >= WANTED.items()


def test_a_later_glob_does_not_beat_a_key_we_write_out() -> None:
    wanted = {"net/ipv4/conf/all/forwarding": "0"}
    assert wanted_assignments(OURS, wanted, files(zzz_late="net.ipv4.conf.*.forwarding = 1")) == wanted


def test_our_own_file_is_not_held_against_us() -> None:
    others = files(zz_plumbline_network="net.ipv4.conf.eth7.forwarding = 1")
    assert wanted_assignments(OURS, WANTED, others) == WANTED


def test_what_changes_other_values_is_written_first() -> None:
    assignments = {
        "net/ipv4/conf/*/forwarding": "0",
        "net/ipv4/conf/default/forwarding": "0",
        "net/ipv4/conf/all/forwarding": "0",
        "net/ipv4/conf/eth0.5/forwarding": "0",
    }
    assert render("network", assignments).splitlines()[2:] == [
        "net.ipv4.conf.all.forwarding = 0",
        "net.ipv4.conf.default.forwarding = 0",
        "net.ipv4.conf.*.forwarding = 0",
        "net.ipv4.conf.eth0/5.forwarding = 0",
    ]


def test_live_values_are_compared_without_regard_to_blanks() -> None:
    assert LiveSettings().process(["net/ipv4/ip_local_port_range=32768\t60999"]) == {
        "net/ipv4/ip_local_port_range": "32768 60999"
    }

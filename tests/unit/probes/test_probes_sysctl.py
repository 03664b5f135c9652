"""Kernel settings: which value is live, and which of many files decides at boot."""

from __future__ import annotations

import re
from typing import Any

import pytest
from recorded_host import host_printing, printed, recorded

from plumbline.policy.load import load_standard
from plumbline.probes.base import Output, Probe
from plumbline.probes.host import DeliveredHost
from plumbline.probes.network import SYSCTL
from plumbline.probes.sysctl import LIVE_PATTERNS, covers, normal_key, normal_value, parse_settings
from plumbline.verify.seen import Each
from plumbline.verify.unknown import Unknown

LIVE = "live\tkernel/ostype:Linux\nlive\tnet/ipv4/ip_forward:0\n" + "".join(
    f"live\tnet/ipv4/conf/{name}/forwarding:0\nlive\tnet/ipv6/conf/{name}/disable_ipv6:1\n"
    for name in ("all", "default", "eth0", "eth0.7", "lo")
)
FORWARDING = "net.ipv4.conf.*.forwarding"
OFF = "net.ipv4.conf.all.forwarding=0\nnet.ipv4.conf.default.forwarding=0\nnet.ipv4.conf.*.forwarding=0\n"
UNITS = "/usr/lib/systemd/system"
UNIT = f"{UNITS}/systemd-sysctl.service"
ETC_UNIT = "/etc/systemd/system/systemd-sysctl.service"
SHIPPED = (
    "[Unit]\nDefaultDependencies=no\nConflicts=shutdown.target\nBefore=sysinit.target shutdown.target\n"
    "ConditionPathIsReadWrite=/proc/sys/net/\n"
    "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/lib/systemd/systemd-sysctl\n"
)
WANTED = f"link\t{UNITS}/sysinit.target.wants/systemd-sysctl.service\t../systemd-sysctl.service\n"


def host(files: dict[str, str], live: str = LIVE, links: str = WANTED) -> DeliveredHost:
    return host_printing({SYSCTL: printed({UNIT: SHIPPED} | files, live + links)})


def boot(files: dict[str, str], key: str = "net.ipv4.ip_forward", live: str = LIVE) -> list[object]:
    return [reading.value for reading in host(files, live).sysctl.boot(key)]


def forwarding(files: dict[str, str]) -> dict[str, object]:
    return {reading.key.split(".", 3)[3]: reading.value for reading in host(files).sysctl.boot(FORWARDING)}


def test_later_file_wins_at_boot() -> None:
    files = {
        "/etc/sysctl.d/zz-a.conf": "net.ipv4.ip_forward=1\n",
        "/etc/sysctl.d/50-b.conf": "net.ipv4.ip_forward=0\n",
    }
    (reading,) = host(files).sysctl.boot("net.ipv4.ip_forward")
    assert str(reading) == "net.ipv4.ip_forward = 1 (/etc/sysctl.d/zz-a.conf:1)"


def test_base_name_decides_the_order_not_the_directory() -> None:
    files = {
        "/usr/lib/sysctl.d/90-a.conf": "net.ipv4.ip_forward=1\n",
        "/etc/sysctl.d/50-b.conf": "net.ipv4.ip_forward=0\n",
    }
    assert boot(files) == [1]


def test_same_name_in_etc_hides_the_packaged_file() -> None:
    files = {
        "/usr/lib/sysctl.d/90-a.conf": "net.ipv4.ip_forward=1\n",
        "/etc/sysctl.d/90-a.conf": "# nothing\n",
    }
    assert boot(files) == [None]


def test_link_to_dev_null_masks_a_packaged_file() -> None:
    files = {"/usr/lib/sysctl.d/90-a.conf": "net.ipv4.ip_forward=1\n", "/etc/sysctl.d/90-a.conf": "/dev/null"}
    assert boot(files) == [None]


def test_what_is_in_run_is_gone_at_boot() -> None:
    assert boot({"/run/sysctl.d/50-a.conf": "net.ipv4.ip_forward=0\n"}) == [None]


def test_sysctl_conf_counts_only_through_a_link() -> None:
    assert boot({"/etc/sysctl.conf": "net.ipv4.ip_forward=0\n"}) == [None]
    assert boot({"/etc/sysctl.d/99-sysctl.conf": "net.ipv4.ip_forward=0\n"}) == [0]


def test_two_names_of_forwarding_are_one_setting() -> None:
    files = {"/etc/sysctl.d/10.conf": OFF, "/etc/sysctl.d/20.conf": "net.ipv4.ip_forward=1\n"}
    assert boot(files, "net.ipv4.conf.all.forwarding") == [1]
    assert boot({"/etc/sysctl.d/10.conf": "net.ipv4.ip_forward=1\n", "/etc/sysctl.d/20.conf": OFF}) == [0]


def test_slashes_and_dots_name_the_same_key() -> None:
    files = {"/etc/sysctl.d/10.conf": OFF, "/etc/sysctl.d/20.conf": "net/ipv4/conf/eth0.7/forwarding = 1\n"}
    assert forwarding(files)["eth0/7.forwarding"] == 1


@pytest.mark.parametrize("key", ["net/ipv4/./ip_forward", "net//ipv4/./././ip_forward"])
def test_dot_parts_of_a_path_are_nothing(key: str) -> None:
    assert boot({"/etc/sysctl.d/10.conf": OFF, "/etc/sysctl.d/20.conf": f"{key}=1\n"}) == [1]


def test_written_out_key_wins_over_a_later_glob() -> None:
    files = {"/etc/sysctl.d/10.conf": "net.ipv4.conf.eth0.forwarding=1\n", "/etc/sysctl.d/20.conf": OFF}
    assert forwarding(files)["eth0.forwarding"] == 1


def test_later_glob_wins_over_an_earlier_glob() -> None:
    files = {"/etc/sysctl.d/10.conf": OFF, "/etc/sysctl.d/20.conf": "net.ipv4.conf.e*.forwarding=1\n"}
    assert forwarding(files)["eth0.forwarding"] == 1
    assert forwarding(files)["lo.forwarding"] == 0


def test_excluded_key_gets_no_glob() -> None:
    files = {
        "/etc/sysctl.d/10.conf": OFF.replace("default.forwarding=0", "default.forwarding=1"),
        "/etc/sysctl.d/20.conf": "-net.ipv4.conf.eth0.forwarding\n",
    }
    assert forwarding(files)["eth0.forwarding"] == 1


def test_dash_before_an_assignment_only_ignores_errors() -> None:
    assert boot({"/etc/sysctl.d/10.conf": "-net.ipv4.ip_forward = 1\n"}) == [1]


def test_interface_no_file_names_gets_the_default() -> None:
    files = {"/etc/sysctl.d/10.conf": "net.ipv4.conf.all.forwarding=0\nnet.ipv4.conf.default.forwarding=1\n"}
    assert forwarding(files)["lo.forwarding"] == 1


def test_interface_that_is_not_there_yet_counts() -> None:
    files = {"/etc/sysctl.d/10.conf": OFF + "net.ipv4.conf.wg0.forwarding=1\n"}
    assert forwarding(files)["wg0.forwarding"] == 1


def test_unset_is_not_good() -> None:
    assert set(forwarding({}).values()) == {None}
    readings = host({}).sysctl.boot("net.ipv4.ip_forward")
    assert Each((0,)).outside(readings) == readings


def test_kernel_command_line_sets_first() -> None:
    live = LIVE + "cmdline\tnet.ipv4.ip_forward=1\n"
    assert boot({}, live=live) == [1]
    assert boot({"/etc/sysctl.d/10.conf": "net.ipv4.ip_forward=0\n"}, live=live) == [0]


@pytest.mark.parametrize(
    "line",
    [
        "#net.ipv4.ip_forward=0",
        ";net.ipv4.ip_forward=0",
        "net.ipv4.ip_forward 0",
        "net.ipv4.ip_forwar=0",
        "=",
    ],
)
def test_lines_that_assign_nothing(line: str) -> None:
    assert boot({"/etc/sysctl.d/10.conf": line + "\n"}) == [None]


@pytest.mark.parametrize(
    ("files", "links"),
    [
        ({}, ""),
        ({}, f"{WANTED}link\t/etc/systemd/system/sysinit.target.wants/systemd-sysctl.service\t/dev/null\n"),
        ({}, WANTED.replace("sysinit.target.wants", "never.target.wants")),
        ({ETC_UNIT: "/dev/null"}, WANTED),
        ({ETC_UNIT: ""}, WANTED),
        ({ETC_UNIT: "[Service]\nType=oneshot\nExecStart=/bin/true\n"}, WANTED),
        ({f"{ETC_UNIT}.d/x.conf": "[Unit]\nConditionPathExists=/nonexistent\n"}, WANTED),
        ({f"{ETC_UNIT}.d/x.conf": "\ufeff[Unit]\nAssertPathExists=/nonexistent\n"}, WANTED),
        ({"/etc/systemd/system/service.d/x.conf": "[Unit]\nConditionPathExists=/nonexistent\n"}, WANTED),
        (
            {"/etc/systemd/system/procps.service.d/x.conf": "[Service]\nExecStart=\n"},
            f"{WANTED}link\t{UNITS}/procps.service\tsystemd-sysctl.service\n",
        ),
        ({f"{ETC_UNIT}.d/x.conf": "[Service]\nExecStart=\nExecStart=/bin/true\n"}, WANTED),
        ({f"{ETC_UNIT}.d/x.conf": "[Service]\nExecStart=\n"}, WANTED),
        ({f"{ETC_UNIT}.d/x.conf": "[Service]\nExecStartPre=/bin/false\n"}, WANTED),
        ({f"{ETC_UNIT}.d/x.conf": "[Service]\nPrivateNetwork=yes\n"}, WANTED),
        (
            {f"{ETC_UNIT}.d/x.conf": f"[Service]\nExecStart=\nExecStart={UNITS[:-7]}/systemd-sysctl -x\n"},
            WANTED,
        ),
    ],
)
def test_nothing_is_set_at_boot_without_the_service(files: dict[str, str], links: str) -> None:
    readings = host({"/etc/sysctl.d/10.conf": OFF, **files}, links=links).sysctl.boot(FORWARDING)
    assert [reading.value for reading in readings] == [None]
    assert "systemd-sysctl" in readings[0].where


@pytest.mark.parametrize(
    "drop_in",
    [
        "[Unit]\nConditionPathExists=/nonexistent\nConditionPathExists=\n",
        "[Service]\nTimeoutSec=10s\n",
        "[Service]\nExecStart=\nExecStart=-/usr/lib/systemd/systemd-sysctl\n",
    ],
)
def test_drop_in_that_hinders_nothing(drop_in: str) -> None:
    readings = host({"/etc/sysctl.d/10.conf": OFF, f"{ETC_UNIT}.d/x.conf": drop_in}).sysctl.boot(FORWARDING)
    assert {reading.value for reading in readings} == {0}


def test_kernel_without_ipv6_needs_no_ipv6_settings() -> None:
    live = re.sub(r"live\tnet/ipv6.*\n", "", LIVE)
    sysctl = host({}, live).sysctl
    assert sysctl.now("net.ipv6.conf.all.disable_ipv6") == []
    assert sysctl.boot("net.ipv6.conf.*.disable_ipv6") == []


def test_key_the_kernel_lacks_is_not_good() -> None:
    (reading,) = host({}).sysctl.now("kernel.yama.ptrace_scope")
    assert reading.value is None


def test_live_values_of_every_interface_are_told() -> None:
    live = LIVE.replace("conf/eth0.7/forwarding:0", "conf/eth0.7/forwarding:1")
    wrong = Each((0,)).outside(host({}, live).sysctl.now(FORWARDING))
    assert [str(reading) for reading in wrong] == ["net.ipv4.conf.eth0/7.forwarding = 1 (live)"]


def test_recorded_host_forwards_now_and_at_boot() -> None:
    answers: dict[Probe[Any], str] = {
        SYSCTL: recorded("sysctl/settings.systemd-252.delivered.shortened.txt"),
    }
    sysctl = host_printing(answers).sysctl
    assert [reading.value for reading in sysctl.now("net.ipv4.ip_forward")] == [1]
    assert (
        str(sysctl.boot("net.ipv4.ip_forward")[0])
        == "net.ipv4.ip_forward = 1 (/etc/sysctl.d/99-gateway.conf:1)"
    )
    assert {reading.value for reading in sysctl.now("net.ipv6.conf.*.disable_ipv6")} == {0}


@pytest.mark.parametrize(
    "text", ["", "end\n", LIVE, LIVE + "en", "live\tnet/ipv4/ip_forward:0\nend\n", LIVE + "odd\nend\n"]
)
def test_cut_off_output_is_unknown(text: str) -> None:
    with pytest.raises(Unknown):
        host_printing({SYSCTL: text}).sysctl.now("net.ipv4.ip_forward")


def test_a_value_of_several_lines_stays_one_value() -> None:
    text = LIVE + "live\tkernel/core_modes:file\nlive\tkernel/core_modes:pipe\nend\n"
    assert parse_settings(Output(text.encode(), b"", 0)).live["kernel/core_modes"] == "file\npipe"


@pytest.mark.parametrize(
    ("value", "told"), [("0", 0), ("-1", -1), (" 1\t2 ", "1 2"), ("", ""), ("0x1", "0x1")]
)
def test_values_as_the_kernel_tells_them(value: str, told: object) -> None:
    assert normal_value(value) == told


def test_every_setting_of_the_standard_is_observed() -> None:
    keys = {
        normal_key(key)
        for control in load_standard("mhth-ot").controls.values()
        for key in control.linux.sysctl
    }
    assert keys
    unseen = {key for key in keys if not any(covers(pattern, key) for pattern in LIVE_PATTERNS)}
    assert unseen == set()

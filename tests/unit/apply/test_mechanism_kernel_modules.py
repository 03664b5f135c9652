"""Kernel modules that cannot be loaded: our file comes first, what is in use is left to the next boot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pyinfra.api.exceptions import OperationError

from deploys.mechanisms.kernel_modules import (
    InstallLine,
    KernelModules,
    refuse_if_beaten,
    render,
    unloading_order,
)

OURS = "/etc/modprobe.d/00-plumbline-network.conf"

# Fields as proc(5) describes /proc/modules, printed by the fact's command: name, uses, users.
LOADED = [
    "loaded usb_storage 2 uas,",
    "loaded uas 0 -",
    "loaded sctp 4 -",
    "loaded dccp 1 dccp_ipv4,",
    "loaded dccp_ipv4 0 -",
    "loaded nf_tables 9 nft_ct,nft_counter,[permanent],",
]


def test_users_of_a_module_and_other_uses_are_told_apart() -> None:
    found = KernelModules().process(LOADED)
    assert found.loaded["usb_storage"] == ["uas"]
    assert found.loaded["nf_tables"] == ["nft_ct", "nft_counter"]
    assert found.busy == {"usb_storage", "sctp", "nf_tables"}


def test_users_are_unloaded_before_what_they_use() -> None:
    found = KernelModules().process(LOADED)
    assert unloading_order(["dccp", "dccp_ipv4"], found.loaded, found.busy) == ["dccp_ipv4", "dccp"]


def test_a_module_used_by_one_that_is_not_ours_stays() -> None:
    found = KernelModules().process(LOADED)
    assert unloading_order(["dccp"], found.loaded, found.busy) == []


def test_a_module_in_use_stays_and_one_not_loaded_needs_nothing() -> None:
    found = KernelModules().process(LOADED)
    assert unloading_order(["sctp", "rds"], found.loaded, found.busy) == []


def test_a_dash_in_a_name_is_an_underscore_in_the_kernel() -> None:
    assert unloading_order(["dccp-ipv4"], {"dccp_ipv4": []}, set()) == ["dccp_ipv4"]


def test_install_lines_are_read_with_file_and_line_and_hidden_files_left_out() -> None:
    found = KernelModules().process(
        [
            "container",
            "file /etc/modprobe.d/10-a.conf",
            "line # install tipc nothing",
            "line install tipc /sbin/modprobe --ignore-install tipc",
            "file /usr/lib/modprobe.d/10-a.conf",
            "line install rds /bin/true",
        ]
    )
    assert found.shared_kernel
    command = "/sbin/modprobe --ignore-install tipc"
    assert found.installs == [InstallLine("/etc/modprobe.d/10-a.conf", 2, "tipc", command)]


def test_a_file_read_before_ours_that_lets_a_module_in_is_named_with_its_line() -> None:
    beaten_by = InstallLine("/etc/modprobe.d/00-a.conf", 3, "usb*", "/sbin/modprobe -i usb_storage")
    with pytest.raises(OperationError, match=r"^/etc/modprobe\.d/00-a\.conf:3 .* usb-storage"):
        refuse_if_beaten(OURS, ["usb-storage"], [beaten_by])


@pytest.mark.parametrize(
    "harmless",
    [
        InstallLine("/etc/modprobe.d/10-later.conf", 1, "tipc", "/sbin/modprobe -i tipc"),
        InstallLine("/etc/modprobe.d/00-a.conf", 1, "tipc", "/bin/false"),
        InstallLine("/etc/modprobe.d/00-a.conf", 1, "other", "/sbin/modprobe -i other"),
    ],
    ids=["later", "refuses as well", "another module"],
)
def test_other_install_lines_are_no_trouble(harmless: InstallLine) -> None:
    refuse_if_beaten(OURS, ["tipc"], [harmless])


def test_modprobe_takes_our_line_although_another_file_has_one(tmp_path: Path) -> None:
    """The real modprobe decides, on a module list of its own: the first file wins, and that is ours."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "lib/modules/1.0").mkdir(parents=True)
    (tmp_path / "lib/modules/1.0/modules.dep").write_text("kernel/tipc.ko:\n")
    (tmp_path / "conf/00-plumbline-network.conf").write_text(render("network", ["tipc"]))
    (tmp_path / "conf/zz-supplier.conf").write_text("install tipc /bin/echo loaded\n")
    shown = subprocess.run(
        ["/sbin/modprobe", "-n", "-v", "-d", tmp_path, "-S", "1.0", "-C", tmp_path / "conf", "tipc"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == "install /bin/false"

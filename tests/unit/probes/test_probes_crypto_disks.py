"""Encrypted volumes as lsblk, dmsetup and the kernel told them of a real machine with LUKS and LVM."""

from __future__ import annotations

from types import SimpleNamespace

import _pytest.outcomes
import pytest
from crypto_host import SUITE, VIRTUAL, accepts, crypto_host
from recorded_host import recorded

from plumbline.probes.base import Output, ParseError
from plumbline.probes.crypto import DISKS, SYSTEM
from plumbline.probes.crypto.disks import Disks
from plumbline.probes.host import DeliveredHost
from plumbline.verify.unknown import Unknown

LUKS = recorded("crypto/disks-lsblk-2.38-luks.txt")
OF = accepts("classified-data-encrypted")
NOW, BOOT, HOW = (
    "test_classified_data_lies_on_encrypted_volumes_now",
    "test_classified_data_will_lie_on_encrypted_volumes",
    "test_volumes_of_classified_data_are_encrypted_as_accepted",
)


def disks(text: str = LUKS) -> Disks:
    return DISKS.parse(Output(text.encode(), b"", 0))


def spec(**levels: str | None) -> SimpleNamespace:
    """Declare partitions by mount point (`_` for `/`) with what is kept there."""
    mounts = [
        SimpleNamespace(mount=f"/{name.replace('_', '/')}", classification=level, holds="data")
        for name, level in levels.items()
    ]
    return SimpleNamespace(storage=mounts)


def judge(check: str, host: DeliveredHost, declared: SimpleNamespace) -> str:
    try:
        SUITE[check](host, declared, OF)
    except AssertionError:
        return "fail"
    except _pytest.outcomes.Skipped:
        return "not applicable"
    return "pass"


@pytest.mark.parametrize(
    ("at", "now", "boot", "how"),
    [
        ("srv", "pass", "pass", "pass"),
        ("srv_deep", "pass", "pass", "pass"),
        ("mnt_weak", "pass", "pass", "fail"),
        ("opt", "fail", "fail", "not applicable"),
        ("home", "fail", "fail", "not applicable"),
    ],
)
def test_where_classified_data_lies(at: str, now: str, boot: str, how: str) -> None:
    declared = spec(**{at: "confidential"})
    assert [judge(check, crypto_host("hardened"), declared) for check in (NOW, BOOT, HOW)] == [now, boot, how]


@pytest.mark.parametrize("level", ["public", "internal", None])
def test_other_data_need_not_be_encrypted(level: str | None) -> None:
    assert judge(NOW, crypto_host("hardened"), spec(opt=level)) == "not applicable"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("crypttab\t1\tdata\t", "crypttab\t1\tother\t"),
        ("fstab\t5\t/dev/plant/srv\t", "fstab\t5\t/dev/vdb\t"),
        ("\t/srv\n", "\t/other\n"),
    ],
)
def test_volume_that_is_not_opened_or_mounted_at_boot_is_seen(was: str, becomes: str) -> None:
    text = "".join(
        line.replace(was, becomes) if line.startswith(("crypttab", "fstab")) else line
        for line in LUKS.splitlines(keepends=True)
    )
    host = crypto_host("hardened", {DISKS: text})
    assert judge(BOOT, host, spec(srv="confidential")) == "fail"
    assert judge(NOW, host, spec(srv="confidential")) == "pass"


def test_half_of_a_mirror_in_the_clear_is_seen() -> None:
    mirror = (
        'block\tNAME="/dev/mapper/plant-srv" KNAME="/dev/dm-1" PKNAME="/dev/vdb" TYPE="lvm" FSTYPE="ext4" '
    )
    rest = 'UUID="" PARTUUID="" LABEL="" PARTLABEL="" RM="0" TRAN=""\n'
    assert disks(mirror + rest + LUKS).open_ways("/dev/mapper/plant-srv") == ["/dev/vdb"]


def test_container_is_unknown() -> None:
    host = crypto_host("hardened", {SYSTEM: VIRTUAL.replace("kvm", "systemd-nspawn")})
    with pytest.raises(Unknown, match="container"):
        SUITE[NOW](host, spec(srv="confidential"), OF)


def test_source_nobody_can_follow_is_unknown() -> None:
    host = crypto_host(
        "hardened",
        {DISKS: LUKS.replace("mount\t/srv\text4\t/dev/mapper/plant-srv", "mount\t/srv\tzfs\tpool/srv")},
    )
    with pytest.raises(Unknown, match="pool/srv"):
        SUITE[NOW](host, spec(srv="confidential"), OF)


@pytest.mark.parametrize(
    ("chassis", "declared", "verdict"),
    [
        ("1", spec(opt=None), "not applicable"),
        ("10", spec(opt=None), "fail"),
        ("10", spec(opt="internal"), "not applicable"),
        ("31", spec(opt="internal", srv="confidential"), "fail"),
    ],
)
def test_portable_device(chassis: str, declared: SimpleNamespace, verdict: str) -> None:
    host = crypto_host("hardened", {DISKS: LUKS.replace("chassis\t1\n", f"chassis\t{chassis}\n")})
    assert judge("test_portable_device_is_encrypted", host, declared) == verdict


def test_key_is_never_printed() -> None:
    assert [cipher.told for cipher in disks().ciphers.values()] == [
        "aes-xts-plain64 512",
        "aes-xts-plain64 256",
    ]
    assert "logon" not in LUKS


@pytest.mark.parametrize("text", ["", LUKS[:400], LUKS[:-5], "end\n", LUKS.replace("KNAME=", "NAMES=")])
def test_what_is_cut_or_foreign_is_no_answer(text: str) -> None:
    with pytest.raises((ParseError, KeyError)):
        disks(text)


def changed(line: str) -> DeliveredHost:
    return crypto_host("hardened", {DISKS: LUKS.replace("\nend\n", f"\n{line}\nend\n")})


def test_open_volume_mounted_below_classified_data_is_seen() -> None:
    declared = spec(srv="confidential")
    assert judge(NOW, changed("mount\t/srv/archive\text4\t/dev/vdb"), declared) == "fail"
    assert judge(BOOT, changed("fstab\t9\t/dev/vdb\t/srv/archive"), declared) == "fail"


def test_open_volume_below_that_is_declared_apart_is_right() -> None:
    declared = spec(srv="confidential", srv_archive="internal")
    assert judge(NOW, changed("mount\t/srv/archive\text4\t/dev/vdb"), declared) == "pass"
    assert judge(BOOT, changed("fstab\t9\t/dev/vdb\t/srv/archive"), declared) == "pass"


def test_directory_of_an_encrypted_volume_mounted_elsewhere_is_right() -> None:
    assert (
        judge(BOOT, changed("fstab\t9\t/srv/plant\t/var/lib/plant"), spec(var_lib_plant="confidential"))
        == "pass"
    )
    assert (
        judge(BOOT, changed("fstab\t9\t/opt/plant\t/var/lib/plant"), spec(var_lib_plant="confidential"))
        == "fail"
    )


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("swap\t/proc/swaps\t/dev/vdc", "fail"),
        ("swap\t/etc/fstab:7\tUUID=3fa00027-1bd1-4f5c-9c5d-7e26592034bc", "fail"),
        ("swap\t/proc/swaps\t/opt/swapfile", "fail"),
        ("swap\t/proc/swaps\t/dev/dm-1", "pass"),
        ("swap\t/proc/swaps\t/srv/swapfile", "pass"),
    ],
)
def test_swap_where_data_is_classified(line: str, verdict: str) -> None:
    check = "test_swap_is_encrypted_where_data_is_classified"
    assert judge(check, changed(line), spec(srv="confidential")) == verdict
    assert judge(check, changed(line), spec(srv="internal")) == "not applicable"

"""What udev, systemd and fstab would do with a medium is understood rightly, or not at all."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.removable_media import DESKTOP, MOUNTS, RULES, UNITS
from plumbline.probes.removable_media.mounts import GENERATORS
from plumbline.probes.removable_media.rules import effective
from plumbline.probes.removable_media.udev import parse_rule, started
from plumbline.probes.removable_media.units import mounter

RECORDED = Path(__file__).parents[2] / "recorded" / "removable_media"
PROBES = {
    "rules-udev-252-delivered.txt": RULES,
    "units-systemd-252-delivered.txt": UNITS,
    "mounts-systemd-252-fstab.txt": MOUNTS,
    "desktop-gnome-43-defaults.txt": DESKTOP,
}
ETC, USR = "/etc/udev/rules.d/90-x.rules", "/usr/lib/udev/rules.d/90-x.rules"


def printed(name: str) -> Output:
    return Output((RECORDED / name).read_bytes(), b"", 0)


def offending(*lines: str, file: str = ETC) -> list[int]:
    rules = [parse_rule(file, number, text) for number, text in enumerate(lines, 1)]
    return sorted({int(told.split(":")[1]) for told in started([rules])})


@pytest.mark.parametrize(("file", "probe"), PROBES.items(), ids=PROBES)
def test_truncated_output_is_never_a_value(file: str, probe: object) -> None:
    whole = (RECORDED / file).read_bytes()
    for end in range(0, len(whole) - 1, max(1, len(whole) // 60)):
        with pytest.raises(ParseError):
            probe.parse(Output(whole[:end], b"", 0))  # type: ignore[attr-defined]  # a probe of any type


def test_debian_s_own_rules_start_nothing_and_the_careless_one_is_named() -> None:
    rules = RULES.parse(printed("rules-udev-252-delivered.txt"))
    assert rules.now == rules.boot
    assert [told.partition(": ")[0] for told in rules.now] == ["/etc/udev/rules.d/99-usb-automount.rules:1"]


@pytest.mark.parametrize(
    "rule",
    [
        'SUBSYSTEM=="block", RUN+="/bin/mount /dev/%k /mnt"',
        'SUBSYSTEM == "block" , RUN += "/bin/mount /dev/%k /mnt"',
        'SUBSYSTEM=="block", RUN{program}+="/usr/bin/systemd-mount $devnode"',
        'KERNEL=="sd[a-z][0-9]", RUN+="/usr/bin/anything"',
        'KERNEL=="mmcblk*|sr*", RUN+="/usr/bin/anything"',
        'ACTION=="add", RUN+="/usr/bin/anything"',
        'RUN="/usr/bin/anything"',
        'SUBSYSTEMS=="usb", ATTRS{idVendor}=="0951", RUN+="/usr/bin/anything"',
        'SUBSYSTEM!="net", RUN+="/usr/bin/anything"',
        'ENV{ID_FS_USAGE}=="filesystem", ENV{SYSTEMD_WANTS}="usb-mount@%k.service"',
        'SUBSYSTEM=="usb", PROGRAM=="/bin/mount /dev/sdb1 /mnt"',
        'SUBSYSTEM=="block", IMPORT{program}="/usr/bin/udisksctl mount -b $devnode"',
        'SUBSYSTEM=="block", RUN+=e"/usr/bin/any\\"thing"',
        *(
            f'SUBSYSTEM=="block", KERNEL=="{name}", RUN+="/usr/bin/anything"'
            for name in (
                "sda1",
                "sdc1",
                "sd[c-z][0-9]",
                "sd?2",
                "sd[^a]*",
                "sr[1-9]",
                "mmcblk0p1",
                "nvme1n1",
                "dm-*",
            )
        ),
        *(
            f'SUBSYSTEM=="{name}", RUN+="/usr/bin/anything"'
            for name in ("scsi_disk", "scsi_host", "bdi", "mmc", "something_new")
        ),
        'SUBSYSTEM=="usb", KERNEL=="2-1.4", RUN+="/usr/bin/anything"',
        'SUBSYSTEMS=="mmc_host", RUN+="/usr/bin/anything"',
        'ACTION=="bind", SUBSYSTEM=="usb", RUN+="/usr/bin/anything"',
        'ACTION=="online", SUBSYSTEM=="block", RUN+="/usr/bin/anything"',
        'SUBSYSTEM=="block", ENV{DEVTYPE}=="[^p]*", RUN+="/usr/bin/anything"',
        'SUBSYSTEM==i"BLOCK", RUN+="/usr/bin/anything"',
        'SUBSYSTEM=="block", PROGRAM="/etc/udev/stick.sh %k"',
        'SUBSYSTEM=="block", PROGRAM=="/etc/udev/stick.sh %k", SYMLINK+="x"',
        'SUBSYSTEM=="block", IMPORT{program}="/etc/udev/stick"',
        'SUBSYSTEM=="block", IMPORT{program}="stick.sh"',
        'SUBSYSTEM=="block", PROGRAM="/bin/sh -c \'exec /etc/stick\'"',
    ],
)
def test_an_administrator_s_rule_that_starts_something(rule: str) -> None:
    assert offending(rule) == [1]


@pytest.mark.parametrize(
    "rule",
    [
        'SUBSYSTEM=="net", RUN+="/bin/mount /mnt"',
        'KERNEL=="ttyUSB*", RUN+="/usr/bin/anything"',
        'ACTION=="remove", RUN+="/usr/bin/anything"',
        'KERNEL=="event[0-9]*", RUN+="/usr/bin/anything"',
        'KERNEL=="loop*", RUN+="/usr/bin/anything"',
        'SUBSYSTEM=="input|sound", RUN+="/usr/bin/anything"',
        'SUBSYSTEMS=="usb-serial", RUN+="/usr/bin/anything"',
        'SUBSYSTEM=="block", IMPORT{program}="/sbin/blkid -o udev $devnode"',
        'SUBSYSTEM=="block", SYMLINK+="stick"',
        'SUBSYSTEM=="block", RUN{builtin}+="kmod load sg"',
        'SUBSYSTEM=="block", PROGRAM="/lib/udev/scsi_id -g -u -d %N", SYMLINK+="%c"',
        'SUBSYSTEM=="block", RUN+="/bin/mount',
        "",
    ],
)
def test_a_rule_that_starts_nothing_for_media(rule: str) -> None:
    assert offending(rule) == []


def test_a_package_s_program_is_its_own_business_unless_it_mounts() -> None:
    assert offending('SUBSYSTEM=="block", RUN+="/usr/lib/udev/hdparm"', file=USR) == []
    assert offending('SUBSYSTEM=="block", RUN+="/usr/lib/usbmount/usbmount add"', file=USR) == [1]
    assert offending('SUBSYSTEM=="block", ENV{SYSTEMD_WANTS}+="usbmount@%k.service"', file=USR) == [1]
    assert offending('SUBSYSTEM=="block", RUN+="/opt/vendor/copy"', file=USR) == [1]


def test_jumps() -> None:
    run = 'RUN+="/usr/bin/anything"'
    assert offending('SUBSYSTEM!="net", GOTO="end"', run, 'LABEL="end"') == []
    assert offending('SUBSYSTEM=="net", GOTO="end"', run, 'LABEL="end"') == [2]
    assert offending('ENV{ID_SERIAL}!="mine", GOTO="end"', run, 'LABEL="end"') == [2]
    assert offending('SUBSYSTEM!="net", GOTO="end"', run, 'LABEL="end"', run) == [4]
    assert offending('SUBSYSTEM!="net", GOTO="end"', run, f'LABEL="end", {run}') == [3]


def test_a_jump_to_nowhere_or_back_is_none() -> None:
    run = 'RUN+="/usr/bin/anything"'
    assert offending('GOTO="nowhere"', run) == [2]
    assert offending('LABEL="end"', 'GOTO="end"', run) == [3]
    assert offending('GOTO="end", GOTO="far"', run, 'LABEL="end"', run, 'LABEL="far"') == [4]


def rules_of(*lines: str, more: str = "") -> list[str]:
    """Return what rules of a file below /usr/lib start, with more rows that the probe prints."""
    rows = "".join(f"line\t{USR}\t{number}\t{text}\n" for number, text in enumerate(lines, 1))
    return RULES.parse(Output(f"file\t{USR}\n{rows}{more}end\n".encode(), b"", 0)).boot


def test_a_rule_no_package_owns_is_an_administrator_s() -> None:
    for term in (
        'RUN+="stick.sh %k"',
        'ENV{SYSTEMD_WANTS}+="usb-import@%k.service"',
        'RUN+="/bin/systemd-run x"',
    ):
        rule = f'SUBSYSTEM=="block", {term}'
        assert rules_of(rule, more="owned\t/usr/lib/udev/rules.d/80-y.rules\n") == [f"{USR}:1: {term}"]
        assert rules_of(rule, more=f"owned\t{USR}\n") == []
        assert rules_of(rule, more=f"owned\t{USR.removeprefix('/usr')}\n") == []


def test_a_word_may_go_on_in_the_next_line() -> None:
    assert rules_of('SUBSYSTEM=="block", RU\\', 'N+="/bin/mount /dev/%k"') == [
        f'{USR}:1: RUN+="/bin/mount /dev/%k"'
    ]
    assert rules_of('SUBSYSTEM=="block", RUN+="/bin/mount" \\') == []


def test_only_a_certain_later_rule_takes_back() -> None:
    run = 'SUBSYSTEM=="block", RUN+="/usr/bin/anything"'
    assert offending(run, 'SUBSYSTEM=="block", RUN=""') == []
    assert offending(run, 'ENV{ID_SERIAL}=="mine", RUN=""') == [1]
    assert offending('SUBSYSTEM=="block", RUN:=""', run) == []
    assert offending('KERNEL=="sr0", RUN:=""', run) == [2]


def test_nearest_file_of_a_name_counts_in_the_order_of_names() -> None:
    assert effective(
        ["/etc/udev/rules.d/b.rules", "/usr/lib/udev/rules.d/a.rules", "/usr/lib/udev/rules.d/b.rules"]
    ) == ["/usr/lib/udev/rules.d/a.rules", "/etc/udev/rules.d/b.rules"]


def test_delivered_host_has_no_automounter() -> None:
    units = UNITS.parse(printed("units-systemd-252-delivered.txt"))
    assert (units.now, units.boot) == ([], [])


@pytest.mark.parametrize(
    ("command", "is_mounter"),
    [
        ("/usr/sbin/automount $OPTIONS", True),
        ("-/usr/bin/devmon", True),
        ("/usr/bin/systemd-mount --no-block /dev/sdb1", True),
        ("/bin/mount /dev/sdb1 /mnt", True),
        ("/bin/sh -c 'mount -o ro /dev/disk/by-id/usb-x /mnt'", True),
        ("/bin/umount /dev/sdb1", False),
        ("/bin/mount /dev/mapper/vg-data /data", False),
        ("/usr/bin/sleep infinity", False),
        ("/usr/lib/udisks2/udisksd", False),
        ("/usr/bin/my-automounted-thing", False),
    ],
)
def test_which_programs_mount_by_themselves(command: str, is_mounter: bool) -> None:
    assert mounter(command) is is_mounter


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("pulled\t/etc/systemd/system/dev-sdb1.device.wants/x.service\t../x.service", 1),
        ("pulled\t/etc/systemd/system/dev-ttyUSB0.device.wants/x.service\t../x.service", 0),
        (
            "pulled\t/etc/systemd/system/sys-subsystem-net-devices-eth0.device.wants/x.service\t../x.service",
            0,
        ),
        (
            "pulled\t/etc/systemd/system/dev-sdb1.device.wants/x.service\t/dev/null\n"
            "pulled\t/usr/lib/systemd/system/dev-sdb1.device.wants/x.service\t../x.service",
            0,
        ),
        ("line\t/etc/systemd/system/dev-sdb1.device.d/x.conf:2:Wants=x.service", 1),
        ("line\t/etc/systemd/system/dev-sdb1.device.d/x.conf:2:Wants=", 0),
    ],
)
def test_what_a_device_unit_pulls_in(rows: str, told: int) -> None:
    units = UNITS.parse(Output(f"{rows}\nend\n".encode(), b"", 0))
    assert (units.now, len(units.boot)) == ([], told)


def test_fstab_tells_no_password_and_only_what_mounts_itself() -> None:
    output = printed("mounts-systemd-252-fstab.txt")
    assert b"hunter2" not in output.stdout
    mounts = MOUNTS.parse(output)
    assert mounts.now == []
    assert mounts.boot == ["/etc/fstab:4: LABEL=STICK on /mnt/stick (nofail)"]


@pytest.mark.parametrize(
    ("entry", "itself"),
    [
        ("/dev/sr0\t/media/cdrom\tiso9660\t", True),
        ("/dev/sr0\t/media/cdrom\tiso9660\tnoauto", False),
        ("/dev/sr0\t/media/cdrom\tiso9660\tnoauto,x-systemd.automount", True),
        ("/dev/sr0\t/media/cdrom\tiso9660\tnoauto,comment=systemd.automount", True),
        ("/dev/sr0\t/media/cdrom\tiso9660\tnoauto,x-systemd.wanted-by=dev-sr0.device", True),
        ("/dev/sr0\t/media/cdrom\tiso9660\tnoauto,x-systemd.required-by=x.service", True),
        ("/dev/mmcblk1p1\t/data\tvfat\tnofail", True),
        ("/dev/usbstick1\t/data\tvfat\tnofail", True),
        ("/dev/nvme1n1p1\t/data\tvfat\tnofail", True),
        ("/dev/disk/by-id/ata-x\t/data\text4\tnofail", False),
        ("/dev/disk/by-id/ata-y\t/data\text4\tnofail", True),
        ("/dev/vg/data\t/data\text4\tnofail", False),
        ("UUID=1\t/data\text4\tnofail", False),
        ("UUID=2\t/data\text4\t", True),
        ("UUID=3\t/data\text4\t", False),
        ("UUID=3\t/data\text4\tnofail", True),
        ("UUID=2\t/\text4\t", False),
        ("tmpfs\t/tmp\ttmpfs\t", False),
        ("/dev/mapper/vg-data\t/data\text4\tnofail", False),
    ],
)
def test_which_entries_of_fstab_mount_a_medium_by_themselves(entry: str, itself: bool) -> None:
    none = 'PARTUUID="" LABEL="" PARTLABEL=""'
    devices = (
        "alias\t/dev/disk/by-id/ata-x\t/dev/vda1\n"
        f'device\tNAME="/dev/vda1" RM="0" TRAN="virtio" UUID="1" {none}\n'
        f'device\tNAME="/dev/sdb1" RM="0" TRAN="usb" UUID="2" {none}\n'
    )
    mounts = MOUNTS.parse(Output(f"fstab\t1\t{entry}\n{devices}end\n".encode(), b"", 0))
    assert bool(mounts.boot) is itself


@pytest.mark.parametrize(
    ("name", "known"),
    [("postfix-instance-generator", True), ("systemd-fstab-generator", True), ("mount-sticks", False)],
)
def test_generators_of_packages_are_known(name: str, known: bool) -> None:
    assert any(fnmatchcase(name, pattern) for pattern in GENERATORS.split()) is known


def test_gnome_s_settings_for_media() -> None:
    off = {"automount": "false", "automount-open": "false", "autorun-never": "true"}
    delivered = DESKTOP.parse(printed("desktop-gnome-43-defaults.txt"))
    assert [key.name for key in delivered.differing(off)] == list(off)
    assert DESKTOP.parse(printed("desktop-gnome-43-locked.txt")).differing(off) == []

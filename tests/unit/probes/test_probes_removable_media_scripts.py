"""Scripts of a host's own that mount a medium are found, and told where something starts them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.removable_media import SCRIPTS
from plumbline.probes.systemd import UnitsOnDisk

STICK = "/opt/plant/stick.sh"
UNIT, WANTS = "/etc/systemd/system/x.service", "/etc/systemd/system/multi-user.target.wants/x.service"
ENABLED = UnitsOnDisk(
    {"/usr/lib/systemd/system/default.target": None, UNIT: None, WANTS: UNIT},
    frozenset({"multi-user.target", "default.target"}),
)
DISABLED = UnitsOnDisk({"/usr/lib/systemd/system/default.target": None, UNIT: None}, ENABLED.targets)


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("mount /dev/sdb1 /mnt", 1),
        ("# mount /dev/sdb1 /mnt\n[ -b /dev/sdb1 ] && mount -o ro /dev/sdb1 /mnt", 2),
        ("mount -t vfat /dev/$1 /mnt", 1),
        ("DEV='/dev/disk/by-label/STICK'\nmount \"${DEV}\" /mnt", 2),
        ("for d in /dev/sd?1; do\nmount $d /mnt; done", 2),
        ("mount /media/usb", 1),
        ("while :; do /usr/local/bin/devmon; done", 1),
        ("nohup udiskie &", 1),
        ("mount | grep /dev/sda\nmountpoint /media/x\numount /media/usb\nmount -o remount,rw /srv", None),
        ("DISK=/dev/sda\nsmartctl -a $DISK\nmount /srv; ls $DISK", None),
        (': ${PRUNEFS="NFS nfs autofs iso9660"}\nmount -t tmpfs none /run/x', None),
    ],
)
def test_which_scripts_mount_a_medium(tmp_path: Path, script: str, line: int | None) -> None:
    file = tmp_path / "etc/cron.daily/own"
    file.parent.mkdir(parents=True)
    file.write_text(f"{script}\n")
    command = SCRIPTS.command.replace("/etc/cron.daily", f"{file.parent}")
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    mounting = SCRIPTS.parse(Output(done.stdout, b"", 0)).mounting
    assert (mounting[str(file)].number if str(file) in mounting else None) == line


@pytest.mark.parametrize(
    ("row", "on_disk", "told"),
    [
        (f"{UNIT}:2:ExecStart={STICK}", ENABLED, True),
        (f"{UNIT}:2:ExecStart={STICK}", DISABLED, False),
        (f"{UNIT}:2:  -c 'exec {STICK}'", ENABLED, True),
        (f"{UNIT}:2:Description={STICK}", ENABLED, False),
        (f"{UNIT}:2:ExecStart={STICK}.old", ENABLED, False),
        (f"{UNIT}:2:ExecStart=/srv{STICK}", ENABLED, False),
        (f"/etc/cron.d/x:1:* * * * * root {STICK}", DISABLED, True),
        (f"/etc/rc.local:3:{STICK} &", DISABLED, True),
    ],
)
def test_a_script_counts_where_something_starts_it(row: str, on_disk: UnitsOnDisk, told: bool) -> None:
    rows = f"mounts\t{STICK}:7:mount /dev/sdb1 /mnt\nstarts\t{row}\nend\n"
    found = SCRIPTS.parse(Output(rows.encode(), b"", 0)).started(on_disk)
    assert [one.endswith(f"({STICK}:7: mount /dev/sdb1 /mnt)") for one in found] == [True] * told


def test_a_script_that_cron_runs_by_its_place_needs_no_name() -> None:
    rows = b"mounts\t/etc/cron.hourly/stick:2:mount /dev/sdb1 /mnt\nend\n"
    found = SCRIPTS.parse(Output(rows, b"", 0)).started(DISABLED)
    assert found == ["/etc/cron.hourly/stick:2: mount /dev/sdb1 /mnt"]


def test_what_is_no_line_of_a_file_is_not_understood() -> None:
    with pytest.raises(ParseError):
        SCRIPTS.parse(Output(b"mounts\tmount\nend\n", b"", 0))

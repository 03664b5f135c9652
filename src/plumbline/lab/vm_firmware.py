"""The firmware's tables (SMBIOS) of a virtual machine that poses as a physical one."""

from __future__ import annotations

import struct
from pathlib import Path

_STRINGS = ("Example Firmware", "1.0", "01/02/2025")


def physical_firmware(path: Path) -> list[str]:
    """Write the table of the firmware itself to `path`; return qemu's words that take it, and name a maker.

    qemu's own table says that it is a virtual machine: bit 4 of the second extension byte of the BIOS
    characteristics (SMBIOS 3.x, 7.1.2.2), which systemd-detect-virt(1) believes.
    """
    path.write_bytes(_of_firmware())
    return [
        *("-smbios", f"file={path}"),
        *("-smbios", "type=1,manufacturer=Example Computers,product=Industrial PC,version=1.0"),
        *("-smbios", "type=2,manufacturer=Example Computers,product=Board"),
        *("-smbios", "type=3,manufacturer=Example Computers"),
    ]


def _of_firmware() -> bytes:
    """Return structure 0: its fixed part, then its strings, ended by an empty one."""
    characteristics_unknown, virtual_machine_no = 1 << 3, 0
    fixed = struct.pack(
        "<BBHBBHBBQBBBBBB",
        *(0, 24, 0, 1, 2, 0xE800, 3, 0, characteristics_unknown),
        *(0, virtual_machine_no, 1, 0, 0xFF, 0xFF),
    )
    return fixed + b"".join(text.encode() + b"\0" for text in _STRINGS) + b"\0"

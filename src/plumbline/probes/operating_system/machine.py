"""The machine beneath: its maker and firmware (DMI or device tree), processors, memory."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows

_FIELDS = {"now": 1, "dmi": 2, "firmware": 1, "processors": 1, "microcode": 1, "memory": 1, "blocks": 2}
_GIB = 1024**3
_DMI = "sys_vendor product_name product_version bios_vendor bios_version bios_date bios_release"

_COMMAND = rf"""
printf 'now\t%s\n' "$(date +%s)"
for name in {_DMI}; do
    value=
    {{ read -r value </sys/class/dmi/id/$name; }} 2>/dev/null
    [ -z "$value" ] || printf 'dmi\t%s\t%s\n' "$name" "$value"
done
if [ -r /proc/device-tree/model ]; then
    printf 'dmi\tproduct_name\t%s\n' "$(tr -d '\000' </proc/device-tree/model)"
fi
if [ -d /sys/firmware/efi ]; then printf 'firmware\tUEFI\n'; fi
printf 'processors\t%s\n' "$(getconf _NPROCESSORS_CONF)"
awk '/^microcode/ {{ print "microcode\t" $3; exit }}' /proc/cpuinfo
awk '/^MemTotal:/ {{ print "memory\t" $2 }}' /proc/meminfo
if read -r size </sys/devices/system/memory/block_size_bytes; then
    set -- /sys/devices/system/memory/memory[0-9]*
    printf 'blocks\t%s\t%s\n' $# "$size"
fi 2>/dev/null
{PRINT_END}
"""


@dataclass(frozen=True)
class Machine:
    """What a host tells of its machine at a time, in seconds since the epoch; texts may be empty.

    `processors` are those there are; `memory_gib` is the memory in GiB, which may be `less_gib` less or
    `more_gib` more.
    """

    now: float

    maker: str
    model: str
    firmware_maker: str
    firmware: str
    firmware_date: str
    uefi: bool
    processors: int
    memory_gib: float
    less_gib: float
    more_gib: float
    microcode: str

    @property
    def told(self) -> str:
        """The machine and its firmware in words, as far as they are told."""
        machine = " ".join(filter(None, (self.maker, self.model)))
        firmware = " ".join(filter(None, (self.firmware_maker, self.firmware, self.firmware_date)))
        return ", ".join(filter(None, (machine, firmware)))


def _memory(rows: Rows) -> tuple[float, float, float]:
    """Return the memory in GiB, and how much less and more it may be.

    Blocks of memory count what the kernel keeps for itself; the last one need not be whole, and one may lie
    apart. Without them there is only what the kernel has left for use, of which it keeps up to a fifth.
    """
    for count, size in rows["blocks"]:
        block = int(size, 16) / _GIB
        return int(count) * block, block, block
    usable = int(rows["memory"][0][0]) * 1024 / _GIB
    return usable, 0, usable / 4


def parse_machine(output: Output) -> Machine:
    """Parse the probe's rows."""
    rows = Rows(output, _FIELDS)
    dmi: dict[str, str] = {}
    for name, value in rows["dmi"]:
        dmi.setdefault(name, value.strip())
    if len(rows["processors"]) != 1 or len(rows["memory"]) != 1:
        raise ParseError("processors and memory are not told once each")
    memory, less, more = _memory(rows)
    ((now,),) = rows["now"]
    return Machine(
        now=float(now),
        maker=dmi.get("sys_vendor", ""),
        model=dmi.get("product_name", ""),
        firmware_maker=dmi.get("bios_vendor", ""),
        firmware=dmi.get("bios_version", ""),
        firmware_date=dmi.get("bios_date", ""),
        uefi=bool(rows["firmware"]),
        processors=int(rows["processors"][0][0]),
        memory_gib=memory,
        less_gib=less,
        more_gib=more,
        microcode=rows["microcode"][0][0] if rows["microcode"] else "",
    )


MACHINE: Probe[Machine] = Probe("operating_system.machine", _COMMAND, parse_machine)

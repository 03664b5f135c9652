"""On what the file systems lie: whether every way from a mount point down to a disk goes through dm-crypt.

Now is what the kernel has mapped and mounted (lsblk(8), dmsetup(8), proc(5)); at boot is what crypttab(5)
will open and fstab(5) or a mount unit will mount. Keys are never printed, only how long they are.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import DIRECTORIES

_UNITS = " ".join(f"{directory}/*.mount" for directory in DIRECTORIES)

_COMMAND = rf"""
for file in /sys/class/dmi/id/chassis_type; do
    [ ! -r $file ] || {{ read -r kind <$file; printf 'chassis\t%s\n' "$kind"; }}
done
if command -v lsblk >/dev/null; then
    lsblk -nPpo NAME,KNAME,PKNAME,TYPE,FSTYPE,UUID,PARTUUID,LABEL,PARTLABEL,RM,TRAN 2>/dev/null |
        sed 's/^/block\t/'
fi
if [ -e /dev/mapper/control ] && command -v dmsetup >/dev/null; then
    dmsetup table --target crypt 2>/dev/null | awk '$4 == "crypt" {{
        name = $1; sub(/:$/, "", name)
        bits = length($6) * 4
        if ($6 ~ /^:/) {{ split($6, key, ":"); bits = key[2] * 8 }}
        print "crypt\t" name "\t" $5 "\t" bits }}'
fi
awk '{{ for (i = 7; $i != "-" && i < NF; i++); print "mount\t" $5 "\t" $(i + 1) "\t" $(i + 2) }}' \
    /proc/self/mountinfo
# What is said not to be opened or mounted at boot is not.
[ ! -f /etc/crypttab ] || awk '!/^[ \t]*(#|$)/ && $4 !~ /(^|,)noauto(,|$)/ {{
    print "crypttab\t" FNR "\t" $1 "\t" $2 }}' /etc/crypttab
[ ! -f /etc/fstab ] || awk '!/^[ \t]*(#|$)/ && $3 != "swap" &&
    ($4 !~ /(^|,)noauto(,|$)/ || $4 ~ /x-systemd.automount/) {{
    print "fstab\t" FNR "\t" $1 "\t" $2 }}' /etc/fstab
[ ! -f /etc/fstab ] || awk '!/^[ \t]*(#|$)/ && $3 == "swap" && $4 !~ /(^|,)noauto(,|$)/ {{
    print "swap\t/etc/fstab:" FNR "\t" $1 }}' /etc/fstab
awk 'NR > 1 && $1 !~ /^\/dev\/zram/ {{ print "swap\t/proc/swaps\t" $1 }}' /proc/swaps 2>/dev/null
[ ! -f /etc/fstab ] || awk '$1 ~ /^\/dev\// {{ print $1 }}' /etc/fstab | while read -r source; do
    [ ! -L "$source" ] || printf 'link\t%s\t%s\n' "$source" "$(readlink -f "$source")"
done
for file in {_UNITS}; do
    [ ! -f "$file" ] || awk -F= '/^[ \t]*What[ \t]*=/ {{ sub(/^[^=]*=[ \t]*/, ""); what = $0 }}
        /^[ \t]*Where[ \t]*=/ {{ sub(/^[^=]*=[ \t]*/, ""); where = $0 }}
        END {{ print "unit\t" FILENAME "\t" what "\t" where }}' "$file"
done
{PRINT_END}
"""

_FIELDS = {
    "chassis": 1,
    "block": 1,
    "crypt": 3,
    "mount": 3,
    "crypttab": 3,
    "fstab": 3,
    "link": 2,
    "unit": 3,
} | {"swap": 2}

_PORTABLE = {8: "portable", 9: "laptop", 10: "notebook", 11: "hand held", 14: "sub-notebook"} | {
    30: "tablet",
    31: "convertible",
    32: "detachable",
}
"""Chassis types that are carried about (SMBIOS, table 17)."""

_NO_DISK = """
proc sysfs tmpfs devtmpfs devpts cgroup cgroup2 mqueue hugetlbfs securityfs pstore bpf efivarfs tracefs
debugfs configfs fusectl autofs binfmt_misc nsfs ramfs rpc_pipefs
"""
"""Types of file systems that keep nothing on a disk."""


@dataclass(frozen=True)
class Block:
    """A block device of lsblk(8) under one of its parents; `kind` is its TYPE: disk, part, crypt, lvm, …"""

    name: str
    kernel: str
    parent: str
    kind: str
    filesystem: str
    names: frozenset[str]
    removable: bool


@dataclass(frozen=True)
class Cipher:
    """How a dm-crypt device encrypts: the cipher as the kernel calls it, and the bits of its whole key."""

    name: str
    bits: int

    @property
    def told(self) -> str:
        """Cipher and bits, as a control's parameter has them."""
        return f"{self.name} {self.bits}"


@dataclass(frozen=True)
class Disks:
    """Block devices, crypt devices by name, mounts (mount point -> source), and the files for a boot.

    `swaps`: where the kernel may write memory to, now and after a boot, as place and source.
    """

    chassis: int | None
    blocks: list[Block]
    ciphers: dict[str, Cipher]
    mounts: dict[str, tuple[str, str]]
    crypttab: dict[str, int]
    at_boot: dict[str, tuple[str, str]]
    swaps: list[tuple[str, str]]

    @property
    def portable(self) -> str | None:
        """What kind of portable device this is by its firmware, None if it is none."""
        return _PORTABLE.get(self.chassis) if self.chassis is not None else None

    def mount_of(self, path: str) -> str:
        """Return the mount point that holds a path now."""
        return max((at for at in self.mounts if _holds(at, path)), key=len, default="/")

    def boot_mount_of(self, path: str) -> str:
        """Return the mount point that will hold a path after a boot."""
        return max((at for at in self.at_boot if _holds(at, path)), key=len, default="/")

    def mounts_in(self, path: str, others: Iterable[str]) -> list[str]:
        """Return the mount point that holds a path now, and those below it that no other path holds."""
        on_disk = [at for at in self.on_disk() if self.found(self.mounts[at][1])]
        return [self.mount_of(path), *_below(path, on_disk, others)]

    def boot_mounts_in(self, path: str, others: Iterable[str]) -> list[str]:
        """Return the same as it will be after a boot."""
        at_boot = [at for at, (_, source) in self.at_boot.items() if self.found(source)]
        return [self.boot_mount_of(path), *_below(path, at_boot, others)]

    def boot_source(self, at: str, depth: int = 0) -> tuple[str, str]:
        """Return place and source of what will be mounted there; of another directory that one's."""
        where, source = self.at_boot.get(at, ("/etc/fstab", "nothing"))
        if source.startswith("/") and not source.startswith("/dev/") and depth < 8:
            return where, self.boot_source(self.boot_mount_of(source), depth + 1)[1]
        return where, source

    def open_swaps(self) -> list[tuple[str, str, str]]:
        """Return place, source and device of swap below which nothing encrypts."""
        found = []
        for place, source in self.swaps:
            device = source
            if not source.startswith(("/dev/", "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=")):
                device = self.mounts[self.mount_of(source)][1]
            found += [(place, source, way) for way in self.open_ways(device)]
        return found

    def found(self, source: str) -> list[Block]:
        """Return the block device that fstab or the kernel calls so, once for each parent."""
        plain = source.replace('"', "")
        return [block for block in self.blocks if plain in block.names]

    def open_ways(self, source: str) -> list[str]:
        """Return the devices below which nothing encrypts, on the ways from a source down to its disks."""
        return self._open(self.found(source), 0)

    def _open(self, blocks: Iterable[Block], depth: int) -> list[str]:
        found = []
        for block in blocks:
            if block.kind == "crypt":
                continue
            parents = [other for other in self.blocks if other.kernel == block.parent]
            if not parents or depth > 16:
                found.append(block.name)
            else:
                found += self._open(parents, depth + 1)
        return list(dict.fromkeys(found))

    def crypts(self, source: str) -> list[str]:
        """Return the names of the crypt devices a source rests on."""
        found: list[str] = []
        waiting = self.found(source)
        for block in waiting:
            if block.kind == "crypt":
                found.append(block.name.rsplit("/", 1)[-1])
            else:
                waiting += [
                    other for other in self.blocks if other.kernel == block.parent and other not in waiting
                ]
        return list(dict.fromkeys(found))

    def on_disk(self) -> list[str]:
        """Return the mount points that lie on block devices or on something nobody here can follow."""
        return [at for at, (kind, _) in self.mounts.items() if kind not in _NO_DISK.split()]


def _below(path: str, mounts: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return what is mounted below a path, but for the system's own and what another path holds."""
    nearer = [other for other in others if other != path and _holds(path, other)]
    return [
        at
        for at in mounts
        if at != path
        and _holds(path, at)
        and not at.startswith(("/boot", "/efi"))
        and not any(_holds(other, at) for other in nearer)
    ]


def _holds(at: str, path: str) -> bool:
    return at in ("/", path) or path.startswith(f"{at}/")


def _block(line: str) -> Block:
    told = dict(word.split("=", 1) for word in shlex.split(line))
    names = {told["NAME"], told["KNAME"]}
    for tag in ("UUID", "PARTUUID", "LABEL", "PARTLABEL"):
        if told[tag]:
            names |= {f"{tag}={told[tag]}", f"/dev/disk/by-{tag.lower()}/{told[tag]}"}
    removable = told["RM"] == "1" or told["TRAN"] == "usb"
    return Block(
        told["NAME"], told["KNAME"], told["PKNAME"], told["TYPE"], told["FSTYPE"], frozenset(names), removable
    )


def _disks(output: Output) -> Disks:
    rows = Rows(output, _FIELDS)
    mounts = {_unescaped(at): (kind, _unescaped(source)) for at, kind, source in rows["mount"]}
    if "/" not in mounts:
        raise ParseError("mountinfo told no root")
    links = {link: target for link, target in rows["link"]}  # noqa: C416  (mypy wants the two fields)
    at_boot = {
        _unescaped(at): (f"/etc/fstab:{number}", links.get(source, source))
        for number, source, at in rows["fstab"]
        if at.startswith("/")
    }
    for file, what, where in rows["unit"]:
        if what and where:
            at_boot.setdefault(where, (file, what))
    return Disks(
        chassis=int(rows["chassis"][0][0]) if rows["chassis"] else None,
        blocks=[_block(line) for (line,) in rows["block"]],
        ciphers={name: Cipher(cipher, int(bits)) for name, cipher, bits in rows["crypt"]},
        mounts=mounts,
        crypttab={name: int(number) for number, name, _ in rows["crypttab"]},
        at_boot=at_boot,
        swaps=[(place, links.get(source, source)) for place, source in rows["swap"]],
    )


def _unescaped(path: str) -> str:
    """Return a path of mountinfo or fstab, which write spaces and the like in octal."""
    for written, meant in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        path = path.replace(written, meant)
    return path


DISKS = Probe("crypto.disks", _COMMAND, _disks)

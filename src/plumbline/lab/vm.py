"""A host of a lab as a virtual machine with a kernel of its own; emulated where there is no KVM."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.lab import partitions
from plumbline.lab.delivered import Place
from plumbline.lab.host import LabHost, control_socket
from plumbline.lab.hostfiles import write
from plumbline.lab.layers import mount_overlay, remove_tree, unmount_below
from plumbline.lab.network import attach_tap
from plumbline.lab.vm_firmware import physical_firmware
from plumbline.lab.vm_image import make_disk, make_overlay
from plumbline.lab.vm_recipe import KERNEL_WORDS

BOOT_SECONDS = 600.0
STOP_SECONDS = 180.0
ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.2

TO_RUN = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "mke2fs": "e2fsprogs"}
"""Program -> the Debian package it comes from."""


def check_vm_machine() -> None:
    """Raise PlumblineError with the first thing this machine lacks to run virtual machines."""
    for program, package in TO_RUN.items():
        if shutil.which(program) is None:
            raise PlumblineError(
                f"To run virtual machines, this machine lacks {program}.",
                hint=f"On Debian: apt-get install {package}",
            )
    if not Path("/dev/net/tun").exists():
        raise PlumblineError(
            "Virtual machines need tap interfaces, and this machine has no /dev/net/tun.",
            hint="Load it with `modprobe tun`, or use a kernel that has it.",
        )


def accelerator(*, hidden: bool = False) -> list[str]:
    """Return qemu's words for KVM where the processor's own virtualisation can be used, else for emulation.

    A /dev/kvm alone does not say so: without the processor's support (vmx, svm) machines hang on it. With
    `hidden` the processor does not tell the guest of the hypervisor.
    """
    hide = ",-hypervisor" if hidden else ""
    flags = re.search(r"^flags\s*:.*$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    supported = flags is not None and {"vmx", "svm"} & set(flags[0].split())
    if supported and os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ["-accel", "kvm", "-cpu", f"host{hide}"]
    return ["-accel", "tcg,thread=multi", "-cpu", f"max{hide}"]


@dataclass
class VmHost(LabHost):
    """A host with its own kernel. `layers` are disks by name below `directory`, each over the one after it.

    `kernel_words` are added to the kernel's command line when the machine is next started (`shut_down`, then
    `start`); a reboot keeps those it has. With `poses_as_physical` it then starts with a processor
    and firmware that tell of no hypervisor. Its files cannot be seen from this machine while it is up.
    """

    kernel_words: str = ""
    poses_as_physical: bool = False
    vcpus: int = 2
    memory_mib: int = 1024

    @property
    def pid(self) -> int | None:
        """The process id of the host's qemu; None when it does not run."""
        return self.cgroup.keeper

    def boot(self) -> tuple[int, int] | None:
        """Return what tells this boot from every other: qemu's process id, the guest's boot_id as a number.

        None when it does not run or does not let us in.
        """
        pid = self.pid
        if pid is None:
            return None
        words = ["cat", "/proc/sys/kernel/random/boot_id"]
        with contextlib.suppress(subprocess.TimeoutExpired, ValueError):
            done = subprocess.run(
                self.entry.command("root", *words, shared=False),
                check=False,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=ANSWER_SECONDS,
            )
            return pid, int(done.stdout.strip().replace("-", ""), 16)
        return None

    def prepare(
        self, place: Place, public_key: str, fill: Callable[[Path], None] = lambda _: None
    ) -> list[str]:
        """Make the disk that holds the shared image as this host is delivered; return its host keys."""
        keys = super().prepare(place, public_key, fill)
        work = self.directory / "work"
        mount_overlay(self.root, [self.image], self.directory / "delivered", work)
        try:
            fstab = partitions.fstab(self.partitions)
            write(self.root, "/etc/fstab", f"{fstab}/dev/vda / ext4 errors=remount-ro 0 1\n")
            make_disk(self.root, self._disk("delivered"))
        finally:
            unmount_below(self.root)
            shutil.rmtree(work)
            shutil.rmtree(self.directory / "delivered")
        return keys

    def start(self) -> None:
        """Start booting the machine; `wait` says when it is there. Nothing to do when it runs."""
        if self.running:
            return
        self.clear()
        top = self._disk("upper")
        if not top.exists():
            below = self.layers[0]
            make_overlay(top, self._disk(below), "raw" if below == "delivered" else "qcow2")
        partitions.copy(self._kept_partitions(self.layers[0]), self._partitions)
        for tap, bridge in self._taps().items():
            attach_tap(tap, bridge)
        self._launch(self._qemu())

    def _disk(self, layer: str) -> Path:
        return self.directory / f"{layer}.{'img' if layer == 'delivered' else 'qcow2'}"

    def _taps(self) -> dict[str, str | None]:
        """Return the taps of the machine's interfaces, in order, with the bridge each is on, if any."""
        return {f"vb-{self.machine}": self.bridge, **dict.fromkeys(self.extra_links, None)}

    def _qemu(self) -> list[str]:
        disks = [f"file={self._disk('upper')},format=qcow2"]
        names = ["root"]
        for mount in sorted(self.partitions):
            names.append(partitions.device(mount).rpartition("/")[2])
            disks.append(f"file={self._partitions / names[-1]}.img,format=raw")
        words = [
            *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
            *("-name", self.machine, "-machine", "q35", *accelerator(hidden=self.poses_as_physical)),
            *("-smp", str(self.vcpus), "-m", str(self.memory_mib)),
            *("-kernel", str(self.image / "vmlinuz"), "-initrd", str(self.image / "initrd.img")),
            *("-append", f"{KERNEL_WORDS} {self.kernel_words}".strip()),
            *("-chardev", f"file,id=console,path={self.log},append=on", "-serial", "chardev:console"),
            *("-qmp", f"unix:{control_socket(self.machine)},server=on,wait=off"),
            *("-device", "virtio-rng-pci"),
            *(physical_firmware(self.directory / "firmware.bin") if self.poses_as_physical else ()),
        ]
        for number, (disk, name) in enumerate(zip(disks, names, strict=True)):
            words += ["-drive", f"{disk},if=none,id=disk{number},cache=unsafe"]
            words += ["-device", f"virtio-blk-pci,drive=disk{number},serial={name}"]
        for number, tap in enumerate(self._taps()):
            words += ["-netdev", f"tap,id=net{number},ifname={tap},script=no,downscript=no"]
            mac = f"52:54:00:{int(self.entry.address) >> 8 & 0xFF:02x}:{int(self.entry.address) & 0xFF:02x}"
            words += ["-device", f"virtio-net-pci,netdev=net{number},romfile=,mac={mac}:{number:02x}"]
        return words

    def wait(self, seconds: float = BOOT_SECONDS, *, after: tuple[int, int] | None = None) -> str:
        """Wait until the machine has booted and SSH lets us in; return systemd's word on it.

        With `after`, a boot other than that one. Raises NotReachedError with the end of the console's log.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.entry.answers() and self.boot() not in (None, after):
                return self._settled(deadline)
            if not self.running:
                raise self._lost("has ended instead of booting")
            time.sleep(POLL_SECONDS)
        raise self._lost(f"did not answer within {seconds:g} s")

    def reboot(self, seconds: float = BOOT_SECONDS) -> str:
        """Shut the machine down, orderly, start it again and wait; return systemd's word on the new boot.

        A new process, for an emulated processor boots twice as fast in it as after a reset.
        """
        if not self.running:
            raise PlumblineError(f"{self.name} cannot be rebooted: it is not up.", hint="plumb lab up")
        self.shut_down()
        self.start()
        return self.wait(seconds)

    def shut_down(self) -> None:
        """Press the machine's power button; what has not ended in three minutes is ended."""
        self.entry.forget()
        if self.running:
            with contextlib.suppress(OSError, ValueError):
                self._tell_qemu("system_powerdown")
                self.cgroup.wait_empty(STOP_SECONDS)
        self.clear()

    def _tell_qemu(self, command: str) -> None:
        """Give qemu a command without arguments (its QMP: a line of JSON each way)."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(ANSWER_SECONDS)
            link.connect(str(control_socket(self.machine)))
            with link.makefile("rw") as lines:
                lines.readline()
                for word in ("qmp_capabilities", command):
                    lines.write(json.dumps({"execute": word}) + "\n")
                    lines.flush()
                    while not {"return", "error"} & set(json.loads(lines.readline())):
                        pass

    def drop_changes(self) -> None:
        """Throw away what was written since the topmost layer; the machine must not run."""
        self._disk("upper").unlink(missing_ok=True)
        remove_tree(self._partitions)

    def keep_changes(self, layer: str) -> None:
        """Make what was written since the topmost layer a layer of its own; the machine must not run."""
        self._disk("upper").rename(self._disk(layer))
        if self.partitions:
            self._partitions.rename(self._kept_partitions(layer))
        self.layers = [layer, *self.layers]

"""Kernel modules that controls keep out: not in the kernel now, and not to be loaded later."""

from __future__ import annotations

from plumbline.verify import mechanism


@mechanism("modules_disabled")
def test_module_is_not_in_the_kernel_now(host, setting):
    """The kernel module is not in the kernel now."""
    assert host.kernel_modules.present(setting.key) == []


@mechanism("modules_disabled")
def test_module_cannot_be_loaded(host, setting):
    """Whatever asks for the kernel module to be loaded is refused, also after the next boot."""
    assert host.kernel_modules.ways_in(setting.key) == []

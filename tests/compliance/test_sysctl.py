"""Kernel settings of every control: as they are now, and as the next boot will set them."""

from __future__ import annotations

from plumbline.verify import mechanism
from plumbline.verify.seen import Each


@mechanism("sysctl")
def test_kernel_setting_now(host, setting):
    """The kernel setting has an accepted value now."""
    required = Each(setting.accepts)
    assert required.outside(host.sysctl.now(setting.key)) in required


@mechanism("sysctl")
def test_kernel_setting_at_boot(host, setting):
    """The kernel setting will have an accepted value after the next boot."""
    required = Each(setting.accepts)
    assert required.outside(host.sysctl.boot(setting.key)) in required

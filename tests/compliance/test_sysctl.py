"""Kernel settings of every control: as they are now, and as the next boot will set them."""

from __future__ import annotations

from plumbline.verify import Unknown, mechanism
from plumbline.verify.seen import Each


@mechanism("sysctl")
def test_kernel_setting_now(host, setting):
    """The kernel setting has an accepted value now."""
    required = Each(setting.accepts)
    outside = required.outside(host.sysctl.now(setting.key))
    if outside and host.system.is_container and not setting.key.startswith("net."):
        raise Unknown(
            "{key} is the machine's, not this container's; look at the machine that carries it",
            key=setting.key,
        )
    assert outside in required


@mechanism("sysctl")
def test_kernel_setting_at_boot(host, setting):
    """The kernel setting will have an accepted value after the next boot."""
    required = Each(setting.accepts)
    assert required.outside(host.sysctl.boot(setting.key)) in required

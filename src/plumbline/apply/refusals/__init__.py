"""Reasons not to change a host that stands badly, each told before anything is touched, with what to do."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pyinfra.api.host import Host

from plumbline.apply.refusals.about import About
from plumbline.apply.refusals.directory import refuse_unreachable_directory
from plumbline.apply.refusals.disk import refuse_full_disk, refuse_read_only
from plumbline.apply.refusals.packages import refuse_half_installed, refuse_locked_packages
from plumbline.apply.refusals.reboot import refuse_owed_reboot
from plumbline.apply.refusals.ssh import refuse_broken_sshd, refuse_shut_sshd
from plumbline.apply.refusals.standing import HowItStands, Standing
from plumbline.policy.standard import DesiredState

__all__ = ["About", "HowItStands", "Standing", "refuse_change", "refuse_standing_badly"]


REFUSALS: tuple[Callable[[Standing, About], None], ...] = (
    refuse_broken_sshd,
    refuse_shut_sshd,
    refuse_read_only,
    refuse_full_disk,
    refuse_locked_packages,
    refuse_half_installed,
    refuse_owed_reboot,
    refuse_unreachable_directory,
)
"""Asked of every host on which something is to change, in this order; each raises RefusedError."""


def refuse_change(standing: Standing, about: About) -> None:
    """Raise RefusedError, with what to do, if this host must not be changed as it stands."""
    for refuse in REFUSALS:
        refuse(standing, about)


def refuse_standing_badly(host: Host, desired: DesiredState, about: About, packages: Collection[str]) -> None:
    """Look how a connected host stands, in one command, and refuse it if that is badly.

    `packages` are those that would be installed. Only where logons by the directory are to be set up does the
    host try to reach it.
    """
    directory = desired.site.active_directory if "directory" in about.subjects else None
    ground = about.ground
    standing = host.get_fact(
        HowItStands,
        login=about.login,
        client=ground.client,
        server=ground.server,
        port=ground.port,
        packages=sorted(packages),
        controllers=[str(name) for name in directory.controllers] if directory else [],
        resolvers=[str(server) for server in desired.site.dns] if directory else [],
    )
    refuse_change(standing, about)

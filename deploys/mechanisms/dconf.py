"""GNOME's settings for every user: dconf's system database `local`, with locks (dconf(7))."""

from __future__ import annotations

import posixpath
from collections.abc import Generator, Mapping

from pyinfra.api.command import StringCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations.util import any_changed

from deploys.mechanisms.files import whole_file
from plumbline.apply.telling import tell_touches

PROFILE = "/etc/dconf/profile/user"
DATABASE = "/etc/dconf/db/local.d"


class Gnome(FactBase[bool]):
    """Whether GNOME, its file manager or another program with settings of its kind is installed."""

    def command(self) -> str:
        """Return the command."""
        return (
            "if command -v gnome-shell || command -v nautilus || command -v light-locker; then echo yes; fi"
        )

    @staticmethod
    def default() -> bool:
        """Return what no output means."""
        return False

    def process(self, output: list[str]) -> bool:
        """Parse the answer."""
        return "yes" in output


@operation(is_idempotent=False)
def _dconf_updated() -> Generator[StringCommand, None, None]:
    tell_touches(paths=[posixpath.dirname(DATABASE)])
    yield StringCommand("dconf update")


def locked_settings(subject: str, settings: Mapping[str, Mapping[str, str]]) -> None:
    """Give GNOME's users these settings (schema path -> key -> value as GVariant), and lock them.

    Nothing is done where there is neither GNOME nor light-locker.
    """
    if not host.get_fact(Gnome):
        return
    head = "# Written by Plumbline; the whole file is replaced when it differs.\n"
    keys = "".join(
        f"[{path}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
        for path, values in settings.items()
    )
    locks = "".join(f"/{path}/{key}\n" for path, values in settings.items() for key in values)
    written = [
        whole_file(PROFILE, "user-db:user\nsystem-db:local\n"),
        whole_file(f"{DATABASE}/zz-plumbline-{subject}", head + keys),
        whole_file(f"{DATABASE}/locks/zz-plumbline-{subject}", head + locks),
    ]
    _dconf_updated(name="Compile the settings of GNOME", _if=any_changed(*written))

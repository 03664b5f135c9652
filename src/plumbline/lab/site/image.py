"""The root image of each machine of the site: the lab's Debian with the packages of its servers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from plumbline.lab import image, recipe
from plumbline.lab.site import names, servers

# The hosts' package source is empty here: nothing is installed on these machines once they are made.
HOOKS = ('mkdir -p "$1/var/cache/lab/packages" && rm -f "$1"/var/cache/apt/archives/*.deb',)


RELEASE = "bookworm"
"""What the machines run, whatever the hosts do."""


def ensure_site_image(machine: str, tell: Callable[[str], None]) -> Path:
    """Return the root directory of a machine's image, built as `image.ensure_image` does.

    It has the packages of every server the machine may carry, so that all choices of servers share it.
    """
    more = packages(machine)
    made_of = [
        RELEASE,
        recipe.PACKAGES,
        recipe.LOCALES,
        recipe.USERS,
        recipe.FILES,
        recipe.MASKED,
        HOOKS,
        more,
    ]
    code = Path(image.__file__).read_bytes()
    digest = hashlib.sha256(json.dumps(made_of).encode() + code).hexdigest()[:12]
    return image.cached(
        f"{RELEASE}-{machine}-{digest}",
        RELEASE,
        lambda root, log: image.build(RELEASE, root, log, more, hooks=HOOKS),
        tell,
    )


def packages(machine: str) -> list[str]:
    """Return what is installed on a machine beside what every host of the lab has."""
    wanted = {package for server in servers.on(machine).values() for package in server.PACKAGES}
    return sorted(wanted | set(names.PACKAGES))

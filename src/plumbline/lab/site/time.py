"""The site's time: chrony, which takes the machine's clock for right and tells it to the lab's network.

Its hosts prove it by the key `time.key.1`, or by NTS. It never touches the clock (`-x`); `chronyc settime` on
its machine shifts what it tells.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from plumbline.lab.host import LabHost
from plumbline.lab.hostfiles import write
from plumbline.lab.site.place import SitePlace, run_in

PACKAGES: tuple[str, ...] = ("chrony", "systemd-timesyncd-")
UNITS: tuple[str, ...] = ("chrony.service",)
MASKED: tuple[str, ...] = ()
AFTER: tuple[str, ...] = ()

KEY, ALGORITHM = 1, "SHA256"

_KEYS = "/etc/chrony/chrony.keys"
_CERTIFICATE, _PRIVATE = "/etc/chrony/nts.pem", "/etc/chrony/nts.key"


def configure(root: Path, place: SitePlace) -> None:
    """Let chrony serve the lab's network from its own clock."""
    write(
        root,
        "/etc/chrony/chrony.conf",
        f"local stratum 3\nmanual\nallow {place.network}\ndriftfile /var/lib/chrony/drift\nkeyfile {_KEYS}\n"
        f"ntsdumpdir /var/lib/chrony\nntsservercert {_CERTIFICATE}\nntsserverkey {_PRIVATE}\n",
    )
    digits = place.secret(f"time.key.{KEY}", lambda: secrets.token_hex(32))
    write(root, _KEYS, f"{KEY} {ALGORITHM} HEX:{digits}\n", 0o640)
    run_in(root, "chown", "root:_chrony", _KEYS)
    place.certify(root, "time", _CERTIFICATE, _PRIVATE, owner="_chrony")


def ready(host: LabHost, place: SitePlace) -> bool:
    """Tell whether chrony calls itself synchronised."""
    return host.entry.run("chronyc -c tracking", check=False).stdout.partition(",")[0] == "7F7F0101"


def declare(site: dict[str, Any], place: SitePlace) -> None:
    """Name it as the site's only source, with its key."""
    site["time_sources"] = [{"address": place.name("time"), "key": KEY, "algorithm": ALGORITHM}]

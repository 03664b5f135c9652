"""The site's mirror: packages and antivirus signatures over HTTPS, in place of the makers' own servers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from plumbline.lab.host import LabHost
from plumbline.lab.hostfiles import write
from plumbline.lab.layers import make_directory
from plumbline.lab.signatures import HASHES
from plumbline.lab.site.place import SitePlace

PACKAGES: tuple[str, ...] = ("nginx-light",)
UNITS: tuple[str, ...] = ("nginx.service",)
MASKED: tuple[str, ...] = ()
AFTER: tuple[str, ...] = ()

SIGNATURES = "clamav"
DATABASE = "lab.hdb"
_ROOT = "/srv/mirror"
_CERTIFICATE, _KEY = "/etc/nginx/lab.pem", "/etc/nginx/lab.key"

_NGINX = f"""\
server {{
    listen 443 ssl;
    ssl_certificate {_CERTIFICATE};
    ssl_certificate_key {_KEY};
    ssl_protocols TLSv1.2 TLSv1.3;
    root {_ROOT};
}}
"""


def configure(root: Path, place: SitePlace) -> None:
    """Put the lab's signatures and packages below one directory, served over TLS."""
    write(root, "/etc/nginx/sites-available/default", _NGINX)
    write(root, f"{_ROOT}/{SIGNATURES}/{DATABASE}", HASHES)
    place.certify(root, "mirror", _CERTIFICATE, _KEY)
    packages = root / _ROOT.lstrip("/") / "packages"
    if place.packages.is_dir():
        make_directory(packages)
        for file in place.packages.iterdir():
            shutil.copy(file, packages)


def ready(host: LabHost, place: SitePlace) -> bool:
    """Tell whether the signatures can be had, with the mirror's certificate verified."""
    import ssl
    import urllib.error
    import urllib.request

    trust = ssl.create_default_context(cadata=place.authority.pem)
    try:
        with urllib.request.urlopen(
            f"https://{host.address}/{SIGNATURES}/{DATABASE}", timeout=5, context=trust
        ) as answer:
            return bool(answer.read() == HASHES.encode())
    except (OSError, urllib.error.URLError):
        return False


def declare(site: dict[str, Any], place: SitePlace) -> None:
    """Let ClamAV take the lab's signatures from the mirror; packages stay where hosts have them."""
    site["antivirus"] = {
        **site["antivirus"],
        "mirror": f"https://{place.name('mirror')}/{SIGNATURES}",
        "databases": [DATABASE],
        "ca": place.authority.pem,
    }

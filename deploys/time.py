"""Time on Linux: chrony asks the site's sources and no others, and no other time service runs."""

from __future__ import annotations

from pyinfra.api.exceptions import OperationError

from deploys.mechanisms.files import whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.units import unit_masked, unit_on, unit_restarted
from plumbline.policy.standard import DesiredState

FILE = "/etc/chrony/chrony.conf"
DEFAULTS = "/etc/default/chrony"

OPTIONS = """\
# Written by Plumbline; the whole file is replaced when it differs. chronyd reads its own configuration alone.
DAEMON_OPTS="-F 1"
"""

OTHERS = ("systemd-timesyncd.service", "ntp.service", "ntpsec.service", "openntpd.service")

HEAD = """\
# Written by Plumbline from the site's time sources; the whole file is replaced when it differs.
# No sourcedir and no confdir: what DHCP or a package drops there would be asked as well.
"""

FOOT = """\
# Serves nobody, and is asked by chronyc at its socket alone.
port 0
cmdport 0
driftfile /var/lib/chrony/chrony.drift
ntsdumpdir /var/lib/chrony
keyfile /etc/chrony/chrony.keys
logdir /var/log/chrony
maxupdateskew 100.0
rtcsync
makestep 1 3
"""


def apply(desired: DesiredState) -> None:
    """Install chrony with the site's sources and mask the other time services."""
    values = desired.controls["time-from-site"].values
    if values["services"] != ["chrony.service"]:
        raise OperationError(
            "hosts can be given chrony only; take the parameter `services` out of the specification"
        )
    sources = values["sources"]
    if not isinstance(sources, list):
        raise TypeError("sources is a list")
    installed = packages(["chrony"])
    content = HEAD + "".join(f"server {source} iburst\n" for source in sources) + FOOT
    written = whole_file(FILE, content, check="chronyd -p -f {} >/dev/null")
    options = whole_file(DEFAULTS, OPTIONS)
    for unit in OTHERS:
        unit_masked(unit)
    unit_on("chrony.service")
    unit_restarted("chrony.service", when=[installed, written, options])

"""Time on Linux: chrony asks the site's sources and no others, and no other time service runs.

Sources prove who they are as the site declares it: by NTS, whose issuers go into a file beside chrony's
configuration, or by a key, which is the secret `time.key.<number>`, as hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyinfra.api.exceptions import OperationError

from deploys.mechanisms.files import no_file, secret_file, whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.printed import lines
from deploys.mechanisms.units import unit_masked, unit_on, unit_restarted, waited_for
from plumbline.errors import UsageError
from plumbline.policy.standard import DesiredState
from plumbline.secrets import secret
from plumbline.spec.site import TimeSource

FILE = "/etc/chrony/chrony.conf"
DEFAULTS = "/etc/default/chrony"
KEYS = "/etc/chrony/chrony.keys"
ISSUERS = "/etc/chrony/plumbline-issuers.pem"
KEY_BYTES = {"AES128": 16, "AES256": 32}
"""How long a key must be; those of a hash may have any length from this project's least."""
LEAST_KEY_BYTES = 16
FOLLOWS = "chronyc -h /run/chrony/chronyd.sock -c -N sources | grep -q '^^,[*]'"
"""Succeeds when the clock follows a source."""

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
    if "time-from-site" not in desired.controls:
        return
    if desired.controls["time-from-site"].values["services"] != ["chrony.service"]:
        raise OperationError(
            "hosts can be given chrony only; take the parameter `services` out of the specification"
        )
    clocks = desired.site.clocks
    installed = packages(["chrony"])
    issuers = "".join(dict.fromkeys(clock.ca for clock in clocks if clock.ca))
    trusted = whole_file(ISSUERS, issuers) if issuers else no_file(ISSUERS)
    keys = secret_file(KEYS, _keys(clocks), mode="0640", group="_chrony")
    written = whole_file(FILE, configuration(clocks), check="chronyd -p -f {} >/dev/null")
    options = whole_file(DEFAULTS, OPTIONS)
    for unit in OTHERS:
        unit_masked(unit)
    unit_on("chrony.service")
    followed = lines(f"{FOLLOWS} && echo so")
    changes = [installed, keys, trusted, written, options]
    unit_restarted("chrony.service", when=changes)
    if followed:
        # What comes after judges the clock, which was right until now.
        waited_for(FOLLOWS, 25, what="the clock follows a source again", when=changes)


def configuration(clocks: Sequence[TimeSource]) -> str:
    """Return chrony.conf for the sources."""
    lines = [f"server {clock.address} iburst{_proof(clock)}\n" for clock in clocks]
    if any(clock.ca for clock in clocks):
        lines.append(f"ntstrustedcerts {ISSUERS}\n")
    return HEAD + "".join(lines) + FOOT


def _proof(clock: TimeSource) -> str:
    if clock.nts:
        return " nts"
    return "" if clock.key is None else f" key {clock.key}"


def _keys(clocks: Sequence[TimeSource]) -> Callable[[], str]:
    """Return what makes the file of keys, once each; UsageError for one that is no key of its algorithm."""
    wanted = {clock.key: clock.algorithm for clock in clocks if clock.key is not None}

    def content() -> str:
        lines = [f"{number} {kind} HEX:{_key(number, kind)}\n" for number, kind in wanted.items()]
        return "# Written by Plumbline; the whole file is replaced when it differs.\n" + "".join(lines)

    return content


def _key(number: int, algorithm: str) -> str:
    digits = secret(f"time.key.{number}").reveal().strip()
    try:
        length = len(bytes.fromhex(digits))
    except ValueError:
        length = 0
    if length != KEY_BYTES.get(algorithm, length) or length < LEAST_KEY_BYTES:
        wanted = f"{2 * KEY_BYTES.get(algorithm, LEAST_KEY_BYTES)} hexadecimal digits"
        at_least = "" if algorithm in KEY_BYTES else ", or more"
        raise UsageError(f"The secret time.key.{number} is no key for {algorithm}: write {wanted}{at_least}.")
    return digits

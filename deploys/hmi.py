"""The operator visualisation on Linux: X and one application as a service, and every key out of it closed.

The service opens a session of the operator's account on the first virtual terminal, starts X there without
root's rights, and in it the declared application alone; when anything of it ends, all of it is started anew.
What a supplier or an administrator brought beside it (terminals, sessions, files of the account) stays: the
checks name it, and a person decides.
"""

from __future__ import annotations

import json
import shlex

from pyinfra.api.operation import OperationMeta
from pyinfra.context import host

from deploys.mechanisms.accounts import service_account
from deploys.mechanisms.aside import masked_file
from deploys.mechanisms.files import WholeFile, whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.printed import paths
from deploys.mechanisms.units import daemon_reloaded, unit_masked, unit_off, unit_on, unit_restarted
from plumbline.policy.accepts import Value
from plumbline.policy.standard import DesiredState
from plumbline.probes.hmi.browser import CHROMIUM, FIREFOX, Browser, browser_of
from plumbline.spec.kiosk import Kiosk

PACKAGES = ("libpam-systemd", "xauth", "xinit", "xserver-xorg-core", "xserver-xorg-input-libinput")
UNIT = "plumbline-kiosk.service"
HOME = "/var/lib/plumbline-kiosk"
SERVER = "/usr/bin/Xorg :0 vt1 -keeptty -nolisten tcp -auth ${XAUTHORITY} -s 0 -dpms"
HEAD = "# Written by Plumbline; the whole file is replaced when it differs.\n"

PAM = f"""{HEAD}# The service opens this session; nobody logs on through it.
auth     required pam_deny.so
account  required pam_unix.so
session  required pam_limits.so
session  required pam_systemd.so
"""
XORG = f"""{HEAD}# Its name sorts after other files: of one option the last counts.
Section "ServerFlags"
    Option "DontVTSwitch" "true"
    Option "DontZap" "true"
EndSection
"""
GETTYS = ("getty@.service", "autovt@.service", "serial-getty@.service", "container-getty@.service")
_RUNNING_GETTYS = (
    "systemctl list-units --no-legend --plain --state=active "
    "'getty@*.service' 'autovt@*.service' 'serial-getty@*.service' 'container-getty@*.service' | "
    "awk '{print \"/\" $1}'"
)


def apply(desired: DesiredState) -> None:
    """Set the declared visualisation up; a host without one has nothing to set."""
    held, kiosk = desired.subject("hmi"), desired.host.kiosk
    if kiosk is None:
        return
    changed = [_close_keys(kiosk)] if "kiosk-keys-closed" in held else []
    if browser := browser_of(kiosk.words):
        if "kiosk-browser-closed" in held and browser.kind == "chromium":
            _close_chromium(browser, kiosk, held["kiosk-browser-closed"].values["chromium_policies"])
        elif "kiosk-browser-closed" in held:
            _close_firefox(browser, kiosk, held["kiosk-browser-closed"].values["firefox_policies"])
    if "kiosk-application-only" in held and not _has_own_service(kiosk):
        seconds = held["kiosk-recovers"].values["restart_seconds"] if "kiosk-recovers" in held else 2
        _start_application(kiosk, int(str(seconds)), changed)


def _has_own_service(kiosk: Kiosk) -> bool:
    """Say whether a unit that is not ours starts the session: the supplier's own way stays."""
    user = shlex.quote(rf"^[[:space:]]*User[[:space:]]*=[[:space:]]*{kiosk.user}[[:space:]]*$")
    found = paths(
        f"grep -lE {user} /etc/systemd/system/*.service /etc/systemd/system/*.service.d/*.conf "
        "/usr/local/lib/systemd/system/*.service /usr/lib/systemd/system/*.service"
    )
    return any(not path.endswith(f"/{UNIT}") for path in found)


def _close_keys(kiosk: Kiosk) -> OperationMeta:
    """Close the keys now and at boot; returns what X takes only when it starts."""
    x = whole_file("/etc/X11/xorg.conf.d/zz-plumbline-hmi.conf", XORG)
    logind = whole_file(
        "/etc/systemd/logind.conf.d/zz-plumbline-hmi.conf",
        f"{HEAD}[Login]\nNAutoVTs=0\nReserveVT=0\n"
        "# What is left of the operator's session when it ends would keep the next one from starting.\n"
        f"KillUserProcesses=yes\nKillOnlyUsers={kiosk.user}\n",
    )
    manager = whole_file(
        "/etc/systemd/system.conf.d/zz-plumbline-hmi.conf", f"{HEAD}[Manager]\nCtrlAltDelBurstAction=none\n"
    )
    unit_masked("ctrl-alt-del.target")
    unit_masked("console-getty.service")
    for unit in paths(_RUNNING_GETTYS):
        unit_off(unit.removeprefix("/"))
    masked = [masked_file(f"/etc/systemd/system/{unit}") for unit in GETTYS if not _written_here(unit)]
    unit_restarted("systemd-logind.service", when=[logind])
    daemon_reloaded(when=[manager, *masked])
    return x


def _written_here(unit: str) -> bool:
    """Say whether an administrator wrote this template himself; it cannot be masked then, and stays."""
    return host.get_fact(WholeFile, path=f"/etc/systemd/system/{unit}").kind == "file"


def _start_application(kiosk: Kiosk, seconds: int, changed: list[OperationMeta]) -> None:
    installed = packages(PACKAGES)
    account = service_account(kiosk.user, HOME)
    pam = whole_file("/etc/pam.d/plumbline-kiosk", PAM)
    unit = whole_file(f"/etc/systemd/system/{UNIT}", unit_text(kiosk, seconds))
    daemon_reloaded(when=[unit])
    unit_on(UNIT)
    unit_restarted(UNIT, when=[installed, account, pam, unit, *changed])


def unit_text(kiosk: Kiosk, seconds: int) -> str:
    """Return the service: a session of the operator's account with X and the application in it."""
    command = " ".join(_quoted(word) for word in kiosk.words)
    return f"""{HEAD}[Unit]
Description=Operator visualisation
After=systemd-user-sessions.service systemd-logind.service
Conflicts=getty@tty1.service
StartLimitIntervalSec=0

[Service]
User={kiosk.user}
PAMName=plumbline-kiosk
TTYPath=/dev/tty1
TTYReset=yes
TTYVHangup=yes
TTYVTDisallocate=yes
StandardInput=tty
StandardOutput=journal
UtmpIdentifier=tty1
UtmpMode=user
Environment=XDG_SESSION_TYPE=x11 XAUTHORITY=/run/plumbline-kiosk/authority
RuntimeDirectory=plumbline-kiosk
RuntimeDirectoryMode=0700
StateDirectory=plumbline-kiosk
StateDirectoryMode=0700
WorkingDirectory=~
ExecStartPre=/bin/sh -c 'echo "add :0 . $$(mcookie)" | xauth -q'
ExecStart=/usr/bin/xinit {command} -- {SERVER}
Restart=always
RestartSec={seconds}

[Install]
WantedBy=multi-user.target
"""


def _quoted(word: str) -> str:
    """Return a word as systemd reads it back (systemd.service(5), COMMAND LINES)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or " " in word or "'" in word or ";" in word else word


def _close_chromium(browser: Browser, kiosk: Kiosk, policies: Value) -> None:
    wanted = _policies(policies)
    wanted |= {
        "URLAllowlist": browser.addresses(kiosk.addresses),
        "URLBlocklist": ["*", "chrome://*", "file://*"],
    }
    whole_file(f"{CHROMIUM[browser.name]}/zz-plumbline-kiosk.json", _json(wanted))


def _close_firefox(browser: Browser, kiosk: Kiosk, policies: Value) -> None:
    wanted = _policies(policies)
    wanted["WebsiteFilter"] = {"Block": ["<all_urls>"], "Exceptions": browser.addresses(kiosk.addresses)}
    whole_file(f"{FIREFOX[browser.name][0]}/policies/policies.json", _json({"policies": wanted}))


def _policies(lines: Value) -> dict[str, object]:
    """Return what lines `Name=value` say, the values being JSON."""
    if not isinstance(lines, list):
        raise TypeError("policies are a list")
    return {name: json.loads(text) for name, _, text in (line.partition("=") for line in lines)}


def _json(content: dict[str, object]) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"

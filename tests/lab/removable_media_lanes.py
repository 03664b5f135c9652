"""The sabotages of removable media in lanes, with those of desktops, so that several are tried at once."""

from __future__ import annotations

from lanes import Sabotage
from removable_media_sabotage import CASES as SERVICES_AND_RULES
from removable_media_sabotage import MOUNTS_BOOT, MOUNTS_NOW, RULES, RUNS, STARTS

DESKTOP = {"desktop_mounts_and_starts_nothing"}
XDG = "/etc/xdg"
VOLMAN = f"{XDG}/xfce4/xfconf/xfce-perchannel-xml/thunar-volman.xml"
AUTOMOUNTER = "/usr/lib/x86_64-linux-gnu/qt5/plugins/kf5/kded/device_automounter.so"


def desktop(program: str, files: dict[str, str]) -> tuple[str, str]:
    """Install a program that does nothing but be there, with its settings."""
    texts = {program: "x", **files}
    made = "; ".join(f"mkdir -p $(dirname {at}); printf '%b' '{text}' >{at}" for at, text in texts.items())
    return f"{made}; chmod +x {program}", f"rm {' '.join(texts)}"


def kde(files: dict[str, str]) -> tuple[str, str]:
    """Install Plasma's device automounter with such files."""
    return desktop(AUTOMOUNTER, {f"{XDG}/{name}": text for name, text in files.items()})


def xfce(attributes: str, media: str) -> tuple[str, str]:
    """Install Xfce's volume manager with such a channel."""
    channel = (
        f'<channel name="thunar-volman" version="1.0" {attributes}>\\n'
        '<property name="automount-media" type="empty">\\n'
        f'<property name="enabled" type="bool" value="{media}"/></property>\\n</channel>\\n'
    )
    return desktop("/usr/bin/thunar-volman", {VOLMAN: channel})


LOCKED = 'locked="*" unlocked="root"'

DESKTOPS: dict[str, tuple[tuple[str, str], set[str]]] = {
    "plasma_mounts_if_users_say_so": (kde({}), DESKTOP),
    "plasma_mounts_nothing": (
        kde({"kded_device_automounterrc": "[$i]\\n[General]\\nAutomountEnabled=false\\n"}),
        set(),
    ),
    "plasma_does_not_load_its_automounter": (
        kde({"kded5rc": "[Module-device_automounter][$i]\\nautoload=false\\n"}),
        set(),
    ),
    "plasma_mounts_one_device": (
        kde(
            {
                "kded_device_automounterrc": "[$i]\\n[General]\\nAutomountEnabled=false\\n"
                "[Devices][/org/kde/x]\\nForceAttachAutomount=true\\n"
            }
        ),
        DESKTOP,
    ),
    "xfce_mounts_if_users_say_so": (xfce("", "false"), DESKTOP),
    "xfce_mounts_nothing": (xfce(LOCKED, "false"), set()),
    "xfce_mounts": (xfce(LOCKED, "true"), DESKTOP),
}

CASES = SERVICES_AND_RULES | DESKTOPS

_LANES = {
    "rules": RULES,
    "services": RUNS | STARTS,
    "mounts": MOUNTS_NOW | MOUNTS_BOOT,
    "desktop": DESKTOP,
}
_QUIET = {
    "rule": "rules",
    "file": "rules",
    "later": "rules",
    "auto": "services",
    "fstab": "mounts",
    "plasma": "desktop",
    "xfce": "desktop",
}
"""Where cases belong that must not be seen, by the first word of their names."""

_ALONE = ("automount_unit_is_enabled_behind_systemd_s_back",)


def _lane(name: str, expected: set[str]) -> str:
    if not expected:
        return next(lane for word, lane in _QUIET.items() if name.startswith(word))
    (lane,) = (lane for lane, checks in _LANES.items() if expected <= checks)
    return lane


def full(checks: set[str]) -> set[str]:
    """Return checks with their control before them."""
    return {f"autorun-off:{check}" for check in checks}


EXPECTED = {name: full(expected) for name, (_, expected) in CASES.items()}
LANES: dict[str, dict[str, Sabotage]] = {}
ALONE: dict[str, Sabotage] = {}
for _name, ((_wrong, _right), _expected) in CASES.items():
    _to = ALONE if _name in _ALONE else LANES.setdefault(_lane(_name, _expected), {})
    _to[_name] = Sabotage(_wrong, _right, full(_expected))

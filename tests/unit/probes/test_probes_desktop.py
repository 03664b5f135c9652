"""Plasma's and Xfce's settings are read as the programs read them, from files as they write them."""

from __future__ import annotations

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.desktop import Desktop, Key, kde, xfce
from plumbline.probes.limit import NEVER
from plumbline.probes.removable_media import DESKTOP as MEDIA
from plumbline.probes.session import DESKTOP as SCREEN
from plumbline.verify.unknown import Unknown

LOCKER = "/etc/xdg/kscreenlockerrc"
GLOBALS = "/etc/xdg/kdeglobals"
AUTOMOUNTER = "/etc/xdg/kded_device_automounterrc"
CHANNELS = "/etc/xdg/xfce4/xfconf/xfce-perchannel-xml"
LOCKED = 'locked="*" unlocked="root"'


def lines(path: str, text: str) -> list[kde.Line]:
    return [(path, number, line) for number, line in enumerate(text.splitlines(), 1)]


def screen(*programs: str, files: dict[str, str] | None = None, more: str = "") -> Desktop:
    rows = "".join(f"program\t{program}\n" for program in programs)
    for path, text in (files or {}).items():
        rows += "".join(f"line\t{path}\t{number}\t{line}\n" for _, number, line in lines(path, text))
    return SCREEN.parse(Output(f"{rows}{more}end\n".encode(), b"", 0))


# What kreadconfig5 5.103 printed for Timeout, with `Timeout=99` in the user's own file; D is no value.
@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("[Daemon][$i]\nTimeout=10\n", "10"),
        ("[$i]\n[Daemon]\nTimeout=10\n", "10"),
        ("# c\n[$i]\n[Daemon]\nTimeout=10\n", "10"),
        ("[Daemon]\nTimeout[$i]=10\n", "10"),
        ("[Daemon]\nTimeout=10\n[$i]\n", "10"),
        ("[Daemon]\n[$i]\nTimeout=10\n", "D"),
        ("[Daemon][$i]\nLockGrace=0\n", "D"),
        ("[$i]\n", "D"),
        ("[Daemon]\nTimeout[$i]=10\nTimeout=11\n", "10"),
        ("[Daemon]\nTimeout=10\n[Daemon][$i]\n", "10"),
        ("[Daemon] [$i]\nTimeout=10\n", "99"),
        ("[Daemon][$i]\n Timeout = 10\n", "10"),
        ("[Daemon][$i]\nTimeout[de]=10\n", "D"),
        ("[Daemon]\nTimeout=10\n", "99"),
        ("", "99"),
    ],
)
def test_locked_settings_are_those_users_cannot_change(text: str, printed: str) -> None:
    key = kde.read(lines(LOCKER, text), "kscreenlockerrc").key("x", "Daemon", "Timeout", "D")
    assert ("99" if key.writable else key.value) == printed


@pytest.mark.parametrize(
    ("text", "seconds", "open_"),
    [
        ("", 305, {"Autolock", "Timeout", "LockGrace"}),
        ("[Daemon][$i]\nTimeout=10\nLockGrace=0\n", 600, set()),
        ("[Daemon][$i]\nTimeout=10\n", 605, set()),
        ("[Daemon][$i]\nTimeout=0.5\nLockGrace=0\n", 30, set()),
        ("[Daemon][$i]\nTimeout=0\n", NEVER, set()),
        ("[Daemon][$i]\nAutolock=false\n", NEVER, set()),
        ("[Daemon][$i]\nTimeout=ten\nLockGrace=0\n", 300, set()),
        ("[Daemon]\nAutolock[$i]=true\nTimeout[$i]=9\nLockGrace=0\n", 540, {"LockGrace"}),
    ],
)
def test_plasma_locks(text: str, seconds: int, open_: set[str]) -> None:
    ((limit, found),) = screen("plasmashell", files={LOCKER: text}).screens({})
    assert int(limit) == seconds
    assert {key.name for key in found if isinstance(key, Key)} == open_


def test_plasma_6_may_be_told_to_ask_for_no_password() -> None:
    locked = {LOCKER: "[Daemon][$i]\nRequirePassword=false\n"}
    assert screen("plasmashell", files=locked).screens({})[0][1] == []
    (told,) = screen("plasmashell", "kded6", files=locked).screens({})[0][1]
    assert str(told) == f"kscreenlockerrc [Daemon] RequirePassword = false ({LOCKER}:2)"


def test_plasma_may_be_forbidden_to_lock() -> None:
    files = {LOCKER: "[Daemon][$i]\n", GLOBALS: "[KDE Action Restrictions][$i]\naction/lock_screen=false\n"}
    ((_, (told,)),) = screen("plasmashell", files=files).screens({})
    assert "action/lock_screen = false" in str(told)


def test_plasma_that_reads_elsewhere_is_unknown() -> None:
    with pytest.raises(Unknown, match="kde5rc"):
        screen("plasmashell", more="elsewhere\t/etc/kde5rc\n").screens({})


def channel(attributes: str, properties: str, name: str = "xfce4-screensaver") -> dict[str, str]:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<channel name="{name}" version="1.0" {attributes}>\n'
    return {f"{CHANNELS}/{name}.xml": f"{head}{properties}</channel>\n"}


def inner(folder: str, name: str, value: str) -> str:
    return (
        f'<property name="{folder}" type="empty">\n<property name="{name}" type="bool" value="{value}"/>\n'
        "</property>\n"
    )


def delay(minutes: int, attributes: str = "") -> str:
    return (
        '<property name="saver" type="empty"><property name="idle-activation" type="empty">\n'
        f'<property name="delay" type="int" value="{minutes}" {attributes}/></property></property>\n'
    )


SAVER = ("xfce4-session", "xfce4-screensaver")
STARTED = "autostart\t/etc/xdg/autostart/xfce4-screensaver.desktop:8:Exec=xfce4-screensaver\n"


# Which attributes keep users from changing a channel was tried with xfconfd 4.18.
@pytest.mark.parametrize(
    ("attributes", "changeable"),
    [
        ("", True),
        ('locked="*"', True),
        ('locked="*" unlocked="root"', False),
        ('unlocked="root"', False),
        ('unlocked="nobody"', True),
        ('locked="*" unlocked="root;nobody"', True),
    ],
)
def test_channel_is_locked_where_unlocked_for_root_alone(attributes: str, changeable: bool) -> None:
    ((limit, found),) = screen(*SAVER, files=channel(attributes, delay(10)), more=STARTED).screens({})
    assert (int(limit), bool(found)) == (600, changeable)


@pytest.mark.parametrize(
    ("properties", "seconds"),
    [
        ("", 300),
        (delay(0), NEVER),
        (delay(11), 660),
        (inner("lock", "enabled", "false"), NEVER),
        (inner("saver", "fullscreen-inhibit", "true"), NEVER),
        (
            '<property name="lock" type="empty"><property name="saver-activation" type="empty">'
            '<property name="delay" type="int" value="2"/></property></property>',
            420,
        ),
    ],
)
def test_xfce_locks(properties: str, seconds: int) -> None:
    ((limit, _),) = screen(*SAVER, files=channel(LOCKED, properties), more=STARTED).screens({})
    assert int(limit) == seconds


@pytest.mark.parametrize(
    ("programs", "more", "told"),
    [
        (("xfce4-session",), "", "no screen locker is installed"),
        (SAVER, "", "nothing starts xfce4-screensaver"),
        (SAVER, STARTED + STARTED.replace(":8:Exec=xfce4-screensaver", ":9:Hidden=true"), "Hidden=true"),
    ],
)
def test_xfce_without_a_locker_never_locks(programs: tuple[str, ...], more: str, told: str) -> None:
    ((limit, _),) = screen(*programs, files=channel(LOCKED, ""), more=more).screens({})
    assert int(limit) == NEVER
    assert told in str(limit)


def test_user_who_starts_no_locker_is_named() -> None:
    own = "autostart\t/home/plain/.config/autostart/xfce4-screensaver.desktop:2:Hidden=true\n"
    ((limit, found),) = screen(*SAVER, files=channel(LOCKED, ""), more=STARTED + own).screens({})
    assert int(limit) == 300
    assert found == ["/home/plain/.config/autostart/xfce4-screensaver.desktop:2: Hidden=true"]


LIGHT = (
    "autostart\t/etc/xdg/autostart/light-locker.desktop:46:Exec=light-locker\n"
    "key\tapps.light-locker\tlock-after-screensaver\tfalse\tuint32 5\n"
    "key\tapps.light-locker\tlate-locking\tfalse\tfalse\n"
)


def power(minutes: int) -> dict[str, str]:
    inner = "".join(
        f'<property name="{name}" type="int" value="{minutes}"/>'
        for name in ("blank-on-ac", "blank-on-battery")
    )
    name = "xfce4-power-manager"
    return channel(LOCKED, f'<property name="{name}" type="empty">{inner}</property>', name)


@pytest.mark.parametrize(
    ("programs", "files", "more", "seconds"),
    [
        ((), {}, LIGHT, 605),
        (("xfce4-power-manager",), {}, LIGHT, 605),
        (("xfce4-power-manager",), power(9), LIGHT, 545),
        (("xfce4-power-manager",), power(0), LIGHT, NEVER),
        ((), {}, LIGHT.replace("uint32 5", "uint32 0"), NEVER),
        ((), {}, LIGHT.replace("late-locking\tfalse\tfalse", "late-locking\tfalse\ttrue"), NEVER),
    ],
)
def test_light_locker_locks_after_the_screen_is_blank(
    programs: tuple[str, ...], files: dict[str, str], more: str, seconds: int
) -> None:
    desktop = screen("xfce4-session", "light-locker", *programs, files=files, more=more)
    assert int(desktop.screens({})[0][0]) == seconds


def test_xfce_with_another_locker_is_unknown() -> None:
    with pytest.raises(Unknown, match="xscreensaver"):
        screen("xfce4-session", "xscreensaver").screens({})


@pytest.mark.parametrize(
    "text",
    [
        "<channel",
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><channel name="x">&b;</channel>',
        "no xml at all",
    ],
)
def test_what_is_no_channel_is_unknown(text: str) -> None:
    with pytest.raises(ParseError, match="no XML"):
        xfce.read([(f"{CHANNELS}/thunar-volman.xml", 1, text)], "thunar-volman")
    with pytest.raises(Unknown, match="Xfce"):
        screen(*SAVER, files={f"{CHANNELS}/xfce4-screensaver.xml": text}, more=STARTED).screens({})


# --- media ---


def media(program: str, files: dict[str, str]) -> list[str]:
    rows = f"program\t{program}\n"
    for path, text in files.items():
        rows += "".join(f"line\t{path}\t{number}\t{line}\n" for _, number, line in lines(path, text))
    return [str(key) for key in MEDIA.parse(Output(f"{rows}end\n".encode(), b"", 0)).mounting({})]


VOLMAN = "thunar-volman"
AS_DELIVERED = """<property name="automount-media" type="empty">
    <property name="enabled" type="bool" value="false"/>
  </property>
  <property name="automount-drives" type="empty">
    <property name="enabled" type="bool" value="false"/>
  </property>
"""


def test_xfce_as_delivered_may_be_changed_by_users() -> None:
    found = media(VOLMAN, channel("", AS_DELIVERED, VOLMAN))
    assert "thunar-volman /automount-media/enabled = false (users may change it)" in found[1]
    assert "/autorun/enabled" in found[3]


def test_xfce_locked_mounts_nothing_or_what_it_says() -> None:
    assert media(VOLMAN, channel(LOCKED, AS_DELIVERED, VOLMAN)) == []
    (told,) = media(VOLMAN, channel(LOCKED, AS_DELIVERED.replace("false", "true", 1), VOLMAN))
    assert told == f"thunar-volman /automount-media/enabled = true ({CHANNELS}/thunar-volman.xml)"


OFF = "[$i]\n[General]\nAutomountEnabled=false\n"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, ["kded_device_automounterrc [General] AutomountEnabled = false (users may change it)"]),
        ({AUTOMOUNTER: OFF}, []),
        (
            {AUTOMOUNTER: OFF.replace("[$i]\n", "").replace("[General]", "[General][$i]")},
            ["users may change it"],
        ),
        ({AUTOMOUNTER: OFF.replace("false", "true")}, ["AutomountEnabled = true"]),
        (
            {AUTOMOUNTER: f"{OFF}[Devices][x]\nForceLoginAutomount=true\n"},
            ["[Devices/x] ForceLoginAutomount"],
        ),
        ({"/etc/xdg/kded5rc": "[Module-device_automounter][$i]\nautoload=false\n"}, []),
        ({"/etc/xdg/kded6rc": "[Module-device_automounter][$i]\nautoload=false\n"}, ["users may change it"]),
        ({"/etc/xdg/kded5rc": "[Module-device_automounter]\nautoload=false\n"}, ["users may change it"]),
    ],
)
def test_plasma_mounts(files: dict[str, str], told: list[str]) -> None:
    found = media("kded-device-automounter", files)
    assert len(found) == len(told)
    assert all(part in line for part, line in zip(told, found, strict=True))

"""Xfce's settings for every user: channels of xfconf below /etc/xdg, and the screen lockers that read them.

A channel is locked for all users where it names in `unlocked` nobody but root; xfconf compares the names in
`locked` with the user's own and knows no `*` there (tried with xfconfd 4.18). What is not set is as the
programs have it (gs-prefs.h of xfce4-screensaver, apps.light-locker.gschema.xml, xfpm-xfconf.c, tvm).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import ParseError as NotXml

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from plumbline.probes.base import ParseError
from plumbline.probes.desktop.setting import Key
from plumbline.probes.limit import NEVER, Limit

DIRECTORY = "/etc/xdg/xfce4/xfconf/xfce-perchannel-xml"
SAVER, POWER, MEDIA = "xfce4-screensaver", "xfce4-power-manager", "thunar-volman"

Line = tuple[str, int, str]
"""File, line number, text."""

_BLANK_OF_X = 600
"""Seconds until X blanks the screen by itself (Xserver(1), option s)."""

_MOUNTING = (
    "/automount-drives/enabled",
    "/automount-media/enabled",
    "/autobrowse/enabled",
    "/autorun/enabled",
    "/autoopen/enabled",
    "/autoplay-audio-cds/enabled",
    "/autoplay-video-cds/enabled",
    "/autophoto/enabled",
    "/autoipod/enabled",
    "/autoburn/enabled",
)


@dataclass
class Channel:
    """A channel's settings by path; `locked`: whether users may set any of them."""

    name: str
    locked: bool = False
    values: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def key(self, path: str, default: str) -> Key:
        """Return a setting; one that is not set has its default, and may be set if nothing locks it."""
        value, locked = self.values.get(path, (default, False))
        where = f"{DIRECTORY}/{self.name}.xml" if path in self.values else ""
        return Key(self.name, path, value, not (locked or self.locked), where)


def read(lines: Iterable[Line], name: str) -> Channel:
    """Read a channel's file; ParseError if it is no XML, for then nobody knows what xfconf makes of it."""
    text = "\n".join(text for path, _, text in lines if path == f"{DIRECTORY}/{name}.xml")
    channel = Channel(name)
    if not text.strip():
        return channel
    try:
        root = fromstring(text)
    except (NotXml, DefusedXmlException, ValueError) as error:
        raise ParseError(f"{DIRECTORY}/{name}.xml is no XML: {error}") from error
    channel.locked = _locked(root)
    _add(channel, root, "")
    return channel


def _locked(element: Element) -> bool:
    excepted = {name for name in element.get("unlocked", "").split(";") if name}
    return bool(excepted) and excepted <= {"root"}


def _add(channel: Channel, element: Element, path: str) -> None:
    for inner in element.findall("property"):
        own = f"{path}/{inner.get('name', '')}"
        if inner.get("type") != "empty":
            channel.values[own] = (inner.get("value", ""), _locked(inner))
        _add(channel, inner, own)


def _true(key: Key) -> bool:
    return key.value.lower() in ("true", "1")


def _whole(key: Key) -> int:
    return int(key.value) if key.value.isdigit() else 0


def by_screensaver(lines: list[Line]) -> tuple[Limit, list[Key]]:
    """Return when xfce4-screensaver locks, and the settings of its that users may change."""
    channel = read(lines, SAVER)
    switches = [
        channel.key(path, "true")
        for path in (
            "/saver/enabled",
            "/saver/idle-activation/enabled",
            "/lock/enabled",
            "/lock/saver-activation/enabled",
        )
    ]
    delays = [
        channel.key("/saver/idle-activation/delay", "5"),
        channel.key("/lock/saver-activation/delay", "0"),
    ]
    fullscreen = channel.key("/saver/fullscreen-inhibit", "false")
    off = [key for key in switches if not _true(key)] + ([fullscreen] if _true(fullscreen) else [])
    seconds = 60 * sum(map(_whole, delays))
    told = "Xfce: " + ", ".join(map(str, off or delays))
    limit = Limit(NEVER if off or _whole(delays[0]) == 0 else seconds, told)
    return limit, [key for key in [*switches, *delays, fullscreen] if key.writable]


def by_light_locker(
    lines: list[Line], settings: Mapping[str, Key], *, power_manager: bool
) -> tuple[Limit, list[Key]]:
    """Return when light-locker locks: so long after X blanked the screen; and what users may change."""
    after = settings.get("lock-after-screensaver")
    late = settings.get("late-locking")
    if after is None or late is None:
        raise ParseError("the settings of light-locker were not told")
    seconds = int(after.value.removeprefix("uint32 "))
    open_ = [key for key in (after, late) if key.writable]
    never = [key for key, is_so in ((after, seconds == 0), (late, late.value != "false")) if is_so]
    blank, told = _BLANK_OF_X, f"X blanks after {_BLANK_OF_X} s"
    if power_manager:
        channel = read(lines, POWER)
        blanks = [channel.key(f"/{POWER}/{name}", "10") for name in ("blank-on-ac", "blank-on-battery")]
        presenting = channel.key(f"/{POWER}/presentation-mode", "false")
        never += [key for key in blanks if _whole(key) == 0] + ([presenting] if _true(presenting) else [])
        open_ += [key for key in [*blanks, presenting] if key.writable]
        blank, told = 60 * max(map(_whole, blanks)), ", ".join(map(str, blanks))
    words = ", ".join(map(str, never)) or f"{told}, {after}"
    return Limit(NEVER if never else blank + seconds, f"Xfce, light-locker: {words}"), open_


def mounting(lines: list[Line]) -> list[Key]:
    """Return settings of thunar-volman that let it mount or start something, or that users may change so."""
    channel = read(lines, MEDIA)
    keys = [channel.key(path, "false") for path in _MOUNTING]
    if not channel.locked:
        return [key for key in keys if key.writable or _true(key)]
    return [key for key in keys if _true(key)]

"""Desktops: which are installed, and what GNOME's settings are in force (dconf(7), gsettings(1)).

Settings are read with gsettings as nobody: what a user without settings of his own gets, from the compiled
database, and whether he may change it. Of other desktops nothing is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.limit import NEVER, Limit
from plumbline.probes.nobody import AS_NOBODY
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.unknown import Unknown

Keys = tuple[tuple[str, str], ...]
"""Settings of GNOME: schema and key."""


def desktop_probe(name: str, keys: Keys) -> Probe[Desktop]:
    """Return a probe of that name that sees the desktops installed and these settings of GNOME's."""
    settings = " ".join(f"{schema}/{key}" for schema, key in keys)
    return Probe(name, _COMMAND.replace("@SETTINGS@", settings), _desktop)


_COMMAND = rf"""{AS_NOBODY}
for file in /usr/share/xsessions/*.desktop /usr/share/wayland-sessions/*.desktop \
    /usr/local/share/xsessions/*.desktop /usr/local/share/wayland-sessions/*.desktop; do
    [ ! -f "$file" ] || printf 'session\t%s\n' "$file"
done
for program in gnome-shell plasmashell xfce4-session mate-session cinnamon-session lxsession lxqt-session \
    startx Xorg nautilus gvfs thunar-volman pcmanfm caja; do
    ! command -v "$program" >/dev/null || printf 'program\t%s\n' "$program"
done
[ ! -e /usr/libexec/gvfs-udisks2-volume-monitor ] || printf 'program\tgvfs-udisks2-volume-monitor\n'
if command -v gnome-shell >/dev/null || command -v nautilus >/dev/null; then
    for setting in @SETTINGS@; do
        schema=${{setting%/*}} key=${{setting#*/}}
        value=$(as_nobody GSETTINGS_BACKEND=dconf gsettings get "$schema" "$key") || continue
        writable=$(as_nobody GSETTINGS_BACKEND=dconf gsettings writable "$schema" "$key")
        printf 'key\t%s\t%s\t%s\t%s\n' "$schema" "$key" "$writable" "$value"
    done
fi
{PRINT_END}
"""

_FIELDS = {"session": 1, "program": 1, "key": 4}
_OTHERS = {
    "plasmashell": "KDE Plasma",
    "xfce4-session": "Xfce",
    "mate-session": "MATE",
    "cinnamon-session": "Cinnamon",
    "lxsession": "LXDE",
    "lxqt-session": "LXQt",
}
_FILE_MANAGERS = {"thunar-volman": "Xfce", "pcmanfm": "LXDE", "caja": "MATE"}
_UNSIGNED = re.compile(r"(?:uint32 )?(\d+)")


@dataclass(frozen=True)
class Key:
    """One of GNOME's settings, as in force for a user who has set nothing."""

    schema: str
    name: str
    value: str
    writable: bool

    def __str__(self) -> str:
        return f"{self.schema} {self.name} = {self.value}" + (
            " (users may change it)" if self.writable else ""
        )


@dataclass(frozen=True)
class Desktop:
    """The desktops installed, and GNOME's settings by name; a setting that could not be read is missing."""

    sessions: tuple[str, ...]
    programs: frozenset[str]
    keys: Mapping[str, Key]

    @property
    def installed(self) -> bool:
        """Whether a person could work at a graphical session of this host."""
        return bool(self.sessions) or bool(self.programs & {"gnome-shell", "Xorg", "startx", *_OTHERS})

    @property
    def others(self) -> list[str]:
        """Desktops whose settings are not read here."""
        named = [told for program, told in _OTHERS.items() if program in self.programs]
        if self.installed and "gnome-shell" not in self.programs and not named:
            named = sorted(file.rsplit("/", 1)[-1].removesuffix(".desktop") for file in self.sessions) or [
                "X"
            ]
        return named

    @property
    def mounting_others(self) -> list[str]:
        """Desktops that handle media by settings that are not read here."""
        file_managers = [told for program, told in _FILE_MANAGERS.items() if program in self.programs]
        return sorted({*self.others, *file_managers})

    @property
    def handles_media(self) -> bool:
        """Whether GNOME or its file manager is there, which mount what is plugged in."""
        return bool(self.programs & {"gnome-shell", "nautilus"})

    def key(self, name: str) -> Key:
        """Return a setting of GNOME's; `Unknown` if it could not be read."""
        if name not in self.keys:
            raise Unknown("GNOME's setting {name} cannot be read", name=name)
        return self.keys[name]

    def differing(self, wanted: Mapping[str, str]) -> list[Key]:
        """Return those settings that are not as wanted, or that a user may change."""
        keys = [self.key(name) for name in wanted]
        return [key for key in keys if key.writable or key.value != wanted[key.name]]

    @property
    def idle_limit(self) -> Limit:
        """Seconds until GNOME's screen goes blank; 0 means never."""
        key = self.key("idle-delay")
        number = _UNSIGNED.fullmatch(key.value)
        seconds = int(number[1]) if number else 0
        return Limit(seconds or NEVER, str(key))


def _desktop(output: Output) -> Desktop:
    rows = Rows(output, _FIELDS)
    keys = {
        name: Key(schema, name, value, writable != "false") for schema, name, writable, value in rows["key"]
    }
    return Desktop(
        sessions=tuple(file for (file,) in rows["session"]),
        programs=frozenset(program for (program,) in rows["program"]),
        keys=keys,
    )

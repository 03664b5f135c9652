"""Desktops as the suites see them: what locks their screens, and what they do with media.

GNOME's settings are read with gsettings as nobody: what a user without settings of his own gets, from the
compiled database, and whether he may change it. KDE's and Xfce's are read from their files. Of other desktops
nothing is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.desktop import kde, xfce
from plumbline.probes.desktop.setting import Key
from plumbline.probes.limit import NEVER, Limit
from plumbline.probes.nobody import AS_NOBODY
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.unknown import Unknown

Keys = tuple[tuple[str, str], ...]
"""Settings of GNOME: schema and key."""

_AUTOMOUNTER_OF_KDE = "kded-device-automounter"
_LOCKERS = ("xfce4-screensaver", "light-locker", "xscreensaver")

_COMMAND = rf"""{AS_NOBODY}
for file in /usr/share/xsessions/*.desktop /usr/share/wayland-sessions/*.desktop \
    /usr/local/share/xsessions/*.desktop /usr/local/share/wayland-sessions/*.desktop; do
    [ ! -f "$file" ] || printf 'session\t%s\n' "$file"
done
for program in gnome-shell plasmashell kded6 xfce4-session mate-session cinnamon-session lxsession \
    lxqt-session startx Xorg nautilus gvfs thunar-volman pcmanfm caja xfce4-power-manager \
    {" ".join(_LOCKERS)}; do
    ! command -v "$program" >/dev/null || printf 'program\t%s\n' "$program"
done
[ ! -e /usr/libexec/gvfs-udisks2-volume-monitor ] || printf 'program\tgvfs-udisks2-volume-monitor\n'
for file in /usr/lib/*/qt*/plugins/kf*/kded/device_automounter.so; do
    [ ! -e "$file" ] || printf 'program\t{_AUTOMOUNTER_OF_KDE}\n'
done
if {{ command -v gnome-shell || command -v nautilus || command -v light-locker; }} >/dev/null; then
    for setting in @SETTINGS@; do
        schema=${{setting%/*}} key=${{setting#*/}}
        value=$(as_nobody GSETTINGS_BACKEND=dconf gsettings get "$schema" "$key") || continue
        writable=$(as_nobody GSETTINGS_BACKEND=dconf gsettings writable "$schema" "$key")
        printf 'key\t%s\t%s\t%s\t%s\n' "$schema" "$key" "$writable" "$value"
    done
fi
for file in /etc/kde5rc /etc/kde6rc /etc/kderc; do [ ! -f "$file" ] || printf 'elsewhere\t%s\n' "$file"; done
set --
for file in @FILES@; do
    [ ! -f "$file" ] || [ ! -s "$file" ] || set -- "$@" "$file"
done
[ $# -eq 0 ] || awk '{{ print "line\t" FILENAME "\t" FNR "\t" $0 }}' "$@" || exit 9
set --
for name in {" ".join(_LOCKERS[:2])}; do
    for file in /etc/xdg/autostart/$name.desktop /root/.config/autostart/$name.desktop \
        /home/*/.config/autostart/$name.desktop; do
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
done
[ $# -eq 0 ] || grep -HnE '^[[:space:]]*(Hidden|Exec)[[:space:]]*=' "$@" | sed 's/^/autostart\t/'
{PRINT_END}
"""

_FIELDS = {"session": 1, "program": 1, "key": 4, "elsewhere": 1, "line": 3, "autostart": 1}
_OTHERS = {
    "mate-session": "MATE",
    "cinnamon-session": "Cinnamon",
    "lxsession": "LXDE",
    "lxqt-session": "LXQt",
}
_JUDGED = frozenset({"gnome-shell", "plasmashell", "xfce4-session"})
_FILE_MANAGERS = {"pcmanfm": "LXDE", "caja": "MATE"}
_UNSIGNED = re.compile(r"(?:uint32 )?(\d+)")


def desktop_probe(name: str, keys: Keys, files: Iterable[str]) -> Probe[Desktop]:
    """Return a probe of that name: desktops installed, these settings of GNOME's, lines of these files."""
    settings = " ".join(f"{schema}/{key}" for schema, key in keys)
    command = _COMMAND.replace("@SETTINGS@", settings).replace("@FILES@", " ".join(files))
    return Probe(name, command, _desktop)


@dataclass(frozen=True)
class Desktop:
    """The desktops installed, and their settings; one of GNOME's that could not be read is missing.

    `elsewhere` are files that send KDE to other places for its settings.
    """

    sessions: tuple[str, ...]
    programs: frozenset[str]
    keys: Mapping[str, Key]
    lines: list[tuple[str, int, str]] = field(default_factory=list)
    elsewhere: tuple[str, ...] = ()
    autostart: tuple[tuple[str, str], ...] = ()
    """Where something stands, and the line, of what starts screen lockers."""

    @property
    def installed(self) -> bool:
        """Whether a person could work at a graphical session of this host."""
        return bool(self.sessions) or bool(self.programs & {*_JUDGED, "Xorg", "startx", *_OTHERS})

    @property
    def is_bare(self) -> bool:
        """Whether there is no desktop to speak of: X, or sessions that are no desktop known."""
        return not self.programs & {*_JUDGED, *_OTHERS}

    @property
    def others(self) -> list[str]:
        """Desktops whose settings are not read here."""
        named = [told for program, told in _OTHERS.items() if program in self.programs]
        if self.installed and self.is_bare:
            named = sorted(file.rsplit("/", 1)[-1].removesuffix(".desktop") for file in self.sessions) or [
                "X"
            ]
        return named

    @property
    def mounting_others(self) -> list[str]:
        """Desktops that handle media by settings that are not read here; X alone mounts nothing."""
        file_managers = [told for program, told in _FILE_MANAGERS.items() if program in self.programs]
        return sorted({*self.others, *file_managers} - {"X"})

    @property
    def handles_media(self) -> bool:
        """Whether a desktop or file manager is there that mounts what is plugged in."""
        return bool(self.programs & {"gnome-shell", "nautilus", "thunar-volman", _AUTOMOUNTER_OF_KDE})

    def key(self, name: str) -> Key:
        """Return a setting of GNOME's; `Unknown` if it could not be read."""
        if name not in self.keys:
            raise Unknown("GNOME's setting {name} cannot be read", name=name)
        return self.keys[name]

    def differing(self, wanted: Mapping[str, str]) -> list[Key]:
        """Return those settings of GNOME's that are not as wanted, or that a user may change."""
        keys = [self.key(name) for name in wanted]
        return [key for key in keys if key.writable or key.value != wanted[key.name]]

    @property
    def idle_limit(self) -> Limit:
        """Seconds until GNOME's screen goes blank; 0 means never."""
        key = self.key("idle-delay")
        number = _UNSIGNED.fullmatch(key.value)
        seconds = int(number[1]) if number else 0
        return Limit(seconds or NEVER, str(key))

    # --- all desktops together ---

    def screens(self, gnome: Mapping[str, str]) -> list[tuple[Limit, list[object]]]:
        """Return, of each desktop, the time until its screen is locked and what leaves it open.

        `gnome` are GNOME's settings as they must be. Raises `Unknown` where a desktop cannot be judged.
        """
        found: list[tuple[Limit, list[object]]] = []
        if "gnome-shell" in self.programs:
            delay = self.key("idle-delay")
            found.append((self.idle_limit, [*self.differing(gnome), *([delay] if delay.writable else [])]))
        if "plasmashell" in self.programs:
            self._reads_its_files()
            limit, open_ = kde.screen(self.lines, plasma6="kded6" in self.programs)
            found.append((limit, list(open_)))
        if "xfce4-session" in self.programs:
            found.append(self._xfce())
        return found

    def mounting(self, gnome: Mapping[str, str]) -> list[Key]:
        """Return the settings that let a medium be mounted or started; `gnome` is what GNOME's must be."""
        found = self.differing(gnome) if self.programs & {"gnome-shell", "nautilus"} else []
        if _AUTOMOUNTER_OF_KDE in self.programs:
            self._reads_its_files()
            found = [*found, *kde.mounting(self.lines, plasma6="kded6" in self.programs)]
        if "thunar-volman" in self.programs:
            try:
                found = [*found, *xfce.mounting(self.lines)]
            except ParseError as error:
                raise Unknown(
                    "Xfce's settings are not understood: {error}", error=f"{error}"[:200]
                ) from error
        return found

    def _reads_its_files(self) -> None:
        if self.elsewhere:
            raise Unknown(
                "where KDE reads its settings is said in {file}, which is not read", file=self.elsewhere[0]
            )

    def _xfce(self) -> tuple[Limit, list[object]]:
        locker = next((name for name in _LOCKERS if name in self.programs), None)
        if locker is None:
            return Limit(NEVER, "Xfce: no screen locker is installed"), []
        if locker == "xscreensaver":
            raise Unknown("nobody here knows how {desktop} locks its screen", desktop="xscreensaver")
        lines = [(where, text) for where, text in self.autostart if f"/{locker}.desktop:" in where]
        if not any(where.startswith("/etc/") for where, _ in lines):
            return Limit(NEVER, f"Xfce: nothing starts {locker}"), []
        stopped = [f"{where}: {text}" for where, text in lines if not _starts(text, locker)]
        if any(told.startswith("/etc/") for told in stopped):
            return Limit(NEVER, f"Xfce: {stopped[0]}"), []
        has_manager = "xfce4-power-manager" in self.programs
        try:
            if locker == "xfce4-screensaver":
                limit, keys = xfce.by_screensaver(self.lines)
            else:
                limit, keys = xfce.by_light_locker(self.lines, self.keys, power_manager=has_manager)
        except ParseError as error:
            raise Unknown("Xfce's settings are not understood: {error}", error=f"{error}"[:200]) from error
        return limit, [*keys, *stopped]


def _starts(text: str, locker: str) -> bool:
    """Say whether a line of an autostart file leaves the locker to be started."""
    key, _, value = text.partition("=")
    if key.strip() == "Hidden":
        return value.strip().lower() not in ("true", "1")
    return value.split()[:1] != [] and value.split()[0].rpartition("/")[2] == locker


def _desktop(output: Output) -> Desktop:
    rows = Rows(output, _FIELDS)
    keys = {
        name: Key(schema, name, value, writable != "false") for schema, name, writable, value in rows["key"]
    }
    autostart = [line.split(":", 2) for (line,) in rows["autostart"]]
    return Desktop(
        sessions=tuple(file for (file,) in rows["session"]),
        programs=frozenset(program for (program,) in rows["program"]),
        keys=keys,
        lines=[(file, int(number), text) for file, number, text in rows["line"]],
        elsewhere=tuple(file for (file,) in rows["elsewhere"]),
        autostart=tuple((f"{file}:{number}", text.strip()) for file, number, text in autostart),
    )

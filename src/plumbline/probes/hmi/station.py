"""The station around the visualisation: consoles, keys, X's configuration, programs, browser policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.files import FIELDS, ConfigFile, print_files, read_files
from plumbline.probes.tagged import PRINT_END, Rows, blocks

TERMINALS = (
    "xterm uxterm lxterm urxvt rxvt st alacritty kitty foot wezterm gnome-terminal kgx ptyxis konsole "
    "xfce4-terminal mate-terminal lxterminal qterminal terminator tilix sakura terminology xvt mlterm "
    "pterm deepin-terminal guake yakuake tilda cool-retro-term x-terminal-emulator"
)
FILE_MANAGERS = (
    "nautilus dolphin thunar pcmanfm pcmanfm-qt caja nemo konqueror krusader doublecmd xfe rox-filer "
    "spacefm mc ranger"
)
DESKTOPS = (
    "gnome-session plasmashell startplasma-x11 startplasma-wayland xfce4-session mate-session "
    "cinnamon-session lxsession lxqt-session budgie-desktop enlightenment_start openbox-session fluxbox "
    "icewm-session wmaker fvwm fvwm3 twm i3 awesome dwm xmonad jwm afterstep windowlab"
)
LAUNCHERS = "dmenu rofi gmrun xfce4-appfinder synapse albert ulauncher wofi fuzzel bemenu xbindkeys sxhkd"

BROWSER_POLICIES = (
    "/etc/chromium/policies/managed/*.json",
    "/etc/chromium-browser/policies/managed/*.json",
    "/etc/opt/chrome/policies/managed/*.json",
    "/etc/opt/edge/policies/managed/*.json",
    "/etc/firefox/policies/policies.json",
    "/etc/firefox-esr/policies/policies.json",
    "/usr/lib/firefox/distribution/policies.json",
    "/usr/lib/firefox-esr/distribution/policies.json",
)
_X = ("/usr/share/X11/xorg.conf.d/*.conf", "/etc/X11/xorg.conf.d/*.conf", "/etc/X11/xorg.conf")
MANAGER_DIRECTORIES = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd")
_MANAGER = [
    f"{directory}/{name}{pattern}"
    for directory in MANAGER_DIRECTORIES
    for name in ("logind.conf", "system.conf")
    for pattern in ("", ".d/*.conf")
]

CONSOLES = "'*getty*.service' 'autovt@*.service' autovt@tty12.service"
CAD = "ctrl-alt-del.target"
_UNIT_DIRECTORIES = (
    "/etc/systemd/system.control /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system"
)

# Policies may hold tokens and proxies' passwords; nothing here is asked of those.
_HIDDEN = (
    '/[Tt]oken|[Pp]assword|[Pp]roxy|[Ss]ecret/ { gsub(/"[^"]*([Tt]oken|[Pp]assword|[Pp]roxy|[Ss]ecret)'
    '[^"]*"[ \\t]*:[ \\t]*("[^"]*"|\\{[^}]*\\})/, "\\"Hidden\\": \\"\\"") }'
)

_COMMAND = rf"""
shown=$(systemctl show -p Id,LoadState,ActiveState {CONSOLES} {CAD}) || exit 9
printf '%s\n' "$shown" | sed 's/^/show\t/'
systemctl show -p CtrlAltDelBurstAction | sed 's/^/manager\t/'
printf 'manager\tNAutoVTs=%s\n' "$(busctl --auto-start=no get-property org.freedesktop.login1 \
    /org/freedesktop/login1 org.freedesktop.login1.Manager NAutoVTs 2>/dev/null | sed 's/^u //')"
for d in {_UNIT_DIRECTORIES}; do
    for u in {CAD} autovt@.service getty@.service; do
        f=$d/$u
        if [ -L "$f" ]; then printf 'disk\t%s\t%s\n' "$f" "$(readlink "$f")"
        elif [ -f "$f" ] && [ ! -s "$f" ]; then printf 'disk\t%s\t/dev/null\n' "$f"
        elif [ -f "$f" ]; then printf 'disk\t%s\t-\n' "$f"; fi
    done
done
for word in $(cat /proc/cmdline); do
    case $word in sysrq*) printf 'cmdline\t%s\n' "$word" ;; esac
done
if [ -e /proc/sys/kernel/sysrq ]; then echo 'sysrq	yes'; else echo 'sysrq	no'; fi
seek() {{
    kind=$1
    shift
    for program; do
        for d in /usr/bin /usr/local/bin /usr/games /usr/local/games /snap/bin; do
            [ ! -x "$d/$program" ] || printf 'program\t%s\t%s\n' "$kind" "$d/$program"
        done
    done
}}
seek terminal {TERMINALS}
seek files {FILE_MANAGERS}
seek desktop {DESKTOPS}
seek launcher {LAUNCHERS}
for f in /usr/share/xsessions/*.desktop /usr/share/wayland-sessions/*.desktop \
    /usr/local/share/xsessions/*.desktop /usr/local/share/wayland-sessions/*.desktop; do
    [ ! -f "$f" ] || printf 'session\t%s\t%s\n' "$f" "$(sed -n 's/^Exec[ \t]*=[ \t]*//p' "$f" | head -n 1)"
done
set --
for f in /etc/xdg/autostart/*.desktop /etc/X11/Xsession.d/*; do [ ! -f "$f" ] || set -- "$@" "$f"; done
if [ $# -gt 0 ]; then
    packaged=$(printf '%s\n' "$@" | grep -hxFf - /var/lib/dpkg/info/*.list 2>/dev/null)
    for f; do
        case "
$packaged
" in *"
$f
"*) ;; *) printf 'autostart\t%s\n' "$f" ;; esac
    done
fi
{print_files([*_X, *_MANAGER])}
{print_files(BROWSER_POLICIES, _HIDDEN)}
{PRINT_END}
"""

_FIELDS = {
    "show": 1,
    "manager": 1,
    "disk": 2,
    "cmdline": 1,
    "sysrq": 1,
    "program": 2,
    "session": 2,
    "autostart": 1,
} | FIELDS


@dataclass(frozen=True)
class StationFacts:
    """What the probe saw of the station.

    `units`: unit -> its load and active state; `auto_consoles`: logind's NAutoVTs now, None where it is not;
    `disk`: path of a unit -> what it links to, `-` for a file;
    `programs`: kind -> paths; `sessions`: file -> command; `autostart`: files no package brought.
    """

    units: dict[str, tuple[str, str]]
    burst: str
    auto_consoles: int | None
    disk: dict[str, str]
    cmdline: list[str]
    has_sysrq: bool
    programs: dict[str, list[str]]
    sessions: dict[str, str]
    autostart: list[str]
    files: Mapping[str, ConfigFile]


def _station(output: Output) -> StationFacts:
    rows = Rows(output, _FIELDS)
    shown = [dict(block) for block in blocks(line for (line,) in rows["show"])]
    if not shown:
        raise ParseError("systemctl show printed no unit")
    manager = dict(line.split("=", 1) for (line,) in rows["manager"] if "=" in line)
    programs: dict[str, list[str]] = {}
    for kind, path in rows["program"]:
        programs.setdefault(kind, []).append(path)
    return StationFacts(
        units={unit["Id"]: (unit["LoadState"], unit["ActiveState"]) for unit in shown},
        burst=manager["CtrlAltDelBurstAction"],
        auto_consoles=int(manager["NAutoVTs"]) if manager["NAutoVTs"] else None,
        disk=dict(rows["disk"]),  # type: ignore[arg-type]  # rows of this tag have two fields
        cmdline=[word for (word,) in rows["cmdline"]],
        has_sysrq=rows["sysrq"] == [("yes",)],
        programs=programs,
        sessions=dict(rows["session"]),  # type: ignore[arg-type]  # rows of this tag have two fields
        autostart=[file for (file,) in rows["autostart"]],
        files=read_files(rows),
    )


STATION = Probe("hmi.station", _COMMAND, _station)

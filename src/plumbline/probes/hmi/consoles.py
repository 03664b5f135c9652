"""Consoles and keys of the station: gettys, consoles that open when switched to, Ctrl-Alt-Del."""

from __future__ import annotations

import re
from collections.abc import Mapping

from plumbline.probes.files import ConfigFile
from plumbline.probes.hmi.station import CAD, MANAGER_DIRECTORIES, StationFacts
from plumbline.probes.ini import sections
from plumbline.probes.systemd import UnitsOnDisk
from plumbline.verify.seen import Seen

_GETTY = re.compile(r"(autovt|(serial-|container-)?getty)@[^/]*\.service|console-getty\.service")
_DEFAULTS = {"NAutoVTs": "6", "ReserveVT": "6"}
_MASK = "/dev/null"


def setting(files: Mapping[str, ConfigFile], name: str, section: str, key: str, default: str) -> Seen:
    """Return a setting of logind.conf or system.conf as it will be after a boot, with its place."""
    lasting = [file for path, file in files.items() if not path.startswith("/run/")]
    found = Seen(default, "set nowhere")
    for file in _read(lasting, name):
        for part in sections(file):
            for entry in part.entries:
                if part.name == section and entry.key == key:
                    found = Seen(entry.value or default, entry.where)
    return found


def _read(files: list[ConfigFile], name: str) -> list[ConfigFile]:
    """Return the files systemd reads: one main file, then drop-ins by name, the nearest of each name."""
    main: list[ConfigFile] = []
    drop_ins: dict[str, ConfigFile] = {}
    for directory in MANAGER_DIRECTORIES:
        main += [file for file in files if file.path == f"{directory}/{name}"]
        for file in files:
            if file.directory == f"{directory}/{name}.d":
                drop_ins.setdefault(file.name, file)
    return main[:1] + [drop_ins[base] for base in sorted(drop_ins)]


def consoles_now(facts: StationFacts) -> list[str]:
    """Return the consoles that ask for a login now, and those that would when switched to."""
    found = [
        f"{unit} is {active}"
        for unit, (_, active) in facts.units.items()
        if _GETTY.fullmatch(unit) and active in ("active", "activating", "reloading")
    ]
    template = [load for unit, (load, _) in facts.units.items() if unit.endswith("@tty12.service")]
    if template != ["masked"] and facts.auto_consoles:
        found.append(
            f"systemd-logind opens {facts.auto_consoles} consoles when they are switched to (NAutoVTs)"
        )
    return found


def consoles_at_boot(facts: StationFacts, disk: UnitsOnDisk) -> list[str]:
    """Return the consoles that will ask for a login after the next boot, or when switched to then."""
    found: dict[str, None] = {}
    for path in disk.files:
        folder, _, unit = path.rpartition("/")
        wanted = folder.endswith((".wants", ".requires")) and _GETTY.fullmatch(unit)
        alias_of_masked = unit.startswith("autovt@") and _masked(facts, unit)
        if wanted and disk.state(unit) == "enabled" and not alias_of_masked:
            found[f"{unit} ({path})"] = None
    if not _masked(facts, "autovt@tty2.service"):
        for key, default in _DEFAULTS.items():
            value = setting(facts.files, "logind.conf", "Login", key, default)
            if value.bare != "0":
                found[f"logind: {key}={value}"] = None
    return list(found)


def _masked(facts: StationFacts, unit: str) -> bool:
    """Say whether a getty cannot start: its template, or the one that stands for, is masked."""
    template = re.sub(r"@[^@]*\.service$", "@.service", unit)
    for _ in range(3):
        targets = [target for path, target in facts.disk.items() if path.endswith(f"/{template}")]
        if not targets or targets[0] == "-":
            return False
        if targets[0] == _MASK:
            return True
        template = targets[0].rpartition("/")[2]
    return False


def ctrl_alt_del_now(facts: StationFacts) -> list[str]:
    """Return what Ctrl-Alt-Del does now."""
    load = next((load for unit, (load, _) in facts.units.items() if unit == CAD), "loaded")
    found = [] if load == "masked" else [f"{CAD} is {load}"]
    if facts.burst != "none":
        found.append(f"seven times in two seconds: CtrlAltDelBurstAction={facts.burst}")
    return found


def ctrl_alt_del_at_boot(facts: StationFacts) -> list[str]:
    """Return what Ctrl-Alt-Del will do after the next boot."""
    targets = [(path, target) for path, target in facts.disk.items() if path.endswith(f"/{CAD}")]
    found = [] if targets and targets[0][1] == _MASK else [_told(*targets[0]) if targets else f"no {CAD}"]
    burst = setting(facts.files, "system.conf", "Manager", "CtrlAltDelBurstAction", "reboot-force")
    if burst.bare != "none":
        found.append(f"seven times in two seconds: CtrlAltDelBurstAction={burst}")
    return found


def _told(path: str, target: str) -> str:
    return path if target == "-" else f"{path} -> {target}"

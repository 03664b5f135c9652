"""What is installed, runs and starts at boot, held against what a host may run."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from plumbline.policy.permitted import Permitted, matches
from plumbline.probes.programs import Programs
from plumbline.probes.services.installed import Installed, UserUnit
from plumbline.probes.services.running import Process, Running, is_interpreter
from plumbline.probes.services.sockets import is_loopback
from plumbline.probes.services.unit_settings import OWN, PASSING, UnitSettings, program_of
from plumbline.probes.systemd import DIRECTORIES, UnitsOnDisk

_KINDS = (".service", ".socket", ".timer", ".path")
_PACKAGED = "/usr/lib/systemd/system/"
_CHANGING = (
    "Exec",
    "User",
    "DynamicUser",
    "SupplementaryGroups",
    "Group",
    "AmbientCapabilities",
    "Permissions",
    "Root",
    "Bind",
    "LD_",
    "Unit",
    "Service",
)


@dataclass(frozen=True)
class Required:
    """The observations of one host together, and what it may run."""

    running: Running
    installed: Installed
    on_disk: UnitsOnDisk
    settings: UnitSettings
    programs: Programs
    permitted: Permitted

    def package_of(self, unit: str) -> str | None:
        """Return the package that brings a unit; None if none does, or if the host's own file hides it."""
        return self.installed.package_of(unit, self.on_disk.file(unit))

    def _packaged(self, unit: str) -> str | None:
        """Return the package that brings a unit of that name, whether it is hidden or not."""
        template = unit.partition("@")[0] + "@" + posixpath.splitext(unit)[1] if "@" in unit else unit
        brought = self.installed.brought
        return brought.get(_PACKAGED + unit) or brought.get(_PACKAGED + template)

    def may_run(self, unit: str) -> bool:
        """Say whether a unit is the distribution's, the site's or a declared service's."""
        path = self.on_disk.file(unit) or ""
        if path.startswith("/run/systemd/generator") and self.permitted.generated(unit):
            return True
        return self.permitted.unit(unit, self._packaged(unit) or self.package_of(unit))

    def is_system(self, unit: str) -> bool:
        """Say whether a unit is the distribution's or the site's; software that is declared is neither."""
        package = self._packaged(unit) or self.package_of(unit)
        if self.permitted.service_of(unit, package) is not None or self.permitted.is_software(package):
            return False
        return self.may_run(unit)

    def is_dormant(self, unit: str) -> bool:
        """Say whether a unit of a package of the distribution only lies there: nothing starts it."""
        return self._packaged(unit) in self.permitted.packages and self.on_disk.state(unit) != "enabled"

    def told(self, unit: str) -> str:
        """Tell a unit with who brings it."""
        package = self.package_of(unit)
        if package is not None:
            return f"{unit} (package {package})"
        path = self.on_disk.file(unit)
        return f"{unit} ({path})" if path is not None else f"{unit} (made at run time)"

    # Installed

    def undeclared_packages(self) -> list[str]:
        """Packages, neither the distribution's nor declared, that bring services, with these."""
        found = []
        for package, things in sorted(self.installed.units_by_package.items()):
            declared = any(self.permitted.service_of(thing, package) for thing in things)
            if not declared and not self.permitted.package(package):
                more = f", +{len(things) - 4}" if len(things) > 4 else ""
                found.append(f"{package}: {', '.join(sorted(things)[:4])}{more}")
        return found

    def own_units(self) -> list[str]:
        """Units of no package that are not declared, init scripts and generators."""
        found = []
        for path, target in sorted(self.on_disk.files.items()):
            folder, _, name = path.rpartition("/")
            if folder not in DIRECTORIES or "generator" in folder or not name.endswith(_KINDS):
                continue
            if not _is_unit(path, target) or path in self.installed.brought:
                continue
            if not self._packaged(name) and not self.permitted.unit(name, None):
                found.append(f"{path} → {target}" if target else path)
        scripts = [path for path in self.installed.init_scripts if path not in self.installed.brought]
        found += [
            path for path in scripts if not self.permitted.service_of(f"{posixpath.basename(path)}.service")
        ]
        return found + list(self.installed.generators)

    def changed_units(self) -> list[str]:
        """The host's own files by which a distribution's unit starts something else, or as somebody else."""
        found = []
        for path, target in sorted(self.on_disk.files.items()):
            folder, _, name = path.rpartition("/")
            own = folder in OWN and name.endswith(_KINDS) and _is_unit(path, target)
            if own and self._is_distribution_s(name):
                found.append(path)
        for path in sorted({line.file for line in self.settings.lines if line.file.startswith(PASSING)}):
            if not path.endswith(".conf") and self._packaged(posixpath.basename(path)):
                found.append(path)
        for unit, line in self.settings.changing():
            if line.file in self.installed.brought:
                continue
            if not self._is_distribution_s(unit):
                continue
            changes = line.text.strip().startswith(_CHANGING) and not self._starts_the_same(unit, line.text)
            if changes or self._listens_anew(unit, line.text):
                found.append(str(line))
        return found + list(self.installed.preloaded)

    def _listens_anew(self, unit: str, text: str) -> bool:
        """Say whether a `Listen…=` gives a distribution's socket a port that others reach and it had not."""
        found = re.match(r"\s*Listen(Stream|Datagram|SequentialPacket)\s*=\s*(?:(\S*):)?(\d+)\s*$", text)
        if found is None or is_loopback(found[2] or "*"):
            return False
        package = self._packaged(self.on_disk.own_name(unit))
        protocol = "udp" if found[1] == "Datagram" else "tcp"
        return not self.permitted.baseline_listens(package, protocol, int(found[3]))

    def _is_distribution_s(self, unit: str) -> bool:
        if unit == "service" or unit.endswith("-.service"):
            return True
        unit = self.on_disk.own_name(unit)
        package = self._packaged(unit)
        if package is None or self.permitted.service_of(unit, package) is not None:
            return False
        return not self.permitted.of_site(unit, package)

    def _starts_the_same(self, unit: str, text: str) -> bool:
        """Say whether an `Exec…=` is empty or starts what the unit starts anyway, or a line gives less."""
        key, _, value = text.strip().partition("=")
        if key.strip() in ("Unit", "Service"):
            return value.strip() in ("", f"{posixpath.splitext(self.on_disk.own_name(unit))[0]}.service")
        if not key.startswith("Exec"):
            return key.strip() in ("AmbientCapabilities", "SupplementaryGroups") and not value.strip()
        program = program_of(text)
        same = merged(program) in {merged(word) for word in self._words_of(unit)}
        return not program or (same and not is_interpreter(program))

    # Now and at boot

    def undeclared_now(self) -> list[str]:
        """Units that are active, or have processes left, and may not run."""
        left = {
            process.unit for process in self.running.processes.values() if process.unit.endswith(".service")
        }
        units = {**dict.fromkeys(left, "running"), **self.running.units}
        return [
            f"{self.told(unit)}: {state}" for unit, state in sorted(units.items()) if not self.may_run(unit)
        ]

    def undeclared_at_boot(self) -> list[str]:
        """Units that something starts at boot and that may not run."""
        return [self.told(unit) for unit in self.enabled() if not self.may_run(unit)]

    def enabled(self) -> list[str]:
        """Return the units that something starts at boot."""
        names = {posixpath.basename(path) for path in self.on_disk.files}
        by_line = {
            self.on_disk.own_name(name)
            for name, place in self.programs.wanted.items()
            if ".conf/" in place and self.on_disk.state(name) not in ("masked", "no such unit")
        }
        return [
            name
            for name in sorted(names | by_line)
            if name.endswith(_KINDS) and "@." not in name and self.on_disk.own_name(name) == name
            if name in by_line or self.on_disk.state(name) == "enabled"
        ]

    # Jobs, users' services, processes beside

    def undeclared_jobs(self) -> list[str]:
        """Entries of cron, at, rc.local and inetd that no package brought so and no service declares."""
        jobs = [str(job) for job in self.installed.jobs if self.permitted.file(job.file) is None]
        return jobs + [str(each) for each in self.installed.inetd if self.permitted.file(each.file) is None]

    def user_services(self) -> list[str]:
        """Units in users' own directories, users whose services run without them, and what they run now."""
        found = [str(unit) for unit in self.installed.user_units if not _is_of_a_package(unit)]
        found += [f"/var/lib/systemd/linger/{name}" for name in self.installed.lingering]
        for process in self.running.processes.values():
            unit = process.user_unit
            if unit and not _is_manager(process) and not self._is_usual(process):
                found.append(f"{process} in {unit}")
        return found

    def _is_usual(self, process: Process) -> bool:
        """Say whether a session may run this: a named program, on a desktop any of the system's own."""
        usual = process.binary in self.permitted.baseline.sessions
        return _is_system_path(process.path) and (usual or self.permitted.desktop)

    def beside_services(self) -> list[str]:
        """Processes of no service that may run: left behind, without a unit, of a program that is gone."""
        return [told for process in self.running.processes.values() if (told := self._strays(process))]

    def _strays(self, process: Process) -> str | None:
        if process.pid == 1 or (process.cgroup == "/init.scope" and _is_manager(process)):
            return None
        if process.exe.startswith("/memfd:") or (
            process.exe.endswith(" (deleted)") and not _is_system_path(process.path)
        ):
            return f"{process}: its program is gone from the disk"
        if process.user_unit:
            return None
        if process.in_session:
            orphan = process.parent == 1 and not self._is_usual_orphan(process)
            return f"{process}: left behind in {process.unit}" if orphan else None
        if process.unit.endswith(".scope") or not process.unit:
            if process.unit and self.permitted.service_of(process.unit):
                return None
            return f"{process}: in {process.cgroup}, started by no service"
        return f"{process}: left behind in {process.unit}" if self._is_left(process) else None

    def _is_usual_orphan(self, process: Process) -> bool:
        """Say whether a session may leave this: a named program, on a desktop any of the system's own."""
        named = process.binary in self.permitted.baseline.sessions
        return _is_system_path(process.path) and (named or (process.in_session and self.permitted.desktop))

    def _is_left(self, process: Process) -> bool:
        """Say whether a process lives on by itself in a service of the distribution that starts others."""
        package = self._packaged(process.unit)
        if process.parent != 1 or not self.permitted.of_baseline(process.unit, package):
            return False
        if not _is_system_path(process.path) or (process.script and not _is_system_path(process.script)):
            return True
        if self.permitted.leaves(package, process.program) or self._is_usual_orphan(process):
            return False
        started = {posixpath.basename(word) for word in self._words_of(process.unit)}
        return process.program not in started

    def _words_of(self, unit: str) -> set[str]:
        """Return the programs a packaged unit starts; of a shell and its like every word of the command."""
        template = unit.partition("@")[0] + "@.service" if "@" in unit else unit
        starts = self.programs.starts.get(unit) or self.programs.starts.get(template) or []
        usual = [start for start in starts if self._is_usual_place(start.where)]
        return {word for start in usual for word in start.bare.split()}

    def _is_usual_place(self, path: str) -> bool:
        if path.startswith("/usr/lib/"):
            return path in self.installed.brought or not path.endswith(".conf")
        return path.startswith("/run/systemd/generator")


def _is_unit(path: str, target: str | None) -> bool:
    """Say whether a path is a unit of its own: a file, or a link to one that stands somewhere else."""
    if target is None:
        return True
    real = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return real != "/dev/null" and posixpath.dirname(real) not in (*DIRECTORIES, "/lib/systemd/system")


def _is_manager(process: Process) -> bool:
    return process.user_unit in ("", "init.scope") and posixpath.dirname(process.path) in (
        "/usr/lib/systemd",
        "/lib/systemd",
    )


def merged(path: str) -> str:
    """Return a program's path as it is where /bin and /sbin are links into /usr."""
    return f"/usr{path}" if path.startswith(("/bin/", "/sbin/", "/lib/")) else path


def _is_of_a_package(unit: UserUnit) -> bool:
    return unit.target == "/dev/null" or unit.target.startswith("/usr/lib/systemd/user/")


def _is_system_path(path: str) -> bool:
    return matches(path, ("/usr/*", "/bin/*", "/sbin/*", "/lib/*")) and not path.startswith("/usr/local/")

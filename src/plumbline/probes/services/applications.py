"""Applications that run as root or as an administrator: processes, units that start at boot, jobs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plumbline.probes.services.accounts import ServiceAccounts
from plumbline.probes.services.running import Process
from plumbline.probes.services.unit_settings import is_full_privilege

_BESIDE_START = ("ExecCondition", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost")


@dataclass(frozen=True)
class Applications(ServiceAccounts):
    """What is neither the distribution's nor the site's, and the rights it has."""

    def _is_privileged(self, uids: Iterable[int]) -> str:
        """Return why an account is privileged; empty if it is not."""
        for uid in uids:
            if uid == 0:
                return "root"
            if groups := self.privileged_groups(self.name(uid)):
                return f"{self.name(uid)}, in {', '.join(groups)}"
        return ""

    def privileged_processes(self) -> list[str]:
        """Applications that run as root or as an administrator, and need not by the specification."""
        found = []
        for process in self._applications():
            service = self.service(process)
            why = self._is_privileged(process.uids)
            if why and (service is None or service.privileged is None):
                found.append(f"{process} in {process.unit or process.cgroup}: as {why}")
        return found

    def _applications(self) -> Iterator[Process]:
        yield from self.application_processes
        for process in self.required.running.processes.values():
            if process.pid == 1 or (process.unit.endswith(".service") and not process.user_unit):
                continue
            if (not process.unit and process.cgroup != "/init.scope") or _is_application(process):
                yield process

    def privileged_at_boot(self) -> list[str]:
        """The host's own unit files that start an application as root or as an administrator.

        A package's unit without `User=` is left out: its program may take root's rights off by itself, and
        is judged as it runs.
        """
        found = []
        files = self.required.settings.files(self.required.on_disk)
        for unit in self.application_units():
            package = self.required.package_of(unit)
            service = self.required.permitted.service_of(unit, package)
            if service is not None and service.privileged is not None:
                continue
            lines, dynamic = files.settings(unit, "User"), files.settings(unit, "DynamicUser")
            user = _expanded(lines[-1].value, unit) if lines else ""
            passing = dynamic and dynamic[-1].value.lower() in ("yes", "true", "1", "on")
            if passing and user not in ("root", "0", *self.local.by_name):
                continue
            place = f"{lines[-1].file}:{lines[-1].line}" if lines else self.required.on_disk.file(unit)
            if user in ("root", "0") or "%" in user or (not user and package is None):
                found.append(f"{place}: {unit}: as root")
            elif why := self.privileged_groups(user):
                found.append(f"{place}: {unit}: as {user}, in {', '.join(why)}")
            found += [str(line) for line in self._with_full_privileges(unit)]
        return found

    def _with_full_privileges(self, unit: str) -> Iterator[object]:
        files = self.required.settings.files(self.required.on_disk)
        root_but_for_start = [
            line.value.lower() in ("yes", "true", "1", "on")
            for line in files.settings(unit, "PermissionsStartOnly")
        ]
        for key in ("ExecStart", *_BESIDE_START):
            for line in files.settings(unit, key):
                at_start = key in _BESIDE_START and root_but_for_start[-1:] == [True]
                if at_start or is_full_privilege(f"{key}={line.value}"):
                    yield f"{line.file}:{line.line}: {unit}: {key}={line.value}"

    def privileged_jobs(self) -> list[str]:
        """Jobs that no package brought so and that run as root or as an administrator."""
        found = []
        for job in self.required.installed.jobs:
            service = self.required.permitted.file(job.file)
            account = self.local.by_name.get(job.user)
            if service is not None and service.privileged is not None:
                continue
            if account is not None and (why := self._is_privileged([account.uid])):
                found.append(f"{job}" if why == job.user else f"{job} ({why})")
        return found


def _expanded(user: str, unit: str) -> str:
    """Return an account with the instance's name in it, where a template names it so (systemd.unit(5))."""
    instance = unit.partition("@")[2].rpartition(".")[0]
    return re.sub("%[iI]", instance, user) if instance else user


def _is_application(process: Process) -> bool:
    """Say whether a process is of a program beside the system's directories, or runs such a script."""
    own = ("/opt/", "/srv/", "/usr/local/", "/home/", "/memfd:")
    script = process.words[1:2] if process.program != posixpath.basename(process.path) else ()
    return any(path.startswith(own) for path in (process.path, *script))

"""The kiosk: what an operator can reach beside the application."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plumbline.probes.hmi import allowed, browser, consoles, xorg
from plumbline.probes.hmi.accounts import Account
from plumbline.probes.hmi.remote import REMOTE, RemoteFacts
from plumbline.probes.hmi.service import KioskService
from plumbline.probes.hmi.session import SESSION, Process, Server, SessionFacts
from plumbline.probes.hmi.station import STATION, StationFacts
from plumbline.probes.subject import Subject
from plumbline.probes.systemd import ON_DISK
from plumbline.spec.kiosk import Kiosk
from plumbline.verify.unknown import Unknown

__all__ = ["ON_DISK", "REMOTE", "SESSION", "STATION", "Hmi"]

_NO_CONSOLE = ("Xvfb", "Xvnc", "Xtigervnc", "Xephyr", "Xnest")
"""Servers of windows that use no virtual terminal and read no keyboard."""


class Hmi(Subject):
    """The kiosk: what an operator can reach beside the application."""

    @property
    def _session(self) -> SessionFacts:
        return self.read(SESSION)

    @property
    def _station(self) -> StationFacts:
        return self.read(STATION)

    @property
    def remote(self) -> RemoteFacts:
        """What takes sessions from other machines."""
        return self.read(REMOTE)

    # --- the application

    def _account(self, kiosk: Kiosk) -> Account:
        found = self._session.accounts.get(kiosk.user)
        if found is None:
            raise Unknown(
                "nothing is known of the account {user}: no unit runs as it and it has no session",
                user=kiosk.user,
            )
        return found

    def _services(self, kiosk: Kiosk, services: Iterable[KioskService]) -> list[KioskService]:
        account = self._session.accounts.get(kiosk.user)
        names = {kiosk.user, account.uid} if account else {kiosk.user}
        return [
            each
            for each in services
            if each.user in names and not each.unit.startswith(("user@", "user-runtime"))
        ]

    def _running(self, kiosk: Kiosk) -> list[Process]:
        account = self._session.accounts.get(kiosk.user)
        return [each for each in self._session.processes.values() if account and each.uid == account.uid]

    def _opened_otherwise(self, kiosk: Kiosk, services: Sequence[KioskService]) -> None:
        """Raise `Unknown` where the application runs but no service of systemd's started it."""
        if not services and any(allowed.is_application(each, kiosk) for each in self._running(kiosk)):
            raise Unknown(
                "no service of systemd runs as {user}: whether the application starts at boot and comes back "
                "cannot be told; have a service start it, or show it by hand",
                user=kiosk.user,
            )

    def application_missing_now(self, kiosk: Kiosk) -> list[str]:
        """Return why the declared application does not run as declared now; nothing if it does."""
        if any(allowed.is_application(each, kiosk) for each in self._running(kiosk)):
            return []
        services = self._services(kiosk, self._session.now)
        started = [each for each in services if each.active == "active" and each.starts(kiosk.words)]
        if any(each.main in self._session.processes for each in started) and allowed.hides_its_name(kiosk):
            return []
        told = [f"{each.unit} is {each.active}: {'; '.join(each.commands)}" for each in services]
        return told or [f"nothing runs as {kiosk.user}"]

    def application_missing_at_boot(self, kiosk: Kiosk) -> list[str]:
        """Return why the declared application will not be started at the next boot; nothing if it will."""
        services = self._services(kiosk, self._session.boot)
        self._opened_otherwise(kiosk, services)
        disk = self.read(ON_DISK)
        starting = [each for each in services if each.starts(kiosk.words)]
        if not starting and services:
            running = {each.unit: each.main for each in self._services(kiosk, self._session.now)}
            application = {each.pid for each in self._running(kiosk) if allowed.is_application(each, kiosk)}
            starting = [each for each in services if self._above(application, running.get(each.unit, "0"))]
        told = []
        for each in starting:
            state = disk.state(each.unit)
            if state == "enabled" and not each.conditions:
                return []
            told += [f"{each.unit} is {state}"] if state != "enabled" else list(each.conditions)
        told += [f"{each.unit}: {'; '.join(each.commands)}" for each in services if each not in starting]
        return told or [f"no service runs as {kiosk.user}"]

    def _above(self, pids: set[str], main: str) -> bool:
        """Say whether one of these processes is the main process of a unit, or descends from it."""
        for pid in pids:
            seen = set()
            while pid in self._session.processes and pid not in seen:
                if pid == main:
                    return True
                seen.add(pid)
                pid = self._session.processes[pid].parent
        return False

    def not_coming_back_now(self, kiosk: Kiosk, longest: int) -> list[str]:
        """Return why systemd, as it is now, would not start the application again within so many seconds."""
        services = self._services(kiosk, self._session.now)
        self._opened_otherwise(kiosk, services)
        if not services:
            return [f"no service runs as {kiosk.user}"]
        return [told for each in services for told in each.not_coming_back(longest)]

    def not_coming_back_at_boot(self, kiosk: Kiosk, longest: int) -> list[str]:
        """Return why, by its unit's files, the application would not be started again after the next boot."""
        services = self._services(kiosk, self._session.boot)
        self._opened_otherwise(kiosk, services)
        if not services:
            return [f"no service runs as {kiosk.user}"]
        return [told for each in services for told in each.not_coming_back(longest)]

    def other_programs(self, kiosk: Kiosk) -> list[Process]:
        """Return what runs in the operator's name beside the application and what shows its windows."""
        self._account(kiosk)
        return [each for each in self._running(kiosk) if not allowed.is_allowed(each, kiosk)]

    def starting_by_itself(self, kiosk: Kiosk) -> list[str]:
        """Return files by which more than the application starts in the operator's name."""
        return [*self._account(kiosk).own, *self._station.autostart]

    def installed(self, *kinds: str) -> list[str]:
        """Return the installed programs of some kinds: `terminal`, `files`, `desktop`, `launcher`."""
        return [path for kind in kinds for path in self._station.programs.get(kind, [])]

    def other_sessions(self, kiosk: Kiosk) -> list[str]:
        """Return the sessions a display manager could open that are not the declared application."""
        wanted = " ".join(kiosk.words)
        return [
            f"{file}: {command}"
            for file, command in self._station.sessions.items()
            if command.strip() != wanted
        ]

    # --- the keys

    @property
    def consoles_now(self) -> list[str]:
        """Consoles that ask for a login now, or when switched to."""
        return consoles.consoles_now(self._station)

    @property
    def consoles_at_boot(self) -> list[str]:
        """Consoles that will ask for a login after the next boot, or when switched to then."""
        return consoles.consoles_at_boot(self._station, self.read(ON_DISK))

    @property
    def ctrl_alt_del_now(self) -> list[str]:
        """What Ctrl-Alt-Del does now."""
        return consoles.ctrl_alt_del_now(self._station)

    @property
    def ctrl_alt_del_at_boot(self) -> list[str]:
        """What Ctrl-Alt-Del will do after the next boot."""
        return consoles.ctrl_alt_del_at_boot(self._station)

    @property
    def sysrq_forced(self) -> list[str]:
        """Words of the kernel's command line that open SysRq whatever its setting says."""
        return [
            f"kernel command line: {word}"
            for word in self._station.cmdline
            if word.startswith("sysrq_always")
        ]

    def key_open_now(self, option: str) -> list[str]:
        """Return the servers of windows whose option of X (`DontVTSwitch`, `DontZap`) is not on now."""
        found = []
        if not self._session.servers:
            raise Unknown("no program that shows windows runs: which keys it leaves open cannot be seen")
        for server in self._session.servers:
            if server.name in _NO_CONSOLE:
                continue
            if server.name in ("X", "Xorg"):
                if server.log is None:
                    raise Unknown("the log of {server} cannot be found", server=str(server.process))
                made = xorg.logged(server.log, option, f"process {server.process.pid}")
                found += [] if made.on else [str(made)]
            else:
                found += self._of_other(server, option)
        return found

    @staticmethod
    def _of_other(server: Server, option: str) -> list[str]:
        if server.name == "cage":
            opened = option == "DontVTSwitch" and "-s" in server.words.split()[1:]
            return [f"{server.words} (process {server.process.pid})"] if opened else []
        raise Unknown("nobody here knows which keys {server} leaves open", server=server.name)

    def key_open_at_boot(self, option: str) -> list[str]:
        """Return why X's option will not be on when X starts again; other servers tell by their command."""
        others = [each for each in self._session.servers if each.name not in ("X", "Xorg", *_NO_CONSOLE)]
        if others:
            return [told for each in others for told in self._of_other(each, option)]
        for server in self._session.servers:
            for word in server.words.split():
                if word in ("-config", "-configdir", "-layout"):
                    raise Unknown(
                        "X was started with {word}: which files it reads is not known here", word=word
                    )
        made = xorg.configured(self._station.files, option)
        return [] if made.on else [str(made)]

    @property
    def open_displays(self) -> list[str]:
        """X servers that let others draw and type: without a cookie, or over the network."""
        found = []
        for server in self._session.servers:
            words = server.words.split()
            if server.name not in ("X", "Xorg"):
                continue
            if "-ac" in words or "-auth" not in words:
                found.append(f"process {server.process.pid} asks for no cookie: {server.words}")
            if "-listen" in words and words[words.index("-listen") + 1 :][:1] == ["tcp"]:
                found.append(f"process {server.process.pid} listens to the network: {server.words}")
        return found

    # --- the operator's account

    def logins(self, kiosk: Kiosk) -> list[str]:
        """Return by which roads somebody could log on as the operator's account."""
        account = self._account(kiosk)
        if account.password is None:
            raise Unknown(
                "{user} is no account of this host: where it may log on is said by the directory",
                user=kiosk.user,
            )
        found = []
        if account.password in ("usable", "empty"):
            found.append(f"{account.name} has a password that is {account.password}")
        if account.shell.rsplit("/", 1)[-1] not in ("nologin", "false"):
            found.append(f"{account.name} has the shell {account.shell}")
        return [*found, *account.keys]

    def rights(self, kiosk: Kiosk, groups: Iterable[str]) -> list[str]:
        """Return by what the operator's account may do more than others: sudo, doas, one of these groups."""
        account = self._account(kiosk)
        found = []
        if account.sudo is not None and "not allowed to run" not in account.sudo:
            if not account.sudo:
                raise Unknown("sudo does not say what {user} may run", user=kiosk.user)
            found.append(account.sudo)
        found += [f"/etc/doas.conf:{line}" for line in account.doas]
        return found + [f"{account.name} is in the group {name}" for name in groups if name in account.groups]

    # --- a browser

    def open_browser(self, wanted: browser.Browser, policies: Sequence[str]) -> list[str]:
        """Return the words and policies by which a browser lets its user reach more than its pages."""
        return browser.open_words(wanted) + browser.differing(wanted, self._station.files, policies)

    def open_addresses(self, wanted: browser.Browser, accepted: Sequence[str]) -> list[str]:
        """Return the URL patterns a browser may open beside the accepted ones."""
        found = browser.addresses(wanted, self._station.files)
        return [each for each in found if each.split(" (", 1)[0] not in accepted]

"""systemd units: running or not, now and at the next boot."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host
from pyinfra.operations.util import any_changed

from deploys.mechanisms.files import write
from plumbline.apply.telling import tell, tell_touches

Commands = Generator[StringCommand, None, None]

STARTS_AT_BOOT = frozenset({"enabled", "static", "alias", "generated", "indirect"})
"""Unit file states with nothing left to enable; `enabled-runtime` is gone after a boot (systemctl(1))."""

NEVER_STARTS = frozenset({"disabled", "static", "masked", "indirect", "", "transient", "bad"})
"""Unit file states with nothing left to disable."""


@dataclass(frozen=True)
class UnitOnHost:
    """A unit as systemd sees it, found under any of its names (systemctl(1), `show`)."""

    load: str
    active: str
    sub: str
    file: str

    @property
    def exists(self) -> bool:
        """Say whether there is such a unit."""
        return self.load not in ("not-found", "")

    @property
    def running(self) -> bool:
        """Say whether it is active, or will be in a moment."""
        return self.active in ("active", "reloading", "activating") and self.sub != "auto-restart"


class Unit(FactBase[UnitOnHost]):
    """Read the state of one unit; an alias gives the state of the unit it stands for."""

    def command(self, unit: str) -> str:
        """Return the command; one block comes back, so it cannot be taken for another unit's."""
        properties = "LoadState,ActiveState,SubState,UnitFileState"
        return f"systemctl show -p {properties} -- {shlex.quote(unit)}"

    def process(self, output: list[str]) -> UnitOnHost:
        """Parse `Property=value` lines."""
        told = dict(line.split("=", 1) for line in output if "=" in line)
        load, active, sub, file = (
            told.get(name, "") for name in ("LoadState", "ActiveState", "SubState", "UnitFileState")
        )
        return UnitOnHost(load, active, sub, file)


def _systemctl(verb: str, unit: str) -> str:
    return f"systemctl {verb} -- {shlex.quote(unit)}"


@operation()
def _unit_on(unit: str) -> Commands:
    there = host.get_fact(Unit, unit=unit)
    commands = []
    tell_touches(units=[unit])
    if there.load == "masked" or there.file.startswith("masked"):
        tell("it is masked; it is unmasked")
        commands.append(_systemctl("unmask", unit))
    if there.file not in STARTS_AT_BOOT:
        tell(f"at boot: {there.file or 'unknown yet'} → enabled")
        commands.append(_systemctl("enable", unit))
    if not there.running:
        tell(f"now: {there.active or 'inactive'} → active")
        quoted = shlex.quote(unit)
        commands.append(
            f"systemctl start -- {quoted} && systemctl is-active -q -- {quoted} || "
            f"{{ systemctl status -n 5 --no-pager -- {quoted}; exit 1; }}"
        )
    if not commands:
        host.noop(f"{unit} runs and starts at boot")
    for command in commands:
        yield StringCommand(command)


@operation()
def _unit_off(unit: str, brought: bool) -> Commands:
    there = host.get_fact(Unit, unit=unit)
    if not brought and (not there.exists or (there.file in NEVER_STARTS and not there.running)):
        host.noop(
            f"{unit} does not run and does not start at boot" if there.exists else f"there is no {unit}"
        )
        return
    tell_touches(units=[unit])
    if there.file not in NEVER_STARTS or brought:
        tell(f"at boot: {there.file or 'enabled by its package'} → disabled")
    if there.running or brought:
        tell(f"now: {there.active or 'started by its package'} → inactive")
    yield StringCommand(_systemctl("disable --now", unit))


@operation()
def _unit_masked(unit: str, brought: bool) -> Commands:
    there = host.get_fact(Unit, unit=unit)
    if not brought and there.file == "masked" and not there.running:
        host.noop(f"{unit} is masked and does not run")
        return
    tell(f"{there.file or 'no unit file'}, {there.active or 'inactive'} → masked, inactive")
    tell_touches(units=[unit])
    yield StringCommand(_systemctl("mask --now", unit))


@operation(is_idempotent=False)
def _unit_restarted(unit: str, verb: str) -> Commands:
    tell_touches(units=[unit])
    yield StringCommand(_systemctl(verb, unit))


@operation(is_idempotent=False)
def _daemon_reloaded() -> Commands:
    tell_touches()
    yield StringCommand("systemctl daemon-reload")


@operation()
def _drop_in(path: str, content: str) -> Commands:
    changed = False
    for command in write(path, content, "0644", "root", "root", None):
        changed = True
        yield command
    if changed:
        yield StringCommand("systemctl daemon-reload")


def _brought(operation: OperationMeta | None) -> bool:
    return operation is not None and operation.will_change


def unit_on(unit: str) -> OperationMeta:
    """Make a unit run now and start at every boot; a mask is taken away.

    Fails, with the last lines of its status, when it does not run after it was started. Not for oneshot units
    that end at once.
    """
    return _unit_on(unit=unit, name=f"{unit} runs and starts at boot")


def unit_off(unit: str, *, brought_by: OperationMeta | None = None) -> OperationMeta:
    """Make a unit stop now and not start at boot by itself; another unit or a socket may still start it.

    A unit that does not exist needs nothing. `brought_by`: the operation that installs its package in the
    same run, because Debian packages start what they bring.
    """
    return _unit_off(unit=unit, brought=_brought(brought_by), name=f"{unit} does not run")


def unit_masked(unit: str, *, brought_by: OperationMeta | None = None) -> OperationMeta:
    """Make a unit stop now and impossible to start, also by others, also one that is not installed yet."""
    return _unit_masked(unit=unit, brought=_brought(brought_by), name=f"{unit} is masked")


def unit_restarted(unit: str, *, when: Sequence[OperationMeta], verb: str = "restart") -> OperationMeta:
    """Restart a unit after a change; `verb` may be `reload`, `try-restart`, `reload-or-restart`, …"""
    if not when:
        raise OperationError(f"{unit} would be restarted in every run; say after which operations")
    return _unit_restarted(unit=unit, verb=verb, name=f"{verb.capitalize()} {unit}", _if=any_changed(*when))


@operation(is_idempotent=False)
def _waited_for(condition: str, seconds: int) -> Commands:
    tell_touches()
    yield StringCommand(
        f"i=0; until {{ {condition}; }} 2>/dev/null || [ $i -ge {4 * seconds} ]; "
        "do i=$((i+1)); sleep 0.25; done"
    )


def waited_for(condition: str, seconds: int, *, what: str, when: Sequence[OperationMeta]) -> OperationMeta:
    """Wait after a change until a shell command succeeds, so many seconds at most; it never fails."""
    return _waited_for(
        condition=condition, seconds=seconds, name=f"Wait until {what}", _if=any_changed(*when)
    )


def daemon_reloaded(*, when: Sequence[OperationMeta]) -> OperationMeta:
    """Make systemd read unit files anew after a change of one."""
    if not when:
        raise OperationError("systemd would be reloaded in every run; say after which operations")
    return _daemon_reloaded(name="Reload systemd", _if=any_changed(*when))


def drop_in(unit: str, content: str, *, name: str = "60-plumbline") -> OperationMeta:
    """Write a unit's drop-in `/etc/systemd/system/<unit>.d/<name>.conf` and reload systemd."""
    path = f"/etc/systemd/system/{unit}.d/{name}.conf"
    return _drop_in(path=path, content=content, name=f"Write {path}")

"""What the tests of the guard share: a host with things to lose, a mess made of it, a full listing."""

from __future__ import annotations

from pathlib import Path

from plumbline.apply import guard
from plumbline.apply.guard import Command, RestoreResult, Scope
from plumbline.apply.guard.answers import AnswerT
from plumbline.errors import NotReachedError
from plumbline.lab import Lab

HOST = "srv-app-01"

LOST = 255
"""How ssh ends when the connection does."""

SCOPE = Scope(
    paths=frozenset({"/opt/kept", "/opt/absent", "/opt/many*"}),
    access=frozenset({"/opt/log"}),
    packages=frozenset({"outgoing"}),
)

PREPARED = Path(__file__).with_name("guard_prepared.sh").read_text()
"""Gives the host files of every kind with ACLs and attributes, a table, two packages to lose and to gain."""
MESS = Path(__file__).with_name("guard_mess.sh").read_text()
"""Changes, removes and adds in every kind of thing that the guard keeps."""
LISTING = Path(__file__).with_name("guard_listing.sh").read_text()
"""Prints all of that, files with owner, mode, times, links, digest, ACL and attributes."""


class Guarded:
    """One host of a lab and the guard on it; `wrong` shows what differs from `before`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.before: list[str] = []

    def sh(self, command: str, *, check: bool = True) -> str:
        """Run a command and return what it printed."""
        return self._lab.run(HOST, command, check=check).stdout

    def do(self, command: Command[AnswerT]) -> AnswerT:
        """Carry a command of the guard out; GuardError if it refuses."""
        done = self._lab.run(
            HOST, command.line, check=False, input=command.stdin or None, timeout=command.timeout
        )
        if done.returncode == LOST:
            raise NotReachedError(done.stderr)
        assert (done.returncode == 0) == ('"ok":true' in done.stdout), (done.stdout, done.stderr)
        return guard.parse(command.answers, done.stdout)

    def begin(self, scope: Scope = SCOPE, *, seconds: int | None = 600) -> str:
        """Begin a run and arm it, from a state that is kept in `before`; return its id."""
        self.before = self.listing()
        run = guard.run_id()
        self.do(guard.begin(run, scope, who="admin1", plan="0" * 64, controller="here"))
        if seconds is not None:
            self.do(guard.arm(run, seconds))
        return run

    def mess(self) -> None:
        """Change the host in every way; PlumblineError if one of the changes could not be made."""
        self._lab.run(HOST, "/bin/bash -s", input=MESS)
        assert len(self.wrong()) > 100

    def restored(self, run: str, wait: int = 60) -> RestoreResult:
        """Wait for the host's own restore, which ends the connection that the run was begun over."""
        while True:
            try:
                return self.do(guard.result(run, wait))
            except NotReachedError:
                self._lab.host(HOST).entry.forget()

    def listing(self) -> list[str]:
        """Return all that the guard keeps, a line a fact."""
        return self._lab.run(HOST, "/bin/bash -s", input=LISTING).stdout.splitlines()

    def wrong(self) -> set[str]:
        """Return the lines that are only before or only now."""
        return set(self.before) ^ set(self.listing())

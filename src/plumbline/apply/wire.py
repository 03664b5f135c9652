"""The worker's end of the pipes to its parent: JSON lines out, lines in; and what the parent wants done."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]  # it has no types
from gevent.fileobject import FileObjectPosix  # type: ignore[import-untyped]  # as above
from gevent.lock import BoundedSemaphore  # type: ignore[import-untyped]  # as above
from gevent.queue import Queue  # type: ignore[import-untyped]  # as above

from plumbline.apply.waves import Rollout
from plumbline.secrets import MissingSecretError


@dataclass(frozen=True)
class Request:
    """What the parent wants: see `plumbline.apply.client.apply_hosts`.

    `run` is the id of the run, `who` the administrator and `controller` this machine, for the hosts' records;
    `restore_after` are the seconds a host waits for a sign of us; `exact`: only what the kept plan holds.
    `accept_worse`: controls that may get worse. `outside_window`: why hosts may be
    changed outside their maintenance windows, None if they may not. `readdress`: hosts that `addresses` of
    connection.yml reaches elsewhere take their specified address.
    """

    inventory: Path
    hosts: list[str]
    standard: str
    deploys: Path
    dry: bool
    run: str
    who: str
    controller: str
    restore_after: int
    exact: bool
    accept_worse: list[str]
    rollout: Rollout
    outside_window: str | None
    despite_owed_reboot: bool
    readdress: bool

    @classmethod
    def read(cls, line: str) -> Request:
        """Read the request from the parent's first line."""
        asked: dict[str, Any] = json.loads(line)
        canaries, wave, failures = asked["rollout"]
        return cls(
            **{
                **asked,
                "inventory": Path(asked["inventory"]),
                "deploys": Path(asked["deploys"]),
                "rollout": Rollout(tuple(canaries), wave, failures),
            }
        )


class Wire:
    """JSON lines to the parent and lines from it; everything else this process prints goes to stderr.

    `gone`: the parent has ended, so nobody would hear a question or a result.
    """

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        self._in = FileObjectPosix(os.dup(0), "r", encoding="utf-8")
        os.dup2(2, 1)
        # A library that asks a question must find nobody, not our parent.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        self.gone = False
        self._lines = Queue()
        self._asking = BoundedSemaphore(1)
        self._secrets: dict[str, str] = {}
        gevent.spawn(self._listen)

    def send(self, event: str, **content: object) -> None:
        """Write one event; a parent that is gone is remembered."""
        try:
            print(json.dumps({"event": event, **content}), file=self._out, flush=True)
        except (BrokenPipeError, ValueError):
            self.gone = True

    def receive(self) -> str:
        """Wait for one line while the greenlets go on; empty when the parent is gone."""
        if self.gone and self._lines.empty():
            return ""
        return str(self._lines.get())

    def secret(self, name: str) -> str:
        """Ask the parent for a secret, one host at a time; MissingSecretError if it has none."""
        with self._asking:
            if name not in self._secrets:
                self.send("secret", name=name)
                answer = json.loads(self.receive() or '{"problem": "nobody is there to give it"}')
                if "problem" in answer:
                    raise MissingSecretError(answer["problem"])
                self._secrets[name] = answer["secret"]
        return self._secrets[name]

    def _listen(self) -> None:
        """Read on all the time, so that a parent that is killed is noticed while hosts are changed."""
        for line in self._in:
            self._lines.put(line.strip())
        self.gone = True
        self._lines.put("")

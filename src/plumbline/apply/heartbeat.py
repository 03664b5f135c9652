"""A sign of life to a host that waits for it: while it comes, the host does not restore itself."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from plumbline.apply import guard
from plumbline.apply.shell import LinkLostError, Shell

BEATS = 3
"""How many signs are sent in the time after which the host restores: two may get lost."""


MARGIN_SECONDS = 1.0
"""How long before the host's own time is up it is left alone."""


class Heartbeat:
    """Extends an armed run as long as the block lasts; it falls silent by itself when the host refuses.

    `shell` is the connection that the signs go by, and may be replaced by another. `until` is the earliest
    time at which the host would restore itself (monotonic, s).
    """

    def __init__(self, shell: Shell, run: str, seconds: int) -> None:
        self.shell, self._run, self._seconds = shell, run, seconds
        self._enough = threading.Event()
        self.until = time.monotonic() + seconds

    def __enter__(self) -> Self:
        # In the process that talks to the hosts this is a greenlet, as everything of threading is there.
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send no more signs."""
        self._enough.set()

    @property
    def expired(self) -> bool:
        """Whether the host may be restoring itself: from then on nothing must be changed there."""
        return time.monotonic() > self.until - MARGIN_SECONDS

    def _beat(self) -> None:
        while not self._enough.wait(self._seconds / BEATS):
            began = time.monotonic()
            try:
                self.shell.ask(guard.extend(self._run, self._seconds))
            except LinkLostError:
                continue  # it may come back; if it does not, the host's time runs out, as it shall
            except guard.GuardError as error:
                if error.kind in ("too-late", "state"):
                    return
                continue
            self.until = began + self._seconds

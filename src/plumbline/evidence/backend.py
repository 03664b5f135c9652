"""A testinfra backend that answers from evidence: probes are looked up, anything else is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import testinfra.backend
from testinfra.backend.base import BaseBackend, CommandResult

from plumbline.evidence.bundle import Evidence
from plumbline.probes.base import Probe
from plumbline.verify.unknown import Unknown


class EvidenceBackend(BaseBackend):  # type: ignore[misc]  # testinfra ships no types
    """Answers the commands of probes from evidence, with the same verdict live or years later.

    `source` is the evidence, or the file of it: testinfra makes the backend from `evidence://FILE`, with any
    slash in FILE percent-encoded. `probes` are those that may be read, all of Linux by default.
    """

    NAME = "evidence"

    def __init__(
        self,
        source: Evidence | str,
        *args: Any,  # noqa: ANN401  (testinfra's signature)
        probes: Iterable[Probe[Any]] | None = None,
        **kwargs: Any,  # noqa: ANN401  (testinfra's signature)
    ) -> None:
        self.evidence = Evidence.read(Path(unquote(source))) if isinstance(source, str) else source
        super().__init__(self.evidence.hostname, *args, **kwargs)
        if probes is None:
            from plumbline.probes import all_probes

            probes = all_probes()
        self._probes: dict[str, Probe[Any]] = {}
        for probe in probes:
            self._probes.setdefault(probe.command, probe)

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:  # noqa: ANN401, ARG002
        """Return what the probe with exactly this command printed; Unknown if there is no such answer."""
        command = self.quote(command, *args)
        probe = self._probes.get(command)
        if probe is None:
            raise Unknown("evidence answers probes only, and no probe is: {command}", command=command[:200])
        output = self.evidence.output(probe)
        return self.result(output.exit_status, command.encode(), output.stdout, output.stderr)

    def get_encoding(self) -> str:
        """Return the encoding of what hosts print; testinfra would ask the host's Python."""
        return "utf-8"

    def decode(self, data: bytes) -> str:
        """Return bytes as text, those that are none as escapes."""
        return data.decode("utf-8", "backslashreplace")


def register() -> None:
    """Let testinfra find the backend by its name, `evidence`."""
    testinfra.backend.BACKENDS[EvidenceBackend.NAME] = f"{__name__}.{EvidenceBackend.__name__}"

"""What the suites see of a host: a subject's observations, read from probes and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.verify.unknown import Unknown

if TYPE_CHECKING:
    from plumbline.probes.host import DeliveredHost

T = TypeVar("T")


class Subject:
    """Observations of one subject on one host; each probe is read and parsed once."""

    def __init__(self, host: DeliveredHost) -> None:
        self._host = host

    def read(self, probe: Probe[T]) -> T:
        """Return what a probe observed; `Unknown` if it failed, was not asked, or cannot be parsed."""
        return self._host.read(probe)


def parsed(probe: Probe[T], output: Output) -> T:
    """Parse a probe's output; `Unknown` if the exit status is no answer or the text is not understood."""
    if output.exit_status not in probe.exits:
        lines = output.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        raise Unknown(
            "the probe {probe} failed with exit status {status}: {error}",
            probe=probe.name,
            status=output.exit_status,
            error=lines[-1][:200] if lines else "—",
        )
    try:
        return probe.parse(output)
    except (ParseError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Unknown(
            "what the probe {probe} printed is not understood: {error}",
            probe=probe.name,
            error=f"{type(error).__name__}: {error}"[:200],
        ) from error

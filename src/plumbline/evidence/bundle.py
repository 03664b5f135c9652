"""Evidence: what all probes of one host printed at one time, read back and asked probe by probe."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from plumbline.evidence.collector import EVIDENCE_MAX
from plumbline.evidence.document import Answer, parse
from plumbline.evidence.errors import EvidenceError
from plumbline.evidence.printable import last_line
from plumbline.probes.base import PROBE_OUTPUT_MAX, Output, Probe
from plumbline.verify.unknown import Unknown

__all__ = ["Evidence", "EvidenceError"]


@dataclass(frozen=True)
class Evidence:
    """Evidence that is whole: not a byte is missing or was changed since it was collected.

    That says nothing about who collected it, for which see `plumbline.evidence.sign`. `machine` tells hosts
    apart that have one name; `digest` is the SHA-256 over the document; `raw` is the document itself.
    """

    hostname: str
    machine: str
    kernel: str
    start: datetime
    end: datetime
    user: str
    uid: int
    collector_version: str
    collector_digest: str
    digest: str
    probes: Mapping[str, Answer] = field(repr=False)
    raw: bytes = field(repr=False)

    @classmethod
    def parse(cls, raw: bytes) -> Evidence:
        """Read a document; EvidenceError, saying what is wrong with it, if it cannot be believed."""
        document = parse(raw)
        return cls(
            hostname=document.host.hostname,
            machine=document.host.machine,
            kernel=document.host.kernel,
            start=document.collected.start,
            end=document.collected.end,
            user=document.collected.user,
            uid=document.collected.uid,
            collector_version=document.collector.version,
            collector_digest=document.collector.digest,
            digest=document.digest.removeprefix("sha256:"),
            probes=document.probes,
            raw=raw,
        )

    @classmethod
    def read(cls, path: Path) -> Evidence:
        """Read an evidence file; EvidenceError naming it if it cannot be read or believed."""
        try:
            return cls.parse(read_limited(path))
        except EvidenceError as error:
            if error.file is not None:
                raise
            raise EvidenceError(error.message, file=path, hint=error.hint) from error

    def output(self, probe: Probe[Any]) -> Output:
        """Return what a probe printed.

        Raises Unknown, with the reason, when that is not the whole answer to this very question: the probe
        was not asked, was asked in other words or without root's rights, ran out of its time, printed more
        than is kept, or ended with a status that is no answer.
        """
        answer = self._answer(probe)
        if answer.state == "timeout":
            raise Unknown("the probe {probe} ran out of its {limit} s", probe=probe.name, limit=probe.limit)
        if answer.state == "skipped":
            raise Unknown(
                "the probe {probe} was not asked: the collector had used up its time", probe=probe.name
            )
        if answer.state == "broken" or answer.exit is None:
            raise Unknown("the probe {probe} was ended before it could answer", probe=probe.name)
        if answer.cut:
            raise Unknown(
                "the probe {probe} printed more than the {limit} KiB that are kept",
                probe=probe.name,
                limit=PROBE_OUTPUT_MAX // 1024,
            )
        if answer.exit not in probe.exits:
            raise Unknown(
                "the probe {probe} failed with exit status {status}: {error}",
                probe=probe.name,
                status=answer.exit,
                error=last_line(answer.err) or "—",
            )
        return Output(answer.out, answer.err, answer.exit)

    def _answer(self, probe: Probe[Any]) -> Answer:
        answer = self.probes.get(probe.name)
        if answer is None:
            raise Unknown("the evidence holds no answer of the probe {probe}", probe=probe.name)
        if answer.asked != probe.digest:
            raise Unknown(
                "the probe {probe} was asked in other words, by collector {version}",
                probe=probe.name,
                version=self.collector_version,
            )
        if self.uid != 0:
            raise Unknown(
                "the evidence was collected as {user}, not as root; the probe {probe} may not have seen all",
                user=self.user,
                probe=probe.name,
            )
        return answer


def signature_file(file: Path) -> Path:
    """Return where the signature of a file stands."""
    return file.with_name(f"{file.name}.sig")


def read_limited(path: Path, limit: int = EVIDENCE_MAX) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes, never reading more; else EvidenceError."""
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its writer before it can be told from a file.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            os.close(descriptor)
            raise EvidenceError(f"it is {'a directory' if stat.S_ISDIR(mode) else 'not a file'}", file=path)
        with os.fdopen(descriptor, "rb") as file:
            raw = file.read(limit + 1)
    except FileNotFoundError as error:
        raise EvidenceError("there is no such file", file=path) from error
    except OSError as error:
        raise EvidenceError(f"it cannot be read: {error.strerror}", file=path) from error
    if len(raw) > limit:
        size = f"{limit // 1024 // 1024} MiB" if limit >= 1024 * 1024 else f"{limit // 1024} KiB"
        raise EvidenceError(f"it is larger than {size}, which no such file is", file=path)
    return raw

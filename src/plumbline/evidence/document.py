"""The evidence document as it is written: one JSON object a host, closed by the digest of all before it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from plumbline.evidence.collector import EVIDENCE_MAX
from plumbline.evidence.errors import EvidenceError
from plumbline.evidence.printable import printable
from plumbline.model import Strict

FORMAT = 1
"""The version of the format, `plumbline_evidence`; a reader refuses a newer one."""

_END = re.compile(rb'"digest":"sha256:([0-9a-f]{64})"\}\n')
_END_LENGTH = len('"digest":"sha256:"}\n') + 64
_COLLECT_AGAIN = "collect it again on the host"


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("it is not base64 text")  # noqa: TRY004  (pydantic turns only ValueError into a finding)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"it is not base64: {error}") from error


def _plain(value: object) -> object:
    """Return a text, safe to show, that may have been encoded because it needed quoting."""
    if isinstance(value, dict) and set(value) == {"base64"}:
        decoded = _decoded(value["base64"])
        value = decoded.decode("utf-8", "backslashreplace") if isinstance(decoded, bytes) else decoded
    return printable(value).replace("\n", "\\n") if isinstance(value, str) else value


def _moment(value: object) -> object:
    """Return a time as the collector writes it: to the second, in UTC."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
        raise ValueError("it is not a time like 2026-01-31T23:59:59Z")
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


Bytes = Annotated[bytes, BeforeValidator(_decoded)]
Plain = Annotated[str, BeforeValidator(_plain)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Count = Annotated[int, Field(ge=0, strict=True)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]


class Collector(Strict):
    """What collected: for which system, of which version, and the SHA-256 of the script."""

    system: Literal["linux"]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]{1,40}$")]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Host(Strict):
    """Which host; `machine` is the start of the SHA-256 of its machine id, empty if it has none."""

    hostname: Plain
    machine: Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")]
    kernel: Plain


class Answer(Strict):
    """What one probe got: `ms` is how long it took, in milliseconds; `exit` is null unless it was `done`."""

    asked: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    state: Literal["done", "timeout", "skipped", "broken"]
    exit: Annotated[int, Field(ge=0, le=255, strict=True)] | None
    ms: Annotated[int, Field(strict=True)]
    cut: Annotated[bool, Field(strict=True)]
    out: Bytes
    err: Bytes

    @model_validator(mode="after")
    def _exit_goes_with_done(self) -> Answer:
        if (self.state == "done") is (self.exit is None):
            raise ValueError(f"a probe that is {self.state} cannot have the exit status {self.exit}")
        return self


class Collected(Strict):
    """When, and as whom."""

    start: Moment
    end: Moment
    user: Plain
    uid: Count

    @model_validator(mode="after")
    def _time_goes_forward(self) -> Collected:
        if self.end < self.start:
            raise ValueError(
                f"it ends ({self.end:%Y-%m-%d %H:%M:%S}) before it starts ({self.start:%Y-%m-%d %H:%M:%S})"
            )
        return self


class Document(Strict):
    """The whole document."""

    plumbline_evidence: Literal[1]
    collector: Collector
    host: Host
    probes: dict[Name, Answer]
    collected: Collected
    digest: str


def parse(raw: bytes) -> Document:
    """Read a document; EvidenceError if a byte of it is missing, was changed, or is not as it is written."""
    if len(raw) > EVIDENCE_MAX:
        raise EvidenceError(f"it is larger than {EVIDENCE_MAX // 1024 // 1024} MiB, which no evidence is")
    data = _json(raw)
    if not isinstance(data, dict) or "plumbline_evidence" not in data:
        raise EvidenceError("it is not evidence: it is JSON, but not what the collector prints")
    version = data["plumbline_evidence"]
    if isinstance(version, int) and version > FORMAT:
        raise EvidenceError(
            f"it is in format {version}, which is newer than the {FORMAT} known here",
            hint="read it with a newer plumb",
        )
    if "digest" not in data:
        raise EvidenceError("it has no digest, so nobody can tell whether it is whole", hint=_COLLECT_AGAIN)
    end = _END.fullmatch(raw[-_END_LENGTH:])
    if end is None or end[1].decode() != hashlib.sha256(raw[:-_END_LENGTH]).hexdigest():
        raise EvidenceError("it was changed after it was collected: its digest differs", hint=_COLLECT_AGAIN)
    try:
        return Document.model_validate(data)
    except ValidationError as error:
        raise EvidenceError(f"it is not what a collector prints: {_first(error)}") from error


def _json(raw: bytes) -> object:
    if not raw.strip():
        raise EvidenceError("it is empty", hint=_COLLECT_AGAIN)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        raise EvidenceError(
            "it was re-encoded after it was collected: it starts with a byte order mark",
            hint="copy the file as it is, in binary mode",
        )
    try:
        return json.loads(raw.decode("ascii"), object_pairs_hook=_distinct, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        if raw.startswith(b'{"plumbline_evidence":'):
            raise EvidenceError(
                "it was cut off or changed: the JSON breaks off in line "
                f"{error.lineno}, at byte {error.pos} of {len(raw)}",
                hint=_COLLECT_AGAIN,
            ) from error
        raise EvidenceError("it is not evidence: it is not JSON") from error
    except UnicodeDecodeError as error:
        raise EvidenceError("it is not evidence: it holds bytes that the collector never prints") from error
    except (RecursionError, ValueError) as error:
        raise EvidenceError("it is not evidence: no collector prints such JSON") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise EvidenceError(f"it says {json.dumps(twice)[:80]} twice, so nobody can tell which one holds")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in found["loc"] if part != "base64")
    told = found["msg"].removeprefix("Value error, ")
    return printable(f"{where[:100]}: {told}" if where else told)

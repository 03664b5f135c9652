"""testinfra on evidence: probes' commands are answered, everything else is unknown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
import testinfra
from sample_evidence import LINKS, MAYBE, answer, body, closed

from plumbline import probes
from plumbline.evidence.backend import EvidenceBackend, register
from plumbline.evidence.bundle import Evidence
from plumbline.probes.base import Probe, text
from plumbline.verify.unknown import Unknown

EVIDENCE = Evidence.parse(
    closed(body({LINKS.name: answer(LINKS, b"\xc4\x8d\xff\n", b"warned"), MAYBE.name: answer(MAYBE, exit=1)}))
)


@pytest.fixture
def backend() -> EvidenceBackend:
    return EvidenceBackend(EVIDENCE, probes=[LINKS, MAYBE])


def test_command_of_a_probe_is_answered(backend: EvidenceBackend) -> None:
    result = backend.run(LINKS.command)
    assert (result.stdout_bytes, result.stderr_bytes, result.rc) == (b"\xc4\x8d\xff\n", b"warned", 0)
    assert result.stdout == "č\\xff\n"
    assert backend.run(MAYBE.command).rc == 1


@pytest.mark.parametrize("command", ["uname", f"{LINKS.command} ", "true; ip -json link", ""])
def test_any_other_command_is_unknown(backend: EvidenceBackend, command: str) -> None:
    with pytest.raises(Unknown, match="no probe is"):
        backend.run(command)


def test_probe_that_failed_is_unknown() -> None:
    failed = Evidence.parse(closed(body({LINKS.name: answer(LINKS, exit=3)})))
    with pytest.raises(Unknown, match="exit status 3"):
        EvidenceBackend(failed, probes=[LINKS]).run(LINKS.command)


def test_arguments_are_quoted_as_testinfra_does() -> None:
    cat = Probe("sample.cat", "cat '/etc/os release'", text)
    evidence = Evidence.parse(closed(body({cat.name: answer(cat, b"x")})))
    assert EvidenceBackend(evidence, probes=[cat]).run("cat %s", "/etc/os release").stdout == "x"


def test_host_is_named_by_the_evidence(backend: EvidenceBackend) -> None:
    assert backend.get_pytest_id() == "evidence://heating-1"


def test_testinfra_finds_it_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "all_probes", lambda: [LINKS])
    file = tmp_path / "heating-1.evidence.json"
    file.write_bytes(EVIDENCE.raw)
    register()
    host = testinfra.get_host(f"evidence://{quote(str(file), safe='')}")
    assert host.run(LINKS.command).stderr == "warned"
    with pytest.raises(Unknown):
        host.file("/etc/passwd").exists  # noqa: B018  (the property asks the host)

"""Evidence that is whole is read to the byte; evidence damaged in any way is refused, with a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_evidence import END, LINKS, MAYBE, answer, body, closed

from plumbline.errors import TOOL_FAILED
from plumbline.evidence.bundle import Evidence, EvidenceError
from plumbline.evidence.collector import EVIDENCE_MAX
from plumbline.probes.base import Probe, text
from plumbline.verify.unknown import Unknown

WHOLE = closed(body({LINKS.name: answer(LINKS, b"[]\n"), MAYBE.name: answer(MAYBE, exit=1)}))


def refused(raw: bytes) -> str:
    with pytest.raises(EvidenceError) as caught:
        Evidence.parse(raw)
    return str(caught.value)


def test_whole_evidence_is_read() -> None:
    evidence = Evidence.parse(WHOLE)
    assert (evidence.hostname, evidence.machine, evidence.user, evidence.uid) == (
        "heating-1",
        "0123456789abcdef",
        "root",
        0,
    )
    assert evidence.start.isoformat() == "2026-01-01T00:00:00+00:00"
    assert (evidence.end - evidence.start).total_seconds() == 2
    assert evidence.output(LINKS).stdout == b"[]\n"
    assert evidence.output(MAYBE).exit_status == 1
    assert evidence.raw == WHOLE


def test_cut_off_at_any_byte_is_refused() -> None:
    for length in range(len(WHOLE)):
        refused(WHOLE[:length])


def test_cut_off_says_so() -> None:
    assert "cut off or changed" in refused(WHOLE[: len(WHOLE) // 2])


@given(position=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_any_other_byte_is_refused(position: int, byte: int) -> None:
    changed = WHOLE[:position] + bytes([byte]) + WHOLE[position + 1 :]
    if changed != WHOLE:
        refused(changed)


@given(position=st.integers(0, len(WHOLE)), inserted=st.binary(min_size=1, max_size=8))
def test_any_byte_more_is_refused(position: int, inserted: bytes) -> None:
    refused(WHOLE[:position] + inserted + WHOLE[position:])


@given(st.binary(max_size=400))
def test_garbage_is_refused(raw: bytes) -> None:
    refused(raw)


@given(st.binary(max_size=100))
def test_garbage_after_a_good_start_is_refused(raw: bytes) -> None:
    refused(b'{"plumbline_evidence":1,' + raw)


DAMAGE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "it is empty"),
    "blank": (lambda: b" \n\n", "it is empty"),
    "not JSON": (lambda: b"Linux heating-1 6.1.0\n", "it is not JSON"),
    "a list": (lambda: b"[1, 2]\n", "not what the collector prints"),
    "other JSON": (lambda: b'{"hosts": []}\n', "not what the collector prints"),
    "deeply nested": (lambda: b"[" * 100_000, "it is not evidence"),
    "an endless number": (lambda: b'{"plumbline_evidence":' + b"9" * 10_000 + b"}", "it is not evidence"),
    "not a number": (lambda: closed('{"plumbline_evidence":NaN,\n'), "it is not evidence"),
    "binary": (lambda: bytes(range(256)), "it is not evidence"),
    "saved by a word processor": (lambda: b"\xef\xbb\xbf" + WHOLE, "byte order mark"),
    "redirected by PowerShell": (lambda: b"\xff\xfe" + WHOLE.decode().encode("utf-16-le"), "byte order mark"),
    "line ends changed": (lambda: WHOLE.replace(b"\n", b"\r\n"), "changed after it was collected"),
    "an answer changed": (
        lambda: WHOLE.replace(b"W10K", b"W11d"),
        "changed after it was collected",
    ),
    "a probe taken out": (
        lambda: closed(body({}))[:-END] + WHOLE[-END:],
        "changed after it was collected",
    ),
    "digest taken out": (lambda: WHOLE[: WHOLE.rindex(b',\n"digest"')] + b"}\n", "it has no digest"),
    "digest of other evidence": (
        lambda: WHOLE[:-END] + closed(body())[-END:],
        "changed after it was collected",
    ),
    "digest not last": (
        lambda: closed('{"plumbline_evidence":1,"digest":"sha256:' + "0" * 64 + '",\n'),
        'it says "digest" twice',
    ),
    "too large": (lambda: WHOLE + b" " * EVIDENCE_MAX, "larger than 2 MiB"),
    "newer format": (lambda: closed(body(plumbline_evidence=2)), "newer than the 1 known here"),
    "no format at all": (lambda: closed(body(plumbline_evidence="1")), "plumbline_evidence"),
    "a probe twice": (
        lambda: closed('{"plumbline_evidence":1,"probes":{"a.b":1,"a.b":2},\n'),
        'it says "a.b" twice',
    ),
    "a part missing": (
        lambda: closed({k: v for k, v in body().items() if k != "host"}),
        "host: Field required",
    ),
    "a part too many": (lambda: closed(body(extra=1)), "extra"),
    "not base64": (
        lambda: closed(body({LINKS.name: answer(LINKS, out="%%%")})),
        "sample.links.out: it is not base64",
    ),
    "base64 cut": (
        lambda: closed(body({LINKS.name: answer(LINKS, out="W3t")})),
        "sample.links.out: it is not base64",
    ),
    "ended before it started": (
        lambda: closed(
            body(
                collected={
                    "start": "2026-01-01T00:00:02Z",
                    "end": "2026-01-01T00:00:00Z",
                    "user": "root",
                    "uid": 0,
                }
            )
        ),
        "before it starts",
    ),
    "no such day": (
        lambda: closed(body(collected=body()["collected"] | {"end": "2026-02-30T00:00:00Z"})),
        "collected.end",
    ),
    "done without a status": (
        lambda: closed(body({LINKS.name: answer(LINKS, exit=None)})),
        "a probe that is done cannot have the exit status None",
    ),
    "timed out with a status": (
        lambda: closed(body({LINKS.name: answer(LINKS, state="timeout")})),
        "a probe that is timeout cannot have the exit status 0",
    ),
    "a status that is no number": (lambda: closed(body({LINKS.name: answer(LINKS, exit="0")})), "exit"),
    "a name no probe has": (lambda: closed(body({"\x1b[2J": answer(LINKS)})), "probes"),
    "another system": (
        lambda: closed(body(collector=body()["collector"] | {"system": "plan9"})),
        "collector.system",
    ),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_is_refused_with_a_sentence(how: str) -> None:
    raw, sentence = DAMAGE[how]
    told = refused(raw())
    assert sentence in told
    assert all(line.isprintable() for line in told.splitlines())


def test_file_is_named_in_the_error(tmp_path: Path) -> None:
    file = tmp_path / "heating-1.evidence.json"
    file.write_bytes(WHOLE[:-1])
    with pytest.raises(EvidenceError) as caught:
        Evidence.read(file)
    assert caught.value.file == str(file)
    assert caught.value.exit_code == TOOL_FAILED


def test_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "heating-1.evidence.json"
    file.write_bytes(WHOLE)
    assert Evidence.read(file) == Evidence.parse(WHOLE)


def test_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    file = tmp_path / "huge"
    with file.open("wb") as handle:
        handle.truncate(1 << 40)
    with pytest.raises(EvidenceError, match="larger than 2 MiB"):
        Evidence.read(file)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, told in (
        (tmp_path / "missing", "there is no such file"),
        (tmp_path, "it is a directory"),
        (tmp_path / "pipe", "it is not a file"),
        (Path("/dev/zero"), "it is not a file"),
    ):
        with pytest.raises(EvidenceError, match=told):
            Evidence.read(path)


HOSTILE = closed(body())[-120:] + b'"}},"probes":{},"digest":"sha256:' + b"0" * 64 + b'"}\n\x00\xff\x1b[2J'


def test_output_that_looks_like_the_end_of_evidence_stays_output() -> None:
    evidence = Evidence.parse(closed(body({LINKS.name: answer(LINKS, HOSTILE, HOSTILE)})))
    assert evidence.output(LINKS).stdout == HOSTILE
    assert evidence.output(LINKS).stderr == HOSTILE


def unknown(said: dict[str, Any], probe: Probe[Any] = LINKS) -> str:
    with pytest.raises(Unknown) as caught:
        Evidence.parse(closed(said)).output(probe)
    assert caught.value.message.format(**caught.value.arguments) == str(caught.value)
    return str(caught.value)


def test_probe_not_in_the_evidence_is_unknown() -> None:
    assert "holds no answer of the probe sample.links" in unknown(body({}))


def test_probe_asked_in_other_words_is_unknown() -> None:
    told = unknown(body({LINKS.name: answer(MAYBE)}, collector=body()["collector"] | {"version": "0.0.9"}))
    assert told == "the probe sample.links was asked in other words, by collector 0.0.9"


def test_evidence_of_another_collector_is_read_probe_by_probe() -> None:
    evidence = Evidence.parse(
        closed(
            body(
                {LINKS.name: answer(LINKS, b"[]"), "gone.probe": answer(MAYBE)},
                collector={"system": "linux", "version": "0.9.0", "digest": "d0" * 32},
            )
        )
    )
    assert evidence.output(LINKS).stdout == b"[]"
    assert evidence.collector_version == "0.9.0"


def test_probe_that_timed_out_is_unknown_even_with_output() -> None:
    told = unknown(body({LINKS.name: answer(LINKS, b"[]\n", state="timeout", exit=None)}))
    assert told == "the probe sample.links ran out of its 30 s"


def test_probe_that_was_skipped_or_broke_is_unknown() -> None:
    assert "was not asked" in unknown(body({LINKS.name: answer(LINKS, state="skipped", exit=None)}))
    assert "before it could answer" in unknown(body({LINKS.name: answer(LINKS, state="broken", exit=None)}))


def test_output_that_was_cut_is_unknown() -> None:
    assert "more than the 256 KiB" in unknown(body({LINKS.name: answer(LINKS, b"[]\n", cut=True)}))


def test_status_that_is_no_answer_is_unknown_and_quotes_why() -> None:
    told = unknown(
        body({LINKS.name: answer(LINKS, complained=b"first\nip: \x1b[31mno\x07 such\xff\n\n", exit=2)})
    )
    assert told == ("the probe sample.links failed with exit status 2: ip: \\x1b[31mno\\x07 such\\xff")


def test_status_without_a_word_is_unknown() -> None:
    assert unknown(body({LINKS.name: answer(LINKS, exit=127)})).endswith("exit status 127: —")


def test_collected_without_the_rights_of_root_is_unknown() -> None:
    said = body(collected=body()["collected"] | {"user": "operator", "uid": 1000})
    assert "as operator, not as root" in unknown(said)


def test_hostname_that_needed_quoting_is_read_and_safe_to_show() -> None:
    encoded = {"base64": "YSJifVwbWzJK/w=="}
    evidence = Evidence.parse(closed(body(host=body()["host"] | {"hostname": encoded})))
    assert evidence.hostname == 'a"b}\\\\x1b[2J\\xff'


def test_two_probes_of_one_command_are_two_answers() -> None:
    twin = Probe("sample.twin", LINKS.command, text)
    evidence = Evidence.parse(closed(body({LINKS.name: answer(LINKS, b"1"), twin.name: answer(twin, b"2")})))
    assert (evidence.output(LINKS).stdout, evidence.output(twin).stdout) == (b"1", b"2")

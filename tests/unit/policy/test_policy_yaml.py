"""How YAML files are read: what each scalar means, what is refused, and on which line."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.findings import FindingsError
from plumbline.yamlfile import MAX_BYTES, read_yaml


def _file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "x.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _wrong(tmp_path: Path, text: str | bytes) -> list[str]:
    path = _file(tmp_path, text)
    with pytest.raises(FindingsError) as raised:
        read_yaml(path)
    return [str(finding).removeprefix(f"{path}:").strip() for finding in raised.value.findings]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("600", 600),
        ("-1", -1),
        ("0", 0),
        ("4.5", 4.5),
        ("'600'", "600"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("off", "off"),
        ("2023-09-11", "2023-09-11"),
        ("1..600", "1..600"),
        ("10.89.0.1", "10.89.0.1"),
        ("$idle_seconds", "$idle_seconds"),
        ("net.ipv4.conf.*.forwarding", "net.ipv4.conf.*.forwarding"),
        ("OU=Servers,OU=OT", "OU=Servers,OU=OT"),
        ("=", "="),
        (">-\n  a\n  b", "a b"),
    ],
)
def test_scalar_means_what_editors_show(tmp_path: Path, text: str, value: object) -> None:
    read = read_yaml(_file(tmp_path, f"a: {text}")).data["a"]
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    "text", ["010", "0x1f", "0o17", "1_000", "1:30", "1e5", "1.", ".5", ".inf", "-.INF", ".nan", "9" * 30]
)
def test_number_read_in_two_ways_is_refused(tmp_path: Path, text: str) -> None:
    assert _wrong(tmp_path, f"b: 1\na: {text}") == [
        f"2: programs read {text} as different values; write a plain number, or quotes around a text"
    ]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("a: 1\nb: 2\na: 3", "3: the key a stands here a second time, first on line 1"),
        ("a:\n  b: 1\n  b: 1", "3: the key b stands here a second time, first on line 2"),
        ("a: [{b: 1, b: 1}]", "1: the key b stands here a second time, first on line 1"),
        ("4.1: x", "1: the key 4.1 is not a text; write it in quotes if it is meant"),
        ("true: x", "1: the key true is not a text; write it in quotes if it is meant"),
        ("? [a]\n: x", "1: the key that is a list or a mapping is not a text;"
         " write it in quotes if it is meant"),
        ("a: 1\nb: &x 2", "2: the anchor or alias x is not allowed; write the value out"),
        ("a: *x", "1: the anchor or alias x is not allowed; write the value out"),
        ("a: !!python/object:os.x 1", "1: the tag tag:yaml.org,2002:python/object:os.x is not allowed;"
         " leave it out"),
        ("!!map {a: 1}", "1: the tag tag:yaml.org,2002:map is not allowed; leave it out"),
        ("a: 1\n---\nb: 2", "2: a second document starts here; one a file is allowed"),
        ("- a", "1: expected keys and values at the top of the file"),
        ("just a text", "1: expected keys and values at the top of the file"),
        ("a: [1, 2\n", "2: this is not valid YAML: did not find expected ',' or ']'"),
        ("a:\n\tb: 1", "2: this is not valid YAML: found character that cannot start any token;"
         " indent with spaces, not with a tab"),
        ("a: 'x", "1: this is not valid YAML: found unexpected end of stream"),
        (b"a: 1\nb: \xff\n", "2: this is not UTF-8 text; save the file as UTF-8"),
        (b"a: 1\n\nb: \0\n", "3: this is not UTF-8 text; save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), "1: this is not UTF-8 text; save the file as UTF-8"),
    ],
)  # fmt: skip
def test_refused_with_its_line(tmp_path: Path, text: str | bytes, finding: str) -> None:
    assert _wrong(tmp_path, text) == [finding]


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_file_with_nothing_in_it(tmp_path: Path, text: str) -> None:
    assert _wrong(tmp_path, text) == ["the file is empty"]


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "{a: " * 100_000, "? " * 100_000])
def test_endless_nesting_is_refused_and_not_followed(tmp_path: Path, text: str) -> None:
    assert _wrong(tmp_path, text) == ["1: more than 40 levels inside each other"]


def test_file_of_any_size_is_not_read_whole(tmp_path: Path) -> None:
    path = _file(tmp_path, "a: 1\n")
    os.truncate(path, MAX_BYTES * 1000)
    with pytest.raises(FindingsError, match="the file is larger than 4 MiB"):
        read_yaml(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match=r"none\.yml: No such file or directory"):
        read_yaml(tmp_path / "none.yml")


def test_all_findings_of_a_file_are_told(tmp_path: Path) -> None:
    assert len(_wrong(tmp_path, "a: 010\nb: 1:30\na: 2\n4: x\n")) == 4


def test_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    document = read_yaml(_file(tmp_path, b"\xef\xbb\xbfa: 1\r\nb: x\r\n"))
    assert (document.data, document.line(("b",))) == ({"a": 1, "b": "x"}, 2)


def test_lines_of_keys_and_elements(tmp_path: Path) -> None:
    document = read_yaml(_file(tmp_path, "# top\na:\n  b:\n    - 1\n    - c: 2\n      d: 3\n"))
    assert [document.line(at) for at in ((), ("a",), ("a", "b"), ("a", "b", 0), ("a", "b", 1, "d"))] == [
        1,
        2,
        3,
        4,
        6,
    ]
    assert document.line(("a", "b", 1, "not there")) == 5


def _read(text: str) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plumbline.yamlfile._text_of", lambda _: text)
        return read_yaml(Path("x.yml")).data


_YAML_LIKE = st.text(st.sampled_from("ab01.:-?[]{}&*!|>'\"#%@\n\t ,~") | st.characters(), max_size=60)


@given(_YAML_LIKE)
@settings(database=None, derandomize=True)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No input ends in anything but data or findings."""
    with contextlib.suppress(FindingsError):
        assert isinstance(_read(text), dict)


_PRINTABLE = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=60)


@given(st.dictionaries(_PRINTABLE, st.integers(-(10**17), 10**17) | st.booleans() | st.none() | _PRINTABLE))
@settings(database=None, derandomize=True)
def test_json_is_read_as_it_is_written(data: dict[str, object]) -> None:
    assert _read(json.dumps(data, ensure_ascii=False)) == data

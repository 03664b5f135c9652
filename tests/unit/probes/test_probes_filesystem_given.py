"""Rights that tmpfiles.d gives at boot and dpkg's overrides at an update are read as those programs do."""

from __future__ import annotations

import pytest
from test_probes_filesystem_writers import ACCOUNTS

from plumbline.probes.base import Output
from plumbline.probes.filesystem.given import GIVEN, Given

ETC, RUN, USR = "/etc/tmpfiles.d/x.conf", "/run/tmpfiles.d/x.conf", "/usr/lib/tmpfiles.d/x.conf"


def given(*rows: str) -> tuple[Given, ...]:
    return GIVEN.parse(Output("".join(f"{row}\n" for row in (*rows, "end")).encode(), b"", 0))


def writers(*rows: str) -> list[str]:
    return [who for one in given(*rows) for who in ACCOUNTS.writers(one.entry(ACCOUNTS), one.access)]


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("z\t0666\troot\troot\t\t/etc/hosts", ["everybody"]),
        ("Z!\t~0777\t-\t-\t\t/etc/x", ["everybody"]),
        ("d\t:1777\t-\t-\t\t/usr/local/x", ["everybody"]),
        ("d\t\t\t\t\t/usr/local/x", []),
        ("z\t-\tboris\t-\t\t/etc/x", ["its owner boris"]),
        ("z\t-\t:boris\t-\t\t/etc/x", ["its owner boris"]),
        ("z\t-\t1001\t-\t\t/etc/x", ["its owner boris"]),
        ("f\t0664\troot\tplant\t\t/etc/x", ["boris of the group plant"]),
        ("f\t0664\troot\tpostgres\t\t/etc/x", []),
        ("z\t-\tnot-there\t-\t\t/etc/x", []),
        ("a+\t-\t-\t-\tu:boris:rw\t/etc/x", ["boris by its access list"]),
        ("a\t-\t-\t-\tuser:boris:r,d:g:plant:rwX\t/etc/x", ["boris of the group plant by its access list"]),
        ("a\t-\t-\t-\tu:boris:r-X\t/etc/x", []),
        ("a\t-\t-\t-\tu:boris:rw,m::r\t/etc/x", []),
    ],
)
def test_who_may_write_after_a_boot(line: str, who: list[str]) -> None:
    assert writers(f"hides\t{ETC}", f"line\t{ETC}\t1\t{line}") == who


def test_file_of_one_name_hides_others_and_the_first_line_counts() -> None:
    rows = [f"hides\t{file}" for file in (USR, ETC, RUN)]
    wrong, right = "z\t0666\t-\t-\t\t/etc/x", "z\t0644\t-\t-\t\t/etc/x"
    assert writers(*rows, f"line\t{USR}\t1\t{wrong}", f"line\t{RUN}\t1\t{wrong}") == []
    assert writers(*rows, f"line\t{ETC}\t1\t{right}", f"line\t{ETC}\t2\t{wrong}") == []
    assert writers(*rows, f"line\t{ETC}\t9\t{wrong}", f"line\t{ETC}\t10\t{right}") == ["everybody"]


def test_overrides_of_dpkg() -> None:
    row = "override\t3\tboris\troot\t4755\t/usr/bin/a b"
    (one,) = given(row)
    assert (one.where, one.path, one.mode) == ("/var/lib/dpkg/statoverride:3", "/usr/bin/a b", 0o4755)
    assert writers(row) == ["its owner boris"]
    assert writers("override\t1\t#1001\t#0\t755\t/usr/bin/x") == ["its owner boris"]

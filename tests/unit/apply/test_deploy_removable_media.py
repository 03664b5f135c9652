"""Which files of rules the deploy may take away whole."""

from __future__ import annotations

import pytest

from deploys.removable_media import only_mounts


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ('# mounts\nSUBSYSTEM=="block", \\\n  RUN+="/bin/mount /dev/%k"\n', True),
        ('SUBSYSTEM=="net", GOTO="end"\nRUN+="/bin/mount /dev/%k"\nLABEL="end"\n', True),
        ('RUN+="/bin/mount /dev/%k"\nSUBSYSTEM=="tty", SYMLINK+="modem"\n', False),
        ('SUBSYSTEM=="tty", SYMLINK+="mount"\n', False),
        ("", False),
    ],
)
def test_only_a_file_that_does_nothing_else_is_moved(text: str, only: bool) -> None:
    assert only_mounts(text) is only

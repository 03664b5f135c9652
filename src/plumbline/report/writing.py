"""Writing a report to a file, whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from plumbline.atomic import replace
from plumbline.errors import PlumblineError


def write_whole(path: Path, content: str) -> None:
    """Write a text file in one step: readers see the old file or the new one, never a part.

    Raises PlumblineError with a sentence when the folder is missing, may not be written, or the disk is full.
    """
    folder = path.parent
    if not folder.is_dir():
        raise PlumblineError(f"the report cannot be written: there is no folder {folder}", file=path)
    if path.is_dir():
        raise PlumblineError("the report cannot be written: this is a folder", file=path)
    try:
        replace(path, content.encode(), _mode(path))
    except OSError as error:
        raise PlumblineError(f"the report cannot be written: {error.strerror or error}", file=path) from error


def _mode(path: Path) -> int:
    """Return the file's present mode, or what a newly made file would get."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask

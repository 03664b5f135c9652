"""Files written wholly or not at all, readable by their owner only: what evidence tells is for few eyes."""

from __future__ import annotations

from pathlib import Path

from plumbline.atomic import replace
from plumbline.errors import PlumblineError


def write(path: Path, data: bytes) -> None:
    """Put bytes into a file in one step; if that fails, PlumblineError, and the old file stays."""
    try:
        replace(path, data, 0o600)
    except OSError as error:
        raise PlumblineError(f"it cannot be written: {error.strerror}", file=path) from error

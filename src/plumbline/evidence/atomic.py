"""Files written wholly or not at all, readable by their owner only: what evidence tells is for few eyes."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from plumbline.errors import PlumblineError


def write(path: Path, data: bytes) -> None:
    """Put bytes into a file in one step; if that fails, PlumblineError, and the old file stays."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise PlumblineError(f"it cannot be written: {error.strerror}", file=path) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise PlumblineError(f"it cannot be written: {error.strerror}", file=path) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()

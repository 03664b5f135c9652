"""Files put on a host before it boots, and the end of what it said afterwards."""

from __future__ import annotations

from pathlib import Path

from plumbline.lab.layers import make_directory

WIDTH = 160


def write(root: Path, path: str, text: str, mode: int = 0o644) -> None:
    """Write one file of a host, given by its path on the host; its directory is made when it is missing."""
    target = root / path.lstrip("/")
    make_directory(target.parent)
    target.unlink(missing_ok=True)
    target.write_text(text)
    target.chmod(mode)


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, indented and cut to a screen's width; a sentence when there is none."""
    try:
        last = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        last = []
    return "\n".join(f"    {line[:WIDTH]}" for line in last if line.strip()) or "    (nothing was logged)"

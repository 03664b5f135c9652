"""How old the antivirus' signatures are: those on disk, and those that ClamAV has loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from plumbline.probes.base import Output, ParseError, Probe

CLAMAV_SIGNATURES = "/var/lib/clamav"

_DAY = 86_400


@dataclass(frozen=True)
class Signatures:
    """A signature file, and when it was made: seconds since the epoch, by its own head or else its mtime."""

    file: str
    made: float
    from_head: bool


@dataclass(frozen=True)
class Loaded:
    """The signatures the scanner has loaded: when they were made and when it was asked, or None of them."""

    asked: float
    made: float | None


def _signatures(output: Output) -> tuple[float, list[Signatures]]:
    """Read the time of asking, then a line a file: mtime, path, and the head where the file has one."""
    first, *rows = output.text.splitlines() or [""]
    asked = float(first)
    found = []
    for row in rows:
        modified, tab, rest = row.partition("\t")
        path, second_tab, head = rest.partition("\t")
        if not tab or not second_tab:
            raise ParseError(f"a line without its parts: {row[:80]!r}")
        made = _head_date(head)
        found.append(Signatures(path, float(modified) if made is None else made, made is not None))
    return asked, found


def _head_date(head: str) -> float | None:
    """Return when a database was made by its head, `ClamAV-VDB:22 Nov 2026 08-23 +0000:…`."""
    if not head.startswith("ClamAV-VDB:"):
        return None
    written = head.split(":", 2)[1]
    return datetime.strptime(written, "%d %b %Y %H-%M %z").timestamp()


def _loaded(output: Output) -> Loaded:
    """Read the time of asking, its distance from UTC, and `ClamAV 1.4.6/27000/Sun Nov 22 08:33:08 2026`."""
    first, _, told = output.text.partition("\n")
    seconds, _, zone = first.partition(" ")
    if not told.startswith(("ClamAV ", "none")):
        raise ParseError(f"clamdscan printed {told[:80]!r}")
    date = told.strip().split("/", 2)[2:]
    # The date is local time, in the words of asctime(3).
    made = datetime.strptime(f"{date[0]} {zone}", "%a %b %d %H:%M:%S %Y %z").timestamp() if date else None
    return Loaded(float(seconds), made)


_CONTAINERS = (".cvd", ".cld", ".cud")
_OTHER_KINDS = "hdb hsb hdu hsu mdb msb mdu msu ndb ndu ldb ldu cdb idb crb yar yara"

SIGNATURES = Probe(
    "antivirus.signatures",
    f"date +%s; cd {CLAMAV_SIGNATURES} 2>/dev/null || exit 0; "
    f"for f in *.c[vlu]d {' '.join(f'*.{kind}' for kind in _OTHER_KINDS.split())}; do "
    "[ -f \"$f\" ] || continue; h=$(head -c 60 \"$f\" | tr -d '\\000' | tr '\\n\\t' '  '); "
    "case $h in ClamAV-VDB:*) ;; *) h=;; esac; "
    f'printf \'%s\\t{CLAMAV_SIGNATURES}/%s\\t%s\\n\' "$(stat -c %Y "$f")" "$f" "$h"; done',
    _signatures,
)

LOADED = Probe(
    # The daemon answers for what it has loaded. It is asked only if it runs: its socket would start it.
    "antivirus.loaded",
    "date '+%s %z'; if command -v clamdscan >/dev/null && pidof clamd >/dev/null; then clamdscan --version; "
    "else echo none; fi",
    _loaded,
)


def age_in_days(asked: float, found: list[Signatures]) -> int | None:
    """Return how many days old the newest signatures are, rounded up; None if there are none.

    Files whose head tells when they were made count; only where no file has such a head does the time of
    modification, which anybody can renew. Where ClamAV's daily ones are there, no other makes up for them.
    """
    if not found:
        return None
    telling = [signatures for signatures in found if signatures.from_head] or found
    telling = [one for one in telling if one.file.rpartition("/")[2].startswith("daily.")] or telling
    return days(asked, max(signatures.made for signatures in telling))


def broken(found: list[Signatures]) -> list[str]:
    """Return the containers of signatures without a head, which are empty, cut short or something else.

    The scanner that runs goes on with what it has loaded; it refuses to start by such a file.
    """
    return [
        f"{one.file}: not signatures" for one in found if one.file.endswith(_CONTAINERS) and not one.from_head
    ]


def days(asked: float, made: float) -> int:
    """Return the days between two times in seconds, rounded up."""
    return math.ceil((asked - made) / _DAY)

"""Whether the antivirus detects: the test file of EICAR is given to it, and something harmless beside it.

The test file is told to the scanner and written nowhere by us; its text stands here with its letters moved by
thirteen places, so that no scanner takes this program, a collector or evidence for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows

_MOVED = r"K5B!C%@NC[4\CMK54(C^)7PP)7}$RVPNE-FGNAQNEQ-NAGVIVEHF-GRFG-SVYR!$U+U*"
_LETTERS = "A-Za-z N-ZA-Mn-za-m"

SECONDS = 10
"""How long a scanner may take for both."""


@dataclass(frozen=True)
class Detection:
    """What the scanner said of the test file and of something harmless; `asked`: whether there was one."""

    asked: bool
    of_test: tuple[str, ...]
    of_harmless: tuple[str, ...]

    def told(self, says: str) -> str:
        """Return in a word what came of it: `detected`, or what the scanner said instead."""
        if not self.asked:
            return "no scanner that runs"
        found = any(says in line for line in self.of_test)
        if found and any(says in line for line in self.of_harmless):
            return f"harmless text too: {' '.join(self.of_harmless)}"
        return "detected" if found else f"not detected: {' '.join(self.of_test) or 'no word'}"


def command(scan: str, condition: str = "true") -> str:
    """Return a command that gives both texts to a scanner's standard input, where the condition holds."""
    return (
        f"if {condition}; then echo asked; "
        f"scan() {{ ( {scan} ) 2>&1 | head -c 2000; }}; "
        f"printf '%s' '{_MOVED}' | tr {_LETTERS} | scan | sed 's/^/test\\t/'; echo; "
        "printf harmless | scan | sed 's/^/harmless\\t/'; echo; fi; " + PRINT_END
    )


def _detection(output: Output) -> Detection:
    text = output.text.replace("asked\n", "asked\tyes\n", 1)
    kept = "".join(f"{line}\n" for line in text.splitlines() if line)
    rows = Rows(
        Output(kept.encode(), output.stderr, output.exit_status), {"asked": 1, "test": 1, "harmless": 1}
    )
    return Detection(
        bool(rows["asked"]), tuple(row[0] for row in rows["test"]), tuple(row[0] for row in rows["harmless"])
    )


def detection(name: str, scan: str, condition: str = "true") -> Probe[Detection]:
    """Return the probe that tries a scanner: `scan` reads what it scans from its standard input."""
    return Probe(name, command(scan, condition), _detection, limit=SECONDS)


CLAMAV_SAYS = "FOUND"

CLAMAV_DETECTION = detection(
    # Asked only if the daemon runs: its socket would start it.
    "antivirus.detection",
    "clamdscan --no-summary --stdout -",
    "command -v clamdscan >/dev/null && pidof clamd >/dev/null",
)

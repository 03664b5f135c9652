"""What of the antivirus is installed, and what of it runs."""

from __future__ import annotations

from plumbline.probes.base import Output, ParseError, Probe


def _packages(output: Output) -> frozenset[str]:
    """Read `dpkg-query -W`: the packages that are really installed, not unpacked or removed ones."""
    packages = set()
    for line in output.text.splitlines():
        state, space, name = line.partition("\t")
        if not space or not name or len(state) < 2:
            raise ParseError(f"dpkg-query printed {line[:80]!r}")
        if state[1] == "i":
            packages.add(name)
    if "dpkg" not in packages:
        raise ParseError("dpkg-query did not name dpkg itself")
    return frozenset(packages)


def _running(output: Output) -> dict[str, str]:
    """Read `systemctl list-units`: `active/running` and the like by unit."""
    states = {}
    for line in output.text.splitlines():
        fields = line.lstrip("●* ").split()
        if len(fields) < 4:
            raise ParseError(f"systemctl printed {line[:80]!r}")
        states[fields[0]] = f"{fields[2]}/{fields[3]}"
    return states


PACKAGES = Probe(
    "antivirus.packages",
    "dpkg-query -W -f '${db:Status-Abbrev}\\t${Package}\\n'",
    _packages,
)

RUNNING = Probe(
    "antivirus.running",
    "systemctl list-units --all --no-legend --plain --full --type=service",
    _running,
)

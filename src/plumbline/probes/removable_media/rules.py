"""udev's rules that start something, as udev reads them (udev(7)): one file a name, in the order of names."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.removable_media.udev import Rule, parse_rule, started
from plumbline.probes.tagged import PRINT_END, Rows

DIRECTORIES = (
    "/etc/udev/rules.d",
    "/run/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
)
"""Of two files with one name the first counts; an empty one or a link to /dev/null takes the rules away."""

_COMMAND = rf"""
set --
for directory in {" ".join(DIRECTORIES)}; do
    for file in "$directory"/*.rules; do
        [ -e "$file" ] || [ -L "$file" ] || continue
        printf 'file\t%s\n' "$file"
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
done
[ $# -eq 0 ] || awk 'function flush() {{
        if (joined ~ /RUN|_WANTS|PROGRAM|IMPORT|GOTO|LABEL/) printf "%s", kept
        kept = joined = ""
    }}
    FNR == 1 {{ flush() }}
    /^[ \t]*#/ {{ next }}
    {{ kept = kept "line\t" FILENAME "\t" FNR "\t" $0 "\n"; sub(/^[ \t]+/, ""); sub(/\r$/, "")
       goes_on = sub(/\\$/, ""); joined = joined $0 }}
    !goes_on {{ flush() }}
    END {{ flush() }}' "$@" || exit 9
grep -hsF /udev/rules.d/ /var/lib/dpkg/info/*.list | sed 's/^/owned\t/'
{PRINT_END}
"""


@dataclass(frozen=True)
class Rules:
    """What plugging in a medium starts by udev's rules: `now`, and by those that outlive a reboot."""

    now: list[str]
    boot: list[str]


def effective(files: list[str]) -> list[str]:
    """Return the files udev reads, in its order."""
    nearest: dict[str, str] = {}
    for directory in DIRECTORIES:
        for file in files:
            folder, _, name = file.rpartition("/")
            if folder == directory:
                nearest.setdefault(name, file)
    return [nearest[name] for name in sorted(nearest)]


def _joined(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Join lines that end in a backslash with those after them; what the file's end cuts off is none."""
    found: list[tuple[int, str]] = []
    begun: str | None = None
    number = 0
    for line, text in lines:
        number = line if begun is None else number
        joined = (begun or "") + text.lstrip(" \t").removesuffix("\r")
        begun = joined[:-1] if joined.endswith("\\") else None
        if begun is None:
            found.append((number, joined))
    return found


def _packaged(file: str, rows: Rows) -> bool:
    """Say whether a package brought a file; where packages cannot be asked, whether it stands as if."""
    known = not rows["owned"] or any(
        f"/usr{owned.removeprefix('/usr')}" == file for (owned,) in rows["owned"]
    )
    return file.startswith("/usr/lib/") and known


def _rules(output: Output) -> Rules:
    rows = Rows(output, {"file": 1, "line": 3, "owned": 1})
    files = [file for (file,) in rows["file"]]
    if not files:
        return Rules([], [])
    lines: dict[str, list[tuple[int, str]]] = {}
    for file, number, text in rows["line"]:
        if file not in files:
            raise ParseError(f"a line of {file}, which was not listed")
        lines.setdefault(file, []).append((int(number), text))
    parsed: dict[str, list[Rule]] = {}
    for file in files:
        packaged = _packaged(file, rows)
        parsed[file] = [
            parse_rule(file, number, text, packaged) for number, text in _joined(lines.get(file, []))
        ]
    lasting = [file for file in files if not file.startswith("/run/")]
    return Rules(
        now=started([parsed[file] for file in effective(files)]),
        boot=started([parsed[file] for file in effective(lasting)]),
    )


RULES = Probe("removable_media.rules", _COMMAND, _rules)

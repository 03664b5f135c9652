"""Whether the files that packages brought are as they brought them (dpkg(1), deb-md5sums(5)).

Reading every file of a host each night would burden it, so only those are read that may have changed: whose
inode changed after dpkg last wrote down what the package brought. No call sets that time back, but root can
set the clock, so a sixteenth part of the others is read as well, another one each day. Programs among the
configuration files are compared with what dpkg recorded of them; other configuration files may change.
Documentation and translations are left out: images are made without them.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.files import glob_matches
from plumbline.probes.tagged import PRINT_END, Rows

SECONDS = 25
"""Seconds that reading may take; what was not read by then is told."""

INFO = "/var/lib/dpkg/info"
"""Where dpkg keeps what it knows of packages; it makes the sums of those that bring none (deb-md5sums(5))."""

PARTS = 16
"""In how many nights all files are read once."""

_LEFT_OUT = "doc doc-base man info locale help gnome lintian linda bug i18n gtk-doc icons pixmaps"
_PRUNED = " -o ".join(["-path /usr/local", *(f"-path /usr/share/{name}" for name in _LEFT_OUT.split())])
_TRANSLATIONS = rf"^\/usr\/share\/({_LEFT_OUT.replace(' ', '|')})\/"
_PROGRAMS = r"^\/etc\/(init\.d|cron\.[a-z]+|grub\.d|kernel|network|ppp|profile\.d|X11|apm|acpi|dhcp)\/"

_COMMAND = rf"""
database=/var/lib/dpkg
[ -d $database/info ] || {{ echo 'none	dpkg'; {PRINT_END}; exit 0; }}
sed -n 's/^[[:space:]]*path-exclude[[:space:]]*[= ][[:space:]]*/excluded\t/p' /dev/null \
    $(ls -d /etc/dpkg/dpkg.cfg /etc/dpkg/dpkg.cfg.d/* 2>/dev/null)
merged=$(for d in bin sbin lib lib32 lib64 libx32; do [ ! -L /$d ] || printf '%s|' $d; done)
set --
for file in $database/info/*.md5sums; do [ ! -s "$file" ] || set -- "$@" "$file"; done
told=$({{
    awk 'NR % 3 == 1 {{ from = $0 }} NR % 3 == 2 {{ to = $0 }}
        NR % 3 == 0 {{ print "D\t" $0 "\t" from "\t" to }}' $database/diversions
    find $database/info \( -name '*.list' -o -name '*.md5sums' \) -printf 'L\t%C@\t%f\n'
    timeout {SECONDS} find /usr /etc /boot /bin /sbin /lib /lib32 /lib64 /libx32 /opt -xdev \
        -type d \( {_PRUNED} \) -prune -o \( -type f -o -type l \) -printf 'F\t%C@\t%y\t%m\t%p\n'
    [ $? -ne 124 ] || echo C
    dpkg-query -W -f='K\t${{Package}}\t${{Architecture}}\t${{db:Status-Status}}\n${{Conffiles}}\n'
    [ $# -eq 0 ] || awk '{{ print "M\t" FILENAME "\t" substr($0, 1, 32) "\t/" substr($0, 35) }}' "$@"
}} 2>/dev/null | awk -F'\t' -v merged="${{merged%|}}" \
    -v tonight="$(printf %x $(($(date +%s) / 86400 % {PARTS})))" '
    $1 == "D" {{ away[$3] = $4; by[$3] = $2; left[real($3)] = 1; next }}
    $1 == "L" {{
        if (sub(/\.md5sums$/, "", $3)) {{ summed[$3] = 1; sums[$3] = $2 }}
        else {{ sub(/\.list$/, "", $3); lists[$3] = $2 }}
        if (!($3 in noted) || $2 < noted[$3]) noted[$3] = $2
        next
    }}
    $1 == "F" {{ changed[$5] = $2; kind[$5] = $3; runs[$5] = $4 ~ /[1357]/ ? "x" : "-"; next }}
    $1 == "C" {{ print "cut\t/usr"; next }}
    $1 == "K" {{
        package = $2
        if ($4 == "installed" && !($2 in summed) && !($2 ":" $3 in summed))
            print "missing\t" package "\t{INFO}/" package ".md5sums"
        next
    }}
    $1 == "M" {{
        name = $2; sub(/.*\//, "", name); sub(/\.md5sums$/, "", name)
        package = name; sub(/:.*/, "", package)
        path = $4
        if (real(path) in left) ships[real(path), package] = 1
        if (path in away && by[path] == ":" && real(path) in changed) print "diverted\t" package "\t" path
        if (path in away && by[path] != package) path = away[path]
        path = real(path)
        if (path !~ /^\/(usr|etc|boot|s?bin|lib(x?32|64)?|opt)\// || path ~ /{_TRANSLATIONS}/) next
        if (!(path in changed)) print "missing\t" package "\t" path
        else if (kind[path] == "l") print "link\t" package "\t" path
        else if (changed[path] > noted[name] || substr($3, 1, 1) == tonight)
            print "read\t" package "\t" runs[path] "\t" $3 "\t" path
        next
    }}
    split($0, word, " ") == 2 && word[1] ~ /{_PROGRAMS}/ && runs[word[1]] == "x" {{
        print "read\t" package "\tx\t" word[2] "\t" word[1]
    }}
    END {{
        for (path in away)
            if (by[path] != ":" && !((real(path), by[path]) in ships) && kind[real(path)] == "f")
                print "diverted\t" by[path] "\t" path
        # dpkg writes both at once, the sums first.
        for (name in sums)
            if (name in lists && sums[name] - lists[name] > 3600)
                print "edited\t" name "\t{INFO}/" name ".md5sums"
    }}
    function real(path) {{ return merged != "" && path ~ ("^/(" merged ")/") ? "/usr" path : path }}')
printf '%s\n' "$told" | awk -F'\t' '/^(cut|missing|link|diverted|edited)\t/ && ++count[$1] <= 300'
asked=$(printf '%s\n' "$told" | awk -F'\t' '$1 == "read" {{ print $4 "  " $5 }}')
if [ -n "$asked" ]; then
    answers=$(printf '%s\n' "$asked" | timeout {SECONDS} md5sum -c 2>/dev/null)
    {{ printf '%s\n' "$told"; printf '%s\n' "$answers" | sed 's/^/A\t/'; }} | awk -F'\t' '
        $1 == "read" {{ asked++; package[$5] = $2; runs[$5] = $3; next }}
        $1 == "A" && $2 != "" {{
            answered++
            path = $2; sub(/: [^:]*$/, "", path)
            if ($2 !~ /: OK$/ && ++count <= 300) print "changed\t" package[path] "\t" runs[path] "\t" path
        }}
        END {{ print "asked\t" asked; print "answered\t" answered + 0 }}'
fi
{PRINT_END}
"""


@dataclass(frozen=True)
class PackagedFile:
    """A file of a package and what is wrong.

    `changed`, `missing`, a `link` in its place, `diverted`, or `edited` for the sums dpkg keeps of it.
    """

    path: str
    package: str
    wrong: str
    runs: bool = False

    def __str__(self) -> str:
        words = {
            "link": "a link in its place",
            "diverted": "another file in its place, by a local diversion",
            "edited": "the sums of its files were changed after it was installed",
        }
        told = words.get(self.wrong, self.wrong)
        return f"{self.path}: {told} ({self.package})"


@dataclass(frozen=True)
class Packaged:
    """Packaged files that are not as brought; `unread` tells how many were not compared in time."""

    files: tuple[PackagedFile, ...]
    unread: int
    cut: bool
    database: bool


def _packaged(output: Output) -> Packaged:
    rows = Rows(
        output,
        {
            "excluded": 1,
            "missing": 2,
            "link": 2,
            "diverted": 2,
            "edited": 2,
            "changed": 3,
            "asked": 1,
            "answered": 1,
            "cut": 1,
            "none": 1,
        },
    )
    excluded = [pattern.strip() for (pattern,) in rows["excluded"]]
    missing = [
        PackagedFile(path, package, "missing")
        for package, path in rows["missing"]
        if not any(glob_matches(path, pattern) for pattern in excluded)
    ]
    links = [
        PackagedFile(path, package, wrong)
        for wrong in ("link", "diverted", "edited")
        for package, path in rows[wrong]
    ]
    changed = [PackagedFile(path, package, "changed", runs == "x") for package, runs, path in rows["changed"]]
    asked, answered = (sum(int(number) for (number,) in rows[tag]) for tag in ("asked", "answered"))
    return Packaged(
        files=(*changed, *links, *missing),
        unread=asked - answered,
        cut=bool(rows["cut"]),
        database=not rows["none"],
    )


PACKAGES = Probe("filesystem.packages", _COMMAND, _packaged, limit=80)

"""What is mounted where, now and at the next boot, how large it is, and what leads back to the system.

Of fstab and mount units only what decides is printed: options may hold a password.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.filesystem.mounted import DISK_KINDS, AtBoot, Mount, Mounts, Process
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import DIRECTORIES

APPLICATION_PLACES = ("/opt", "/srv", "/var/opt")
"""Where applications and their data are put (Filesystem Hierarchy Standard 3.0), never the system itself."""

_ALL_DISKS = rf"""
awk -v disks=' {DISK_KINDS} ' '{{
    for (i = 7; i <= NF && $i != "-"; i++);
    if (index(disks, " " $(i + 1) " ") && $5 !~ /\\|^\/$|^\/(run|proc|sys|dev|boot|efi)(\/|$)/)
        print $3 $4, $5
}}' /proc/self/mountinfo"""
LOCAL_DISKS = f"{_ALL_DISKS} | awk '!seen[$1]++ {{ print $2 }}'"
"""A command for the mount points of disks beside the root's, each once; those with blanks are left out."""

SETUID_DISKS = rf"""
awk -v disks=' {DISK_KINDS} tmpfs overlay ramfs ' '{{
    for (i = 7; i <= NF && $i != "-"; i++);
    if (index(disks, " " $(i + 1) " ") && $6 !~ /(^|,)nosuid(,|$)/ && !seen[$3]++ &&
        $5 !~ /\\|^\/$|^\/(proc|sys|dev|tmp|run)(\/|$)/ &&
        $5 !~ /^\/var\/lib\/(docker|containers|containerd|lx[cd]|snapd)(\/|$)/) print $5
}}' /proc/self/mountinfo"""
"""A command for mount points beside the root's where programs can have rights of their own."""

_COMMAND = rf"""
awk '{{
    for (i = 7; i <= NF && $i != "-"; i++);
    print "mount\t" $3 "\t" $4 "\t" $(i + 1) "\t" $(i + 2) "\t" $6 "\t" $5
}}' /proc/self/mountinfo || exit 9
disks=$({LOCAL_DISKS}) || exit 9
set -f
timeout 3 stat -f --printf 'size\t%S\t%b\t%n\n' / $({_ALL_DISKS} | cut -d ' ' -f 2)
set +f
set -- /dev/null
for directory in {" ".join(DIRECTORIES)}; do
    for file in "$directory"/*.mount "$directory"/*.mount.d/*.conf; do
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
done
awk '/^[ \t]*(What|Where|Type)[ \t]*=/ {{ print "line\t" FILENAME "\t" $0 }}
    /^[ \t]*Options[ \t]*=/ && /[=,]r?bind(,|$)/ {{ print "line\t" FILENAME "\tOptions=bind" }}' "$@" ||
    exit 9
set --
for directory in {" ".join(DIRECTORIES)}; do [ ! -d "$directory" ] || set -- "$@" "$directory"; done
find "$@" -maxdepth 2 -name '*.mount' \( -type l -printf 'link\t%p\t%l\n' -o \
    -type f -empty -printf 'link\t%p\t/dev/null\n' -o -type f -printf 'link\t%p\t\n' \) || exit 9
[ ! -f /etc/fstab ] || awk '!/^[ \t]*(#|$)/ && NF > 2 {{
    count = split($4, options, ","); kept = ""
    for (i = 1; i <= count; i++)
        if (options[i] ~ /^(auto|noauto|nofail|r?bind|ro|loop.*|(x-|comment=)systemd\.automount)$/)
            kept = kept "," options[i]
    print "fstab\t" FNR "\t" $1 "\t" $2 "\t" $3 "\t" substr(kept, 2)
}}' /etc/fstab || exit 9
set -f
for source in $({{
    [ ! -f /etc/fstab ] || awk '!/^[ \t]*(#|$)/ {{ print $1 }}' /etc/fstab
    set +f
    for directory in {" ".join(DIRECTORIES)}; do
        for file in "$directory"/*.mount "$directory"/*.mount.d/*.conf; do
            [ ! -f "$file" ] || sed -n 's/^[ \t]*What[ \t]*=[ \t]*//p' "$file"
        done
    done
}} | tr -d '"' | sort -u); do
    case $source in
    /dev/*) path=$source ;;
    UUID=* | LABEL=* | PARTUUID=* | PARTLABEL=*)
        path=/dev/disk/by-$(printf %s "${{source%%=*}}" | tr A-Z a-z)/${{source#*=}}
        [ -e "$path" ] || path=$(findfs "$source" 2>/dev/null) || path=
        ;;
    *) continue ;;
    esac
    printf 'device\t%s\t%s\n' "$(stat -L -c %t:%T "$path" 2>/dev/null)" "$source"
done
set +f
for place in {" ".join(APPLICATION_PLACES)}; do
    [ -d "$place" ] || continue
    first=$(timeout 3 find -H "$place" -xdev -maxdepth 8 -name lost+found -prune -o -type f -print -quit)
    [ $? -lt 100 ] || first='?'
    printf 'place\t%s\t%s\t%s\n' "$place" "$(readlink -m "$place")" "$first"
done
set -f
for point in $disks; do
    timeout 3 find "$point" -xdev -maxdepth 4 -name lost+found -prune -o \
        -type l -xtype d -printf 'leads\t%p\t%l\n' | head -n 200
done
set +f
for loop in /sys/block/loop*/loop/backing_file; do
    [ -r "$loop" ] || continue
    IFS= read -r file <"$loop" && IFS= read -r number <"${{loop%/loop/backing_file}}/dev" || continue
    [ ! -f "$file" ] || printf 'loop\t%s\t%s\n' "$number" "$file"
done
grep -Hs '^0::/[^u].*\.service' /proc/[0-9]*/cgroup | sed 's/^/group\t/'
find /proc/[0-9]*/exe /proc/[0-9]*/cwd -maxdepth 0 -printf 'runs\t%p\t%l\n' 2>/dev/null
{PRINT_END}
"""

_FIELDS = {
    "mount": 6,
    "size": 3,
    "line": 2,
    "link": 2,
    "fstab": 5,
    "device": 2,
    "place": 3,
    "leads": 2,
    "group": 1,
    "runs": 2,
    "loop": 2,
}


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def point_of(unit: str) -> str:
    """Return the mount point that a unit's name stands for (systemd-escape(1))."""
    stem = unit.removesuffix(".mount")
    if stem == "-":
        return "/"
    plain = "/" + stem.replace("-", "/")
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), plain)


def _number(text: str) -> str:
    """Return a device number in decimal, as mountinfo has it, of what `stat -c %t:%T` printed."""
    major, colon, minor = text.partition(":")
    return f"{int(major, 16)}:{int(minor, 16)}" if colon else ""


def _fstab(rows: Rows, numbers: dict[str, str]) -> Iterator[AtBoot]:
    for line, source, point, kind, listed in rows["fstab"]:
        options = listed.split(",")
        yield AtBoot(
            place=f"/etc/fstab:{line}",
            source=source,
            point=posixpath.normpath(_unescaped(point)),
            kind=kind,
            number=numbers.get(source.replace('"', "")),
            bound="bind" in options or "rbind" in options,
            asked="noauto" not in options or any(option.endswith("systemd.automount") for option in options),
        )


def _units(rows: Rows, numbers: dict[str, str]) -> Iterator[AtBoot]:
    """Yield the mount units on disk that count: the nearest file of a name, with its drop-ins' last words."""
    texts: dict[str, dict[str, str]] = {}
    for path, text in rows["line"]:
        key, _, value = text.partition("=")
        texts.setdefault(path, {})[key.strip()] = value.strip().strip('"')
    nearest: dict[str, str] = {}
    for directory in DIRECTORIES:
        for path, _ in rows["link"]:
            if posixpath.dirname(path) == directory:
                nearest.setdefault(posixpath.basename(path), path)
    wanted = {
        posixpath.basename(path)
        for path, target in rows["link"]
        if path.split("/")[-2].endswith((".wants", ".requires")) and target != "/dev/null"
    }
    for name, path in nearest.items():
        told = dict(texts.get(path, {}))
        for other, words in sorted(texts.items()):
            if other.split("/")[-2] == f"{name}.d":
                told |= words
        if "What" in told:
            yield AtBoot(
                place=path,
                source=told["What"],
                point=point_of(name),
                kind=told.get("Type", ""),
                number=numbers.get(told["What"]),
                bound="Options" in told or told.get("Type") in ("none", "bind"),
                asked=name in wanted,
            )


def _masked(rows: Rows) -> tuple[str, ...]:
    """Return the points whose nearest unit file is a mask, above what the generator makes of fstab."""
    above = ("/etc/systemd/system.control", "/etc/systemd/system")
    return tuple(
        point_of(posixpath.basename(path))
        for path, target in rows["link"]
        if target == "/dev/null" and posixpath.dirname(path) in above
    )


def _processes(rows: Rows) -> tuple[Process, ...]:
    units: dict[str, str] = {}
    for (line,) in rows["group"]:
        path, _, group = line.partition(":0::")
        units[path.removesuffix("/cgroup")] = next(
            part for part in reversed(group.split("/")) if part.endswith(".service")
        )
    links: dict[str, dict[str, str]] = {}
    for path, target in rows["runs"]:
        process, _, what = path.rpartition("/")
        links.setdefault(process, {})[what] = target.removesuffix(" (deleted)")
    found = {
        Process(units[process], told["exe"], told.get("cwd", "/"))
        for process, told in links.items()
        if process in units and told.get("exe", "").startswith("/")
    }
    return tuple(sorted(found, key=lambda one: (one.unit, one.program, one.directory)))


def _mounts(output: Output) -> Mounts:
    rows = Rows(output, _FIELDS)
    numbers = {source: _number(number) for number, source in rows["device"]}
    now = tuple(
        Mount(number, _unescaped(inside), kind, source, frozenset(options.split(",")), _unescaped(point))
        for number, inside, kind, source, options, point in rows["mount"]
    )
    if not any(mount.point == "/" for mount in now):
        raise ParseError("nothing is mounted at /")
    return Mounts(
        now=now,
        sizes={point: int(size) * int(blocks) for size, blocks, point in rows["size"]},
        boot=(*_fstab(rows, numbers), *_units(rows, numbers)),
        masked=_masked(rows),
        places={place: (real, first) for place, real, first in rows["place"]},
        leads=tuple((link, target) for link, target in rows["leads"]),
        processes=_processes(rows),
        loops=dict(rows["loop"]),  # type: ignore[arg-type]  # rows of this tag have two fields
    )


MOUNTS = Probe("filesystem.mounts", _COMMAND, _mounts, limit=45)

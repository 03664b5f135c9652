"""What is installed that can start by itself: what packages bring, jobs, inetd, generators, users' units.

Of jobs and inetd's entries only when, as whom and which program is printed: commands may hold secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.services.inetd import INETD_FIELDS, PRINT_INETD, InetdEntry, inetd_entries
from plumbline.probes.services.on_demand import (
    BROUGHT_ON_DEMAND,
    ON_DEMAND_FIELDS,
    PRINT_ON_DEMAND,
    loaded_by_all,
    started_on_demand,
)
from plumbline.probes.tagged import PRINT_END, Rows

# Of cron's own fields five say when, or one that begins with @; in the system's files a user follows.
_JOBS = r"""
FNR == 1 { own = FILENAME ~ /^\/var\/spool\// ? FILENAME : ""; sub(/.*\//, "", own) }
/^[ \t]*(#|$)/ || /^[ \t]*[A-Za-z_]+[ \t]*=/ { next }
FILENAME == "/etc/anacrontab" { n = 4; user = "root" }
FILENAME != "/etc/anacrontab" {
    n = $1 ~ /^@/ ? 2 : 6
    user = own
    if (own == "") { user = $n; n++ }
}
{
    program = $n
    while (program ~ /^[A-Za-z_]+=/ && n < NF) program = $(++n)
    print "job\t" FILENAME "\t" FNR "\t" user "\t" substr(program, 1, 120)
}
"""

_STARTING = (
    r"(/usr)?/lib/systemd/system(-generators)?/[^/]+|/etc/(init\.d|cron[^/]*|xinetd\.d)/[^/]+"
    r"|/etc/(ana)?crontab"
)
"""By what a package brings services."""

_BRINGING = (
    rf"^({_STARTING}|{BROUGHT_ON_DEMAND}|(/usr)?/lib/systemd/(system|user)(-[a-z-]*)?/[^/]+(\.d/[^/]+)?"
    r"|(/etc|(/usr)?/lib)/(udev/rules\.d|networkd-dispatcher/[^/]+|NetworkManager/dispatcher\.d(/[^/]+)?)/[^/]+"
    r"|/etc/(network/if-[^/]*|dhcp/dhclient-[^/]*)\.d/[^/]+)$"
)

_HOOKS = (
    "/etc/network/if-*.d/* /etc/networkd-dispatcher/*.d/* /usr/lib/networkd-dispatcher/*.d/* "
    "/etc/NetworkManager/dispatcher.d/* /etc/NetworkManager/dispatcher.d/*.d/* "
    "/usr/lib/NetworkManager/dispatcher.d/* /usr/lib/NetworkManager/dispatcher.d/*.d/* "
    "/etc/dhcp/dhclient-*-hooks.d/* /usr/lib/systemd/system-sleep/* /usr/lib/systemd/system-shutdown/*"
)
"""Scripts that root runs when the network comes or goes, and when the host sleeps, wakes or halts."""

_COMMAND = rf"""
awk '/^Package: /{{ name = $2 }} /^Status: .* installed$/{{ names = names " " name }}
    /^ \/etc\/(ana)?cron/ {{ print "shipped\t" $1 "\t" $2 }}
    FILENAME ~ /hashfile$/ && $2 ~ /^\/etc\/(ana)?cron/ {{ print "shipped\t" $2 "\t" $1 }}
    END {{ print "packages\t" names }}' /var/lib/dpkg/status \
    $(ls /var/lib/ucf/hashfile 2>/dev/null) || exit 9
cd /var/lib/dpkg/info || exit 9
idle=''
! command -v ionice >/dev/null || idle='ionice -c 3'
$idle nice -n 19 grep -HE '{_BRINGING}' *.list |
    sed -E 's/(:[a-z0-9]+)?\.list:/\t/; s/^/brings\t/; s#\t/lib/#\t/usr/lib/#'
cd /
set --
for f in /etc/crontab /etc/anacrontab /etc/cron.d/* /var/spool/cron/crontabs/*; do
    case ${{f##*/}} in *[!A-Za-z0-9_-]*) case $f in /etc/cron.d/*) continue ;; esac ;; esac
    [ ! -f "$f" ] || set -- "$@" "$f"
done
[ $# -eq 0 ] || awk '{_JOBS}' "$@" || exit 9
for f in /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* /etc/cron.monthly/* /etc/cron.yearly/*; do
    case ${{f##*/}} in *[!A-Za-z0-9_-]*) continue ;; esac
    [ -f "$f" ] && [ -x "$f" ] || continue
    printf 'script\t%s\n' "$f"
    set -- "$@" "$f"
done
[ $# -eq 0 ] || md5sum -- "$@" | sed -E 's/^\\?([0-9a-f]+) .(.*)/sum\t\2\t\1/'
for f in /etc/rc.local /etc/rc.d/rc.local; do
    [ -f "$f" ] && [ -x "$f" ] && printf 'script\t%s\n' "$f"
done
for f in /var/spool/cron/atjobs/* /var/spool/at/*; do
    [ -f "$f" ] && case ${{f##*/}} in .SEQ) ;; *) stat -c 'at%n	%U' "$f" | sed 's/^at/at\t/' ;; esac
done
for f in /etc/init.d/*; do [ -f "$f" ] && [ -x "$f" ] && printf 'init\t%s\n' "$f"; done
for d in /run/systemd /etc/systemd /usr/local/lib/systemd /usr/lib/systemd; do
    for f in $d/*-generators/*; do
        [ -x "$f" ] && [ -s "$f" ] && [ ! -d "$f" ] && printf 'generator\t%s\n' "$f"
    done
done
{{ cut -d : -f 6 /etc/passwd; printf '%s\n' /home/*; }} | sort -u | while read -r h; do
    case $h in / | '' | /proc* | /dev* | /nonexistent | /usr/sbin | /bin) continue ;; esac
    for d in "$h/.config/systemd/user" "$h/.config/systemd/user.control" "$h/.local/share/systemd/user"; do
        [ ! -d "$d" ] || find "$d" -maxdepth 2 \( -name '*.service' -o -name '*.socket' -o -name '*.timer' \
            -o -name '*.path' -o -path '*.d/*.conf' \) -printf 'user\t%p\t%l\n'
    done
done
[ ! -d /etc/systemd/user ] || find /etc/systemd/user -maxdepth 2 \( -name '*.service' -o -name '*.socket' \
    -o -name '*.timer' -o -name '*.path' \) -printf 'user\t%p\t%l\n'
for d in /usr/local/lib /usr/local/share /usr/share /usr/lib /run /etc; do
    d=$d/systemd/user
    [ ! -d $d ] || find $d -maxdepth 2 -path '*.d/*.conf' -printf 'user\t%p\t%l\n' -o \
        ! -path '/etc/*' ! -path '*.wants/*' ! -path '*.requires/*' \
        \( -name '*.service' -o -name '*.socket' -o -name '*.timer' -o -name '*.path' \) \
        -printf 'user\t%p\t%l\n'
done
for f in {_HOOKS}; do
    [ -f "$f" ] && {{ [ -x "$f" ] || [ "${{f#/etc/dhcp/}}" != "$f" ]; }} || continue
    printf 'hook\t%s\t%s\n' "$(readlink -f "$f")" "$f"
done
set --
for f in /etc/udev/rules.d/*.rules /run/udev/rules.d/*.rules /usr/local/lib/udev/rules.d/*.rules \
    /usr/lib/udev/rules.d/*.rules; do
    [ ! -f "$f" ] || set -- "$@" "$f"
done
[ $# -eq 0 ] || grep -HnE '(RUN|PROGRAM|IMPORT)[^ ,=]*[ ]*[+:=]?=|SYSTEMD_(USER_)?WANTS' "$@" |
    grep -vE '^[^:]*:[0-9]+:[[:space:]]*#|\{{?builtin|IMPORT\{{(db|cmdline|parent|file)' |
    sed -E 's/^([^:]*):([0-9]+):.*/rule\t\1\t\2/'
for f in /var/lib/systemd/linger/*; do [ -f "$f" ] && printf 'linger\t%s\n' "${{f##*/}}"; done
{PRINT_INETD}
{PRINT_ON_DEMAND}
{PRINT_END}
"""

_FIELDS = (
    {
        "packages": 1,
        "shipped": 2,
        "brings": 2,
        "job": 4,
        "script": 1,
        "sum": 2,
        "at": 2,
        "init": 1,
        "generator": 1,
        "user": 2,
        "linger": 1,
        "hook": 2,
        "rule": 2,
    }
    | INETD_FIELDS
    | ON_DEMAND_FIELDS
)


@dataclass(frozen=True)
class Job:
    """Something that starts at a time of its own: where it stands, as whom it runs, which program."""

    file: str
    line: int
    user: str
    program: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.program} as {self.user}" if self.program else f"{place}, as {self.user}"


@dataclass(frozen=True)
class UserUnit:
    """A unit in a user's own directory, or one switched on for every user; `target` is what a link means."""

    path: str
    target: str

    def __str__(self) -> str:
        return f"{self.path} → {self.target}" if self.target else self.path


@dataclass(frozen=True)
class Installed:
    """What can start by itself.

    `brought`: path -> package; `jobs`: without those a package brought unchanged; `all_jobs` with them.
    """

    packages: frozenset[str]
    brought: dict[str, str]
    jobs: tuple[Job, ...]
    all_jobs: tuple[Job, ...]
    init_scripts: tuple[str, ...]
    generators: tuple[str, ...]
    user_units: tuple[UserUnit, ...]
    lingering: tuple[str, ...]
    inetd: tuple[InetdEntry, ...]
    preloaded: tuple[str, ...] = ()

    @cached_property
    def units_by_package(self) -> dict[str, list[str]]:
        """Units, init scripts, jobs and generators by the package that brings them."""
        found: dict[str, list[str]] = {}
        for path, package in self.brought.items():
            folder, _, name = path.rpartition("/")
            if not re.fullmatch(_STARTING, path):
                continue
            if name.startswith(".") or (
                folder == "/usr/lib/systemd/system" and not re.search(r"\.(service|socket|timer|path)$", name)
            ):
                continue
            found.setdefault(package, []).append(name if "systemd" in folder else path)
        return found

    def package_of(self, unit: str, path: str | None) -> str | None:
        """Return the package that brings a unit, by the path it is read from; None if none does."""
        if path is not None and path.startswith("/run/systemd/generator.late/"):
            return self.brought.get(f"/etc/init.d/{unit.removesuffix('.service')}")
        return self.brought.get(path or "")


def _unchanged(rows: Rows) -> frozenset[str]:
    shipped = {path: digest for path, digest in rows["shipped"]}  # noqa: C416  (typed so)
    sums = {path: digest for path, digest in rows["sum"]}  # noqa: C416  (typed so)
    return frozenset(path for path, digest in shipped.items() if sums.get(path) == digest)


def _jobs(rows: Rows) -> Iterable[Job]:
    for file, line, user, program in rows["job"]:
        yield Job(file, int(line), user, program)
    for (path,) in rows["script"]:
        yield Job(path, 0, "root", "")
    for path, user in rows["at"]:
        yield Job(path, 0, user, "")


def _parse(output: Output) -> Installed:
    rows = Rows(output, _FIELDS)
    if len(rows["packages"]) != 1 or not rows["packages"][0][0].strip():
        raise ParseError("no package is told")
    packages = frozenset(rows["packages"][0][0].split())
    brought = {path: package for package, path in rows["brings"] if package in packages}
    unchanged = _unchanged(rows)
    jobs = tuple(_jobs(rows))
    known = {path for _, path in rows["brings"]}  # also what a removed package left
    own = [Job(path, 0, "root", "") for real, path in rows["hook"] if not {real, path} & known]
    own += [Job(path, int(line), "root", "") for path, line in rows["rule"] if path not in brought]
    own += [Job(*told) for told in started_on_demand(rows, brought)]
    return Installed(
        packages=packages,
        brought=brought,
        jobs=(*(job for job in jobs if job.file not in unchanged), *own),
        all_jobs=jobs,
        init_scripts=tuple(path for (path,) in rows["init"]),
        generators=tuple(path for (path,) in rows["generator"] if path not in brought),
        user_units=tuple(UserUnit(path, target) for path, target in rows["user"] if path not in brought),
        lingering=tuple(name for (name,) in rows["linger"]),
        inetd=inetd_entries(rows),
        preloaded=loaded_by_all(rows),
    )


INSTALLED: Probe[Installed] = Probe("services.installed", _COMMAND, _parse)

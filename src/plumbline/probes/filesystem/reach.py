"""What root runs or reads outside the system's own directories: where it is named, and who may write there.

The system's directories are walked whole (`walk`), so only paths beyond them are gathered: from root's PATH,
units, cron, scripts that run as root, sudo, PAM, the dynamic linker, and links in the system's directories.
Of each path every directory up to / is told, as it is written and as it is once links are followed. Of lines
no more than the paths in them is printed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.filesystem.writers import Entry, entry
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import EVERYWHERE

_SEARCHED = (
    "/etc/profile /etc/profile.d/*.sh /etc/bash.bashrc /etc/environment /etc/login.defs "
    "/etc/sudoers /etc/sudoers.d/* /etc/crontab /etc/cron.d/* /etc/anacrontab "
    "/var/spool/cron/crontabs/root /etc/default/* "
    "/root/.profile /root/.bashrc /root/.bash_profile /root/.bash_login /root/.zshrc /root/.zprofile "
    "/etc/systemd/system.conf /etc/systemd/system.conf.d/*.conf /etc/zsh/zprofile /etc/zsh/zshenv"
)
"""Files in which root's PATH may be set."""

_SCRIPTS = (
    "/etc/profile /etc/profile.d/*.sh /etc/bash.bashrc /root/.profile /root/.bashrc /root/.bash_profile "
    "/root/.bash_login /etc/rc.local /etc/init.d/* /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* "
    "/etc/cron.monthly/* /etc/crontab /etc/cron.d/* /etc/anacrontab /var/spool/cron/crontabs/root "
    "/etc/network/if-*.d/* /etc/network/interfaces /etc/network/interfaces.d/* /etc/networkd-dispatcher/*/* "
    "/etc/NetworkManager/dispatcher.d/* /etc/apt/apt.conf.d/* /etc/logrotate.d/* /etc/udev/rules.d/*.rules "
    "/etc/sudoers /etc/sudoers.d/* /etc/pam.d/* /etc/ld.so.preload /etc/ld.so.conf /etc/ld.so.conf.d/* "
    "/etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf /etc/update-motd.d/* /etc/kernel/*/* /etc/dhcp/*/* "
    "/usr/local/sbin/* /usr/local/bin/* /etc/environment /etc/systemd/system-generators/* /etc/acpi/events/* "
    "/etc/modprobe.d/*.conf /etc/dpkg/dpkg.cfg.d/* /etc/initramfs-tools/hooks/* "
    "/etc/initramfs-tools/scripts/*/* /etc/grub.d/* "
    "/etc/systemd/system.conf /etc/systemd/system.conf.d/*.conf /etc/ssh/sshrc /etc/tmpfiles.d/*.conf "
    "/etc/inetd.conf /etc/inetd.d/* /etc/xinetd.conf /etc/xinetd.d/* /etc/audit/plugins.d/*.conf "
    "/etc/rsyslog.conf /etc/rsyslog.d/*.conf /etc/snmp/snmpd.conf /etc/snmp/snmpd.conf.d/*.conf "
    "/etc/ppp/ip-*.d/* /usr/local/lib/udev/rules.d/*.rules /usr/lib/systemd/system-sleep/* "
    "/usr/lib/systemd/system-shutdown/* /usr/local/share/dbus-1/system-services/*.service "
    "/usr/share/dbus-1/system-services/*.service"
)
"""Files whose lines root runs, or that say what root loads."""

_OWN = "usr|s?bin|lib(x?32|64)?|etc|dev|proc|sys|run|boot"
_LOADING = r"(^|[;&|({ \t\/])(\.|source|(ba|da|z|k|a)?sh|python[0-9.]*|perl|ruby|php|node)"
_TOKENS = rf"""
function tokens(text,   count, word, i, found) {{
    for (name in holds) {{
        gsub("[$][{{]" name "[}}]\"?", holds[name], text)
        gsub("[$]" name "\"?/", holds[name] "/", text)
    }}
    gsub(/[~}}]\//, "_/", text)
    gsub(/[^A-Za-z0-9_.+@%\/-]+/, " ", text)
    count = split(text, word, " "); found = ""
    for (i = 1; i <= count; i++) {{
        sub(/\/+$/, "", word[i])
        sub(/^[-+@]+\//, "/", word[i])
        if (word[i] ~ /^\/[A-Za-z0-9_.+@-]/ && word[i] !~ /^\/({_OWN})(\/|$)/) found = found " " word[i]
    }}
    return substr(found, 2)
}}
# Variables that hold a path, for what is found below it.
function assigned(text,   name) {{
    if (FNR == 1) delete holds
    sub(/^[ \t]*((export|readonly|local)[ \t]+)?/, "", text)
    if (text !~ /^[A-Za-z_][A-Za-z0-9_]*="?\/[A-Za-z0-9_.+@\/-]+"?[ \t]*(;|&&|$)/) return
    name = text
    sub(/=.*/, "", name)
    sub(/^[^=]*="?/, "", text)
    sub(/[" \t;&].*/, "", text)
    sub(/\/+$/, "", text)
    holds[name] = text
}}
# What is read as a program though it need not be one by its mode: sourced, or given to an interpreter; and a
# directory from which something is started.
function loaded(text,   found, part) {{
    found = ""
    for (name in holds) {{
        gsub("[$][{{]" name "[}}]\"?", holds[name], text)
        gsub("[$]" name "\"?/", holds[name] "/", text)
    }}
    gsub(/["\047]/, "", text)
    if (text ~ /[;&|({{ \t]\.\/[A-Za-z0-9_]/) gsub(/(^|[;&|({{ \t])cd[ \t]+\//, " . /", text)
    while (match(text, /{_LOADING}[ \t]+(-[A-Za-z-]+[ \t]+)*\/[A-Za-z0-9_.+@%\/-]+/)) {{
        part = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        sub(/^.*[ \t]/, "", part)
        found = found " " tokens(part)
    }}
    sub(/^ +/, "", found)
    return found
}}"""
_ELEMENTS = r"""
/^[ \t]*#/ { next }
match($0, /(^|[^A-Za-z_])(PATH|ENV_SUPATH|secure_path)[ \t]*\+?=/) {
    text = substr($0, RSTART + RLENGTH)
    sub(/^[ \t]*(PATH=)?/, "", text)
    quote = substr(text, 1, 1)
    if (quote == "\"" || quote == "\047") { text = substr(text, 2); sub(quote ".*", "", text) }
    else sub(/[ \t;&|)].*/, "", text)
    count = split(text, word, ":")
    for (i = 1; i <= count; i++) {
        sub(/^(\$HOME|\$\{HOME\}|~)(\/|$)/, "/root/", word[i])
        if (length(word[i]) > 1) sub(/\/+$/, "", word[i])
        if (word[i] !~ /[$`\\]/) print "path\t" FILENAME "\t" FNR "\t" word[i]
    }
}"""

_COMMAND = rf"""

existing() {{
    for file; do
        case $file in *[[:space:][:cntrl:]]*) continue ;; esac
        [ ! -f "$file" ] || [ ! -r "$file" ] || printf '%s\n' "$file"
    done
}}
set -- $(existing {_SEARCHED})
elements=$([ $# -eq 0 ] || awk '{_ELEMENTS}' "$@")
elements=$(printf '%s\n' "$elements"
    systemctl show-environment | sed -n 's/^PATH=//p' | tr : '\n' | sed 's/^/path\tsystemd\t0\t/')
lines() {{
    [ $# -eq 0 ] || awk '{_TOKENS}
        FNR > 3000 || /^[ \t]*#/ {{ next }}
        {{
            assigned($0)
            found = tokens($0)
            if (found != "") print "line\t" FILENAME "\t" FNR "\t" found
            found = loaded($0)
            if (found != "") print "load\t" FILENAME "\t" FNR "\t" found
        }}' "$@"
}}
set -- $(existing {_SCRIPTS} | xargs -r grep -Ils '')
first=$(lines "$@")
set --
for directory in {EVERYWHERE} /etc/systemd/user /root/.config/systemd/user; do
    set -- "$@" $(existing "$directory"/*.service "$directory"/*.service.d/*.conf "$directory"/*.socket)
done
units=$([ $# -eq 0 ] || awk '{_TOKENS}
    FNR == 1 {{ unit = FILENAME; sub(/\.d\/[^\/]*$/, "", unit); sub(/.*\//, "", unit) }}
    /^[ \t]*User[ \t]*=/ || /^[ \t]*DynamicUser[ \t]*=[ \t]*(yes|true|on|1)/ {{
        value = $0; sub(/^[^=]*=[ \t]*/, "", value)
        kept[unit] = kept[unit] "user\t" unit "\t" value "\n"
    }}
    /^[ \t]*(Exec[A-Za-z]*|Environment(File)?|WorkingDirectory)[ \t]*=/ {{
        found = tokens($0)
        raised = ($0 ~ /=[ \t]*[-@:|]*[+!]/) ? "+" : ""
        program = $0
        sub(/^[^=]*=[ \t]*[-@:|+!]*"?/, "", program)
        sub(/["\t ].*/, "", program)
        if ($0 ~ /^[ \t]*(ExecSearchPath|Environment[ \t]*=.*PATH=)/) program = found
        else if ($0 ~ /^[ \t]*Exec/) program = program " " loaded($0)
        if (found != "") {{
            place = FILENAME "\t" FNR "\t" unit raised "\t" program
            kept[unit] = kept[unit] "exec\t" place "\t" found "\n"
            wanted[unit] = 1
        }}
    }}
    END {{ for (unit in wanted) printf "%s", kept[unit] }}' "$@")
links=$(timeout 10 find /usr /etc -xdev -path /usr/share/doc -prune -o -path /usr/share/man -prune -o \
    -type l -printf '%p\t%l\n' 2>/dev/null | awk -F'\t' '
    NF != 2 || / / {{ next }}
    $2 ~ /^\// {{ path = $2 }}
    $2 !~ /^\// {{
        path = $1
        sub(/\/[^\/]*$/, "/", path)
        path = path $2
        gsub(/\/(\.?\/)+/, "/", path)
        while (sub(/\/[^\/]+\/\.\.(\/|$)/, "/", path) || sub(/^\/\.\.\//, "/", path));
    }}
    path !~ /^\/({_OWN})(\/|$)/ {{ print "line\t" $1 "\t0\t" path }}' | head -n 200)
paths() {{ awk -F'\t' '$1 == "line" || $1 == "load" || $1 == "exec" {{ print $NF }}' | tr ' ' '\n'; }}
scripts=$(printf '%s\n%s\n%s\n' "$first" "$units" "$links" | paths | sort -u | while IFS= read -r file; do
    [ -f "$file" ] && [ -x "$file" ] || continue
    case $(head -c 2 "$file" | tr -d '\0') in '#!') printf '%s\n' "$file" ;; esac
done)
all=$(printf '%s\n%s\n%s\n%s\n%s\n' "$elements" "$first" "$units" "$links" "$(lines $scripts)" | grep .)
[ "$(printf '%s\n' "$all" | wc -l)" -le 1500 ] || printf 'cut\t/\n'
all=$(printf '%s\n' "$all" | head -n 1500)
printf '%s\n' "$all"
candidates=$({{
    printf '%s\n' "$all" | paths
    printf '%s\n' "$all" | awk -F'\t' '$1 == "path" {{ print $4 }}'
}} | grep '^/' | sort -u)
both=$(printf '%s\n' "$candidates"; printf '%s\n' "$candidates" | tr '\n' '\0' | xargs -0 readlink -m --)
printf '%s\n' "$both" | awk '{{ line[NR] = $0 }} END {{
    for (i = 1; (half = NR / 2) >= i; i++)
        if (line[i] != line[i + half]) print "real\t" line[i] "\t" line[i + half]
}}'
printf '%s\n' "$both" | awk '
    {{ for (path = $0; path != "" && !seen[path]++; sub(/\/[^\/]*$/, "", path)) printf "%s%c", path, 0 }}
    END {{ printf "/%c", 0 }}' | xargs -0 sh -c 'exec find "$@" -maxdepth 0 \
    -printf "stat\\t%y\\t%m\\t%U\\t%G\\t%p\\n"' find 2>/dev/null
{PRINT_END}
"""

_SUFFIXES = (".sh", ".bash", ".py", ".pl", ".rb", ".so", ".jar", ".lua")
_LOADS = re.compile(r"^/etc/(ld\.so|sudoers|pam\.d/)")


@dataclass(frozen=True)
class Named:
    """A path that root runs, reads or searches, and where it is named.

    `kind` is `path` for an element of PATH, `run` for what a unit starts or reads, `load` for what a script
    reads as a part of itself or gives to an interpreter, `line` for any other.
    """

    where: str
    kind: str
    path: str


@dataclass(frozen=True)
class Reach:
    """All such paths, what each really is, and the entries of every directory on their ways."""

    named: tuple[Named, ...]
    reals: dict[str, str]
    entries: dict[str, Entry]
    cut: bool

    def ways(self, path: str) -> Iterator[Entry]:
        """Yield the entries from / down to a path, as it is written and as it really is."""
        seen: dict[str, None] = {}
        for way in (path, self.reals.get(path, path)):
            step = way
            while step not in seen:
                seen[step] = None
                step = posixpath.dirname(step)
        for step in sorted(seen):
            if step in self.entries and self.entries[step].kind != "l":
                yield self.entries[step]

    def counts(self, named: Named) -> bool:
        """Say whether a named path is run, loaded or searched, and not just mentioned."""
        if named.kind == "path":
            return True
        found = self.entries.get(self.reals.get(named.path, named.path))
        if found is None:
            return named.kind == "run"
        if named.kind in ("run", "load") or _LOADS.search(named.where) or named.where.endswith(":0"):
            return True
        return found.kind == "f" and (bool(found.mode & 0o111) or found.path.endswith(_SUFFIXES))

    @property
    def relative(self) -> list[str]:
        """Elements of root's PATH that are no absolute directory: an empty one is the working directory."""
        return [
            f"{named.where}: {named.path or 'an empty element'} in PATH"
            for named in self.named
            if named.kind == "path" and not named.path.startswith("/")
        ]


def _reach(output: Output) -> Reach:
    rows = Rows(
        output, {"path": 3, "line": 3, "load": 3, "exec": 5, "user": 2, "real": 2, "stat": 5, "cut": 1}
    )
    users: dict[str, set[str]] = {}
    for unit, user in rows["user"]:
        users.setdefault(unit, set()).add(user)
    named = [Named(f"{file}:{line}", "path", element) for file, line, element in rows["path"]]
    for file, line, found in rows["line"]:
        named += [Named(f"{file}:{line}", "line", path) for path in found.split()]
    for file, line, found in rows["load"]:
        named += [Named(f"{file}:{line}", "load", path) for path in found.split()]
    for file, line, unit, program, found in rows["exec"]:
        if unit.endswith("+") or not users.get(unit) or users[unit] & {"root", "0", ""}:
            kinds = {path: "run" if path in program.split() else "line" for path in found.split()}
            named += [Named(f"{file}:{line}", kind, path) for path, kind in kinds.items()]
    entries = {row[4]: entry(*row) for row in rows["stat"]}
    if "/" not in entries:
        raise ParseError("nothing was told of /")
    reals: dict[str, str] = dict(rows["real"])  # type: ignore[arg-type]  # rows of this tag have two fields
    return Reach(tuple(dict.fromkeys(named)), reals, entries, bool(rows["cut"]))


REACH = Probe("filesystem.reach", _COMMAND, _reach, limit=30)

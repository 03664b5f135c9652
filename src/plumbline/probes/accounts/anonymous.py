"""Services that give something to whom they do not know, as their files say (smb.conf(5), exports(5), …).

Of files that hold passwords only the lines that say whether one is asked for are printed, without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from plumbline.probes.accounts.lines import FIELDS, Lines, print_lines, read_lines
from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows

# Where the servers whose files are read are installed; the files of one that is gone say nothing.
_PROGRAMS = (
    "/usr/sbin/smbd /usr/sbin/exportfs /usr/bin/rsync /usr/sbin/vsftpd /usr/sbin/proftpd /usr/sbin/mosquitto "
    "/usr/bin/redis-server /usr/bin/memcached /usr/sbin/in.tftpd /usr/sbin/atftpd"
)
_FILES = (
    "/etc/samba/*.conf /var/lib/samba/usershares/* /etc/exports /etc/exports.d/*.exports /etc/rsyncd.conf "
    "/etc/rsyncd.d/*.inc /etc/rsyncd.d/*.conf /etc/vsftpd.conf /etc/vsftpd/*.conf /etc/proftpd/*.conf "
    "/etc/proftpd/conf.d/*.conf /etc/mosquitto/*.conf /etc/mosquitto/conf.d/*.conf /etc/redis/*.conf "
    "/etc/memcached.conf"
)
# Blanks inside a name count for nothing in smb.conf and rsyncd.conf.
_KEPT = (
    r'{ bare = tolower($0); gsub(/[ \t]/, "", bare) } '
    # Of redis.conf: an empty password is none, and other users close nothing while `default` is open.
    r"bare ~ /^requirepass(\"\"|\047\047)?$/ || (bare ~ /^user/ && bare !~ /^userdefault/) || "
    r"(bare ~ /^userdefault/ && bare ~ /nopass/) { next } "
    r"bare ~ /^(requirepass|aclfile|user)/ { sub(/[^ \t]+[ \t].*/, $1) } "
    r"!/^[ \t]*[#;]/ && (FILENAME ~ /exports/ || bare ~ /^(\[|<anonymous|maptoguest=|guestok=|guestonly=|"
    r"public=|nullpasswords=|authusers=|path=|anonymous_enable=|allow_anonymous|protected-mode|-l|guest_ok=)/"
    r" || /^[ \t]*(requirepass|aclfile|user)$/)"
)

# Files that those take in from elsewhere, by the directory of those that name them; a %-word may be anything.
_INCLUDED = r"""
more=''
included() {
    for file in $2; do
        case $file in /*[[:cntrl:]]* | [!/]*) continue ;; esac
        [ ! -f "$file" ] || { printf 'included\t%s\t%s\n' "$1" "$file"; more="$more $file"; }
    done
}
included /etc/samba/ "$(sed -n 's/^[ \t]*include[ \t]*=[ \t]*//Ip' /etc/samba/*.conf 2>/dev/null |
    tr -d '"\r' | sed 's/%[A-Za-z]/*/g')"
for place in $(sed -nE 's/^[ \t]*&(include|merge)[ \t]+//p' /etc/rsyncd.conf 2>/dev/null); do
    included /etc/rsyncd "$place ${place%/}/*.inc ${place%/}/*.conf"
done
for place in $(sed -nE 's/^[ \t]*include_dir[ \t]+//p' /etc/mosquitto/*.conf 2>/dev/null); do
    included /etc/mosquitto/ "${place%/}/*.conf"
done
"""

_COMMAND = rf"""
for file in {_PROGRAMS}; do
    [ ! -x "$file" ] || printf 'program\t%s\n' "${{file##*/}}"
done
for comm in $(grep -lxsE 'Xvnc|Xtigervnc|Xorg|X|x11vnc|x0vncserver|x0tigervncserv|vino-server|wayvnc' \
    /proc/[0-9]*/comm); do
    words=$(tr '\0\n\t' '   ' 2>/dev/null <"${{comm%comm}}cmdline") || continue
    printf 'screen\t%s\n' "$words"
done 2>/dev/null
{_INCLUDED}
{print_lines([*_FILES.split(), "$more"], _KEPT)}
{PRINT_END}
"""

_FIELDS = {"program": 1, "screen": 1, "included": 2} | FIELDS

_YES = ("yes", "true", "1", "y")
_OPEN_SCREEN = re.compile(r"(?i)(^|\s)(-SecurityTypes[ =]\S*\bnone\b|-nopw|-ac)(\s|$)")


@dataclass(frozen=True)
class Anonymous:
    """The servers installed, what of their files concerns strangers, and screens that are shared."""

    programs: frozenset[str]
    screens: tuple[str, ...]
    files: Lines
    included: frozenset[tuple[str, str]] = frozenset()
    """The beginning of a file's path, and another file that it takes in."""

    def settings(self, prefix: str) -> Iterator[tuple[str, str, str, str]]:
        """Yield place, section, key and value of the files below a path; keys are in small letters.

        Where a section starts, the key is empty.
        """
        for path, lines in self.files.items():
            if not path.startswith(prefix) and (prefix, path) not in self.included:
                continue
            section = ""
            for number, line in enumerate(lines, 1):
                text = line.strip()
                if match := re.fullmatch(r"\[\s*(.*?)\s*\].*", text):
                    section = match[1]
                    yield f"{path}:{number}", section, "", ""
                elif text:
                    key, _, value = text.partition("=")
                    yield f"{path}:{number}", section, " ".join(key.lower().split()), value.strip()

    @property
    def open(self) -> list[str]:
        """What is given to strangers, each with where."""
        found = [
            told for program, judge in _JUDGES.items() if program in self.programs for told in judge(self)
        ]
        found += [f"{name} asks nobody who he is" for name in ("in.tftpd", "atftpd") if name in self.programs]
        return found + [words.strip() for words in self.screens if _OPEN_SCREEN.search(words)]


def _samba(seen: Anonymous) -> Iterator[str]:
    for place, section, key, value in seen.settings("/etc/samba/"):
        name = key.replace(" ", "")
        guest = name in ("guestok", "public", "guestonly", "nullpasswords") and value.lower() in _YES
        if guest or (name == "maptoguest" and value.lower() != "never"):
            yield f"{place}: [{section}] {key} = {value}"
    for place, _, key, value in seen.settings("/var/lib/samba/usershares/"):
        if key == "guest_ok" and value.lower() in _YES:
            yield f"{place}: {key}={value}"


def _nfs(seen: Anonymous) -> Iterator[str]:
    """Yield clients whose users the server believes: those with another security flavour than Kerberos."""
    for path, lines in seen.files.items():
        for place, words in _exports(path, lines) if path.startswith("/etc/exports") else ():
            usual = ""
            for word in words[1:]:
                if word.startswith("-"):
                    usual = word[1:]
                    continue
                client, _, options = word.partition("(")
                given = f"{usual},{options.rstrip(')')}".split(",")
                flavours = [option[4:] for option in given if option.startswith("sec=")][-1:] or ["sys"]
                if any(not flavour.startswith("krb5") for flavour in flavours[0].split(":")):
                    yield f"{place}: {words[0]} {client or '*'}: sec={flavours[0]}"


def _exports(path: str, lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the words of each line of exports(5), continued ones joined, with where it starts."""
    begun, first = "", 0
    for number, line in enumerate(lines, 1):
        first = first if begun else number
        begun += line.split("#", 1)[0]
        if begun.endswith("\\"):
            begun = begun[:-1] + " "
        else:
            if words := re.findall(r'"[^"]*"|\S+', begun):
                yield f"{path}:{first}", words
            begun = ""


def _rsync(seen: Anonymous) -> Iterator[str]:
    """Yield modules without users; what stands before the first module holds for all."""
    modules: dict[tuple[str, str], str] = {}
    asked: set[tuple[str, str]] = set()
    for place, section, key, value in seen.settings("/etc/rsyncd"):
        path = place.rpartition(":")[0]
        if key.replace(" ", "") == "authusers" and value:
            asked.add((path, section))
        elif not key and section.lower() != "global":
            modules.setdefault((path, section), place)
    for (path, section), place in modules.items():
        before = {(file, name) for file in (path, "/etc/rsyncd.conf") for name in ("", "global")}
        if not asked & {(path, section), *before}:
            yield f"{place}: [{section}] no auth users"


def _vsftpd(seen: Anonymous) -> Iterator[str]:
    for path in seen.files:
        if path.startswith("/etc/vsftpd"):
            said = [
                (place, value) for place, _, key, value in seen.settings(path) if key == "anonymous_enable"
            ]
            if not said or said[-1][1].lower() in _YES:
                yield f"{said[-1][0] if said else path}: anonymous_enable={said[-1][1] if said else 'YES'}"


def _proftpd(seen: Anonymous) -> Iterator[str]:
    for place, _, key, _ in seen.settings("/etc/proftpd/"):
        if key.startswith("<anonymous"):
            yield f"{place}: {key}"


def _mosquitto(seen: Anonymous) -> Iterator[str]:
    for place, _, key, _ in seen.settings("/etc/mosquitto/"):
        words = key.split()
        if words[:1] == ["allow_anonymous"] and words[-1] in _YES:
            yield f"{place}: {key}"


def _redis(seen: Anonymous) -> Iterator[str]:
    keys = [(place, key) for place, _, key, _ in seen.settings("/etc/redis/")]
    if not any(key in ("requirepass", "aclfile", "user") for _, key in keys):
        yield from (f"{place}: {key}, no requirepass" for place, key in keys if key == "protected-mode no")


def _memcached(seen: Anonymous) -> Iterator[str]:
    path = "/etc/memcached.conf"
    if path in seen.files:
        said = [(place, key.removeprefix("-l").strip()) for place, _, key, _ in seen.settings(path)]
        listening = [(place, value) for place, value in said if value]
        if not listening:
            yield f"{path}: listens on every address, asks nobody"
        for place, value in listening:
            if not all(one.startswith(("127.", "::1", "localhost", "/")) for one in value.split(",")):
                yield f"{place}: listens on {value}, asks nobody"


_JUDGES: dict[str, Callable[[Anonymous], Iterator[str]]] = {
    "smbd": _samba,
    "exportfs": _nfs,
    "rsync": _rsync,
    "vsftpd": _vsftpd,
    "proftpd": _proftpd,
    "mosquitto": _mosquitto,
    "redis-server": _redis,
    "memcached": _memcached,
}


def _anonymous(output: Output) -> Anonymous:
    rows = Rows(output, _FIELDS)
    return Anonymous(
        programs=frozenset(name for (name,) in rows["program"]),
        screens=tuple(words for (words,) in rows["screen"]),
        files=read_lines(rows),
        included=frozenset((prefix, path) for prefix, path in rows["included"]),
    )


ANONYMOUS = Probe("accounts.anonymous", _COMMAND, _anonymous)

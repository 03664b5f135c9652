"""How SSH servers are started: command lines that run, and those of units, which go before sshd_config(5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import ParseError
from plumbline.probes.tagged import Rows
from plumbline.probes.unit_files import EVERYWHERE

PRINT_DAEMONS = rf"""
for comm in $(grep -lxsE 'sshd|dropbear|tinysshd' /proc/[0-9]*/comm); do
    words=$(tr '\0\n\t' '   ' 2>/dev/null <"${{comm%comm}}cmdline") || continue
    printf 'running\t%s\n' "$words"
done 2>/dev/null
set --
for file in /etc/default/ssh /etc/default/sshd /etc/sysconfig/sshd; do
    [ ! -f "$file" ] || set -- "$@" "$file"
done
for directory in {EVERYWHERE}; do
    for file in "$directory"/*ssh*.service.d/*.conf "$directory"/service.d/*.conf $(
        grep -lsE '^[[:space:]]*ExecStart[[:space:]]*=.*sshd' "$directory"/*.service
    ); do
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
done
[ $# -eq 0 ] || for file in $(
    sed -nE 's/^[[:space:]]*EnvironmentFile[[:space:]]*="?-?([^"[:space:]]+).*/\1/p' "$@"
); do
    case " $* " in *" $file "*) ;; *) [ ! -f "$file" ] || set -- "$@" "$file" ;; esac
done
[ $# -eq 0 ] || awk '
    function told() {{ if (text != "") print "started\t" of "\t" at "\t" text; text = ""; goes_on = 0 }}
    FNR == 1 {{ told() }}
    goes_on && /^[ \t]*[#;]/ {{ next }}
    goes_on {{ text = text " " $0 }}
    !goes_on && /^[ \t]*(export[ \t]+)?(SSHD_OPTS|OPTIONS|ExecStart|Environment)[ \t]*=/ &&
            (FILENAME !~ /\/service\.d\// || /-[46DdeGiqTt]*[ofh]/) {{
        told(); of = FILENAME; at = FNR; text = $0; goes_on = 1 }}
    !goes_on && /^[ \t]*(export[ \t]+)?[A-Za-z_0-9]+=["\047]?(.*[ \t])?-[46DdeGiqTt]*[ofh][ \t]*[A-Za-z\/]/ {{
        told(); of = FILENAME; at = FNR; text = $0; goes_on = 1 }}
    goes_on {{ goes_on = sub(/\\$/, "", text) || (quotes = gsub(/"/, "\"", text)) % 2 }}
    END {{ told() }}' "$@" || exit 9
"""

COLLECT_CONFIG = r"""    set --
    in_match=' '
    files=/etc/ssh/sshd_config
    for depth in 1 2 3 4 5 6 7 8; do
        included=''
        for file in $files; do
            [ -f "$file" ] || continue
            set -- "$@" "$file"
            included="$included $(awk -v file="$file" -v in_match="$in_match" '
                BEGIN { block = index(in_match, " " file " ") ? "match" : "all" }
                { low = tolower($0); sub(/^[ \t"]+/, "", low) }
                low ~ /^match("|=|[ \t]|$)/ { block = "match" }
                low ~ /^include[ \t="]/ {
                    gsub(/"|\r$/, " "); sub(/^[ \t]*[A-Za-z]+[ \t]*=?/, "")
                    for (at = 1; at <= NF && $at !~ /^#/; at++) print block ":" $at }' "$file")"
        done
        files=''
        set -f
        for file in $included; do
            block=${file%%:*} file=${file#*:}
            case $file in /*) ;; *) file=/etc/ssh/$file ;; esac
            set +f
            for file in $file; do
                files="$files $file"
                [ "$block" = all ] || in_match="$in_match$file "
            done
            set -f
        done
        set +f
    done
"""
"""A piece of shell: makes sshd's configuration file and those it includes the positional parameters.

`in_match` are, between blanks, those that a Match block takes in: what they say holds for some only.
"""

DAEMON_FIELDS = {"running": 1, "started": 3}

_FLAGS = "46DdeGiqTt"
_LISTENER = re.compile(r"sshd: (.*?) \[listener\]")
_FILE = re.compile(rf"(?:^|\s|=)-[{_FLAGS}]*f\s*(\S+)")
_OPTION = re.compile(rf"(?:^|\s|=)-[{_FLAGS}]*o\s*(\w+)\s*[=\s]\s*(.*?)(?=\s-\w|$)")
_COMMAND = re.compile(r"\s*ExecStart")
_SERVER = re.compile(r"(^|[\s=/@+!:-])sshd(\s|$)")
_STANDARD = "/etc/ssh/sshd_config"


_SETTING = re.compile(r"(\w+)[\s=]*(.*?)(?:\s+#.*)?")


def setting(text: str) -> tuple[str, str]:
    """Return the option and the value of a line of sshd_config(5), without quotes and what comments on it.

    ParseError if the line is none.
    """
    words = _SETTING.fullmatch(text.replace('"', "").strip())
    if words is None:
        raise ParseError(f"no option of sshd: {text}")
    return words[1], words[2].strip()


@dataclass(frozen=True)
class Daemon:
    """A command line of an SSH server, and where it is: running, or in a file."""

    place: str
    words: str

    @property
    def is_other(self) -> bool:
        """Whether this is no OpenSSH server, or one with a configuration file of its own."""
        server = self.words.split()[:1]
        if self.place == "running" and server and not server[0].endswith("sshd"):
            return True
        return any(file != _STANDARD for file in self.files)

    @property
    def files(self) -> list[str]:
        """The configuration files it is given with `-f`, as they are written."""
        return _FILE.findall(self._plain)

    @property
    def _plain(self) -> str:
        return re.sub(r"[\"']", " ", re.sub(r"^\s*(export\s+)?\w+\s*=", "", self.words))

    def options(self, name: str) -> list[str]:
        """Return what `-o` gives an option."""
        return [value.strip() for given, value in _OPTION.findall(self._plain) if given.lower() == name]

    def __str__(self) -> str:
        return f"{self.place}: {self.words.strip()}"


def daemons(rows: Rows) -> tuple[Daemon, ...]:
    """Read what `PRINT_DAEMONS` printed; processes of one session and other programs are left out."""
    found: dict[Daemon, None] = {}
    for (words,) in rows["running"]:
        listener = _LISTENER.match(words)
        if listener is None and words.startswith("sshd: "):
            continue
        found[Daemon("running", listener[1] if listener else words.strip())] = None
    for file, number, text in rows["started"]:
        if not _COMMAND.match(text) or _SERVER.search(text):
            found[Daemon(f"{file}:{number}", text)] = None
    return tuple(found)

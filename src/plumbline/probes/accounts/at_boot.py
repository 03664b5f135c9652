"""Accounts and memberships that systemd would make at the next boot (sysusers.d(5))."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from plumbline.probes.accounts.local import NO_SESSION, Local

PRINT_SYSUSERS = r"""
seen=''
for directory in /etc /run /usr/local/lib /usr/lib; do
    for file in "$directory"/sysusers.d/*.conf; do
        case $file in *[[:cntrl:]]*) exit 9 ;; esac
        case "$seen" in *"|${file##*/}|"*) continue ;; esac
        seen="$seen|${file##*/}|"
        [ ! -f "$file" ] || awk '/^[ \t]*[um]/ {
            gsub(/\t/, " "); print "sysusers\t" FILENAME ":" FNR "\t" $0 }' "$file" || exit 9
    done
done
"""
"""A piece of shell: prints the lines that make users and members; of files of one name the first counts."""

SYSUSERS_FIELDS = {"sysusers": 2}


def made_at_boot(lines: Iterable[tuple[str, str]], local: Local) -> Iterator[str]:
    """Yield lines that would make an account with a shell or root's number, or put one there into a group.

    An account that is there is left as it is, so such a line says nothing of it.
    """
    for place, text in lines:
        try:
            words = shlex.split(text)
        except ValueError:
            words = text.split()
        kind, name, number, _, _, shell, *_ = [*words, *["-"] * 6]
        if kind.startswith("u") and name not in local.by_name:
            is_root = number.partition(":")[0].lstrip("0") == "" and number[:1] == "0"
            if is_root or (shell != "-" and shell not in NO_SESSION):
                yield f"{place}: {text.strip()}"
        elif kind == "m" and name in local.by_name and name not in local.members(number):
            yield f"{place}: {text.strip()}"

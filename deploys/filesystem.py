"""Files on Linux: only the system writes its own, rights come from the distribution, homes are closed.

Only what is safe is mended: rights are taken, never given, and nothing is moved or removed. What lies in the
directories of applications and data stays as it is, and so do changed packages, programs that root runs from
elsewhere, mounts and partitions: the checks name them, and a person decides.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.mechanisms.files import whole_file
from deploys.mechanisms.printed import paths
from plumbline.apply.serving import serving
from plumbline.apply.telling import tell, tell_touches
from plumbline.policy.privileged import find, load_privileged
from plumbline.policy.standard import DesiredState

# After the scripts that packages bring, so that it finds the umask they leave.
UMASK = "/etc/profile.d/zz-plumbline-filesystem.sh"

_SYSTEM = (
    "$(ls -d /etc /usr /boot /root /var/lib/dpkg /var/lib/apt /var/lib/systemd /var/lib/pam 2>/dev/null)"
)
_PEOPLE = (
    'awk -F: \'FILENAME == "/etc/passwd" { there[$1] = 1; if ($3 >= 1000 && $3 < 65534) '
    '{ person[$1] = 1; gid[$4] = 1 } next } { count = split($4, member, ","); '
    "for (i = 1; i <= count; i++) if (member[i] in person || !(member[i] in there)) gid[$3] = 1 } "
    "END { for (number in gid) print number }' /etc/passwd /etc/group"
)

OPEN = rf"find {_SYSTEM} -xdev ! -type l -perm -0002 ! \( -type d -perm -1000 \)"
SHARED = (
    rf"groups=$({_PEOPLE}); find {_SYSTEM} -xdev ! -type l -perm -0020 | while IFS= read -r file; do "
    'case "$(ls -ld "$file")" in ??????????+*) listed=+ ;; *) listed= ;; esac; '
    'for gid in $groups; do [ "$(stat -c %g "$file")" != "$gid" ] || listed=+; done; '
    '[ -z "$listed" ] || printf "%s\\n" "$file"; done'
)
FOREIGN = rf"find {_SYSTEM} -xdev ! -type l -uid +999 ! -uid 65534"
PACKAGED = "grep -hsxF -f - -r /var/lib/dpkg/info --include='*.list'"
PRIVILEGED = (
    'find / $(awk \'{ for (i = 7; i <= NF && $i != "-"; i++); '
    "if ($(i + 1) ~ /^(ext[234]|xfs|btrfs|f2fs|tmpfs)$/ && $6 !~ /nosuid/ && $5 !~ /\\\\/) print $5 }' "
    "/proc/self/mountinfo | sort -u) -xdev "
    "-path /var/lib/docker -prune -o -path /var/lib/containers -prune -o -type f -perm /6000 -print"
)
SECRETS = (
    "find /etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/ssh/ssh_host_*_key -maxdepth 0 -perm /007"
)
HOMES = (
    "awk -F: '$3 == 0 || ($3 >= 1000 && $3 < 65534 && $6 ~ /^\\/home\\//) { print $6 }' /etc/passwd | "
    'while IFS= read -r home; do [ -L "$home" ] || find "$home" -maxdepth 0 -type d -perm /007; done'
)
TEMPORARY = "find /tmp /var/tmp -maxdepth 0 -perm -0002 ! -perm -1000"

Commands = Generator[StringCommand, None, None]


@operation()
def _changed(found: list[str], command: str, why: str) -> Commands:
    if not found:
        host.noop("there is no such file")
        return
    tell(*(f"{path}: {why}" for path in found))
    tell_touches(access=found)
    for start in range(0, len(found), 200):
        yield StringCommand(f"{command} -- {' '.join(map(shlex.quote, found[start : start + 200]))}")


def changed(found: Sequence[str], command: str, why: str, name: str) -> OperationMeta:
    """Run a command such as `chmod o-w` on paths, given after it; nothing for none."""
    return _changed(found=list(found), command=command, why=why, name=name)


def apply(desired: DesiredState) -> None:
    """Take rights from where nobody but the system and a user himself should have them."""
    held = desired.subject("filesystem")
    if "os-files-write-restricted" in held:
        with serving("os-files-write-restricted"):
            _close_system()
    if "setuid-as-baseline" in held:
        with serving("setuid-as-baseline"):
            _take_rights(desired)
    if "home-and-data-permissions" in held:
        with serving("home-and-data-permissions"):
            _close_homes(str(held["home-and-data-permissions"].values["umask"]))


def _close_system() -> None:
    changed(paths(OPEN), "chmod o-w", "everybody may write to it", "Take the system's files from everybody")
    changed(paths(SHARED), "chmod g-w", "people may write to it", "Take the system's files from groups")
    owned = paths(FOREIGN)
    packaged = set(paths(f"{{ {FOREIGN}; }} | {PACKAGED}")) if owned else set()
    changed(
        [path for path in owned if path in packaged],
        "chown root",
        "a person owns it, and a package brought it",
        "Give the system's files back to root",
    )
    changed(
        paths(TEMPORARY), "chmod +t", "anybody could remove others' files", "Make temporary places sticky"
    )


def _take_rights(desired: DesiredState) -> None:
    """Take setuid and setgid from programs that neither the distribution lists nor a package brought."""
    distribution = desired.host.os.distribution
    programs = load_privileged(desired.standard.name).of(distribution) or {}
    found = [path for path in paths(PRIVILEGED) if find(programs, path) is None]
    packaged = set(paths(f"{{ {PRIVILEGED}; }} | sed 'p; s|^/usr/|/|' | {PACKAGED}")) if found else set()
    foreign = [path for path in found if not {path, path.removeprefix("/usr")} & packaged]
    changed(
        foreign, "chmod u-s,g-s", "whoever starts it gets its owner's rights", "Take rights from programs"
    )


def _close_homes(umask: str) -> None:
    changed(paths(SECRETS), "chmod o-rwx", "everybody may read a secret", "Close files with secrets")
    changed(paths(HOMES), "chmod o-rwx", "everybody may enter it", "Close homes")
    whole_file(
        UMASK,
        "# Written by Plumbline; the whole file is replaced when it differs.\n"
        "# Root's files stay as they were: services read what root writes for them.\n"
        'if [ "$(id -u)" -ne 0 ]; then\n'
        f"    case $(umask) in *7) ;; *) umask {umask} ;; esac\nfi\n",
    )

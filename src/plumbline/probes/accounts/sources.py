"""Where names come from: nsswitch.conf(5), userdb (nss-systemd(8)), homed, clients of a directory."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plumbline.probes.accounts.at_boot import PRINT_SYSUSERS, SYSUSERS_FIELDS
from plumbline.probes.accounts.lines import FIELDS, Lines, print_lines, read_lines
from plumbline.probes.accounts.passwd import NO_SESSION
from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows

NSSWITCH = "/etc/nsswitch.conf"
DATABASES = ("passwd", "group", "shadow", "gshadow", "initgroups", "sudoers", "netgroup")
"""The databases of nsswitch.conf that say who somebody is and what he may do."""

# What is printed of directory clients' files: sections, and keys that hold no secret.
_DIRECTORY_LINES = (
    r"(FILENAME ~ /security/ && !/^[ \t]*(#|$)/) || tolower($0) ~ /^[ \t]*(\[|("
    "id_provider|auth_provider|access_provider|chpass_provider|sudo_provider|ad_domain|ad_server|krb5_realm|default_realm|"
    "ldap_uri|domains|services|enabled|security|realm|workgroup|password server|uri|host|domain|ypserver"
    r")[ \t=])/"
)

_COMMAND = rf"""
for directory in /etc/userdb /run/userdb /run/host/userdb /usr/local/lib/userdb /usr/lib/userdb; do
    for file in "$directory"/*.user "$directory"/*.user-privileged "$directory"/*.group \
        "$directory"/*.group-privileged "$directory"/*.membership; do
        [ ! -e "$file" ] || printf 'record\t%s\n' "$file"
    done
done
# The linker looks below /usr/local first, so a module there stands in for the distribution's.
for file in /var/lib/systemd/home/*.identity /home/*.home /home/*.homedir /var/lib/extrausers/* \
    /usr/local/lib/libnss_* /usr/local/lib/*/libnss_*; do
    [ ! -e "$file" ] || printf 'record\t%s\n' "$file"
done
for file in /run/systemd/userdb/*; do
    [ ! -S "$file" ] || printf 'socket\t%s\n' "${{file##*/}}"
done
for file in /lib/*/libnss_*.so.2 /usr/lib/*/libnss_*.so.2 /lib/libnss_*.so.2 /usr/lib/libnss_*.so.2 \
    /usr/lib64/libnss_*.so.2; do
    [ ! -e "$file" ] || {{ name=${{file##*/libnss_}}; printf 'module\t%s\n' "${{name%.so.2}}"; }}
done
if [ -e /etc/nsswitch.conf ]; then
    sed 's/#.*//' /etc/nsswitch.conf | awk '/[^ \t]/ {{ print "nss\t" NR "\t" $0 }}' || exit 9
fi
if grep -qs '^[[:space:]]*\(passwd\|group\):.*systemd' /etc/nsswitch.conf; then
    users=$(timeout 2 getent -s systemd passwd)
    [ $? -ne 124 ] || exit 9
    printf '%s\n' "$users" | awk -F: 'NF > 6 {{ gsub(/\t/, " "); print "systemd\t" $1 ":" $3 ":" $7 }}'
fi
for comm in $(grep -lxsE 'sssd|winbindd|nslcd|ypbind|systemd-homed' /proc/[0-9]*/comm); do
    printf 'running\t%s\n' "$(cat "$comm")"
done 2>/dev/null
{
    print_lines(
        [
            "/etc/sssd/sssd.conf",
            "/etc/sssd/conf.d/*.conf",
            "/etc/samba/smb.conf",
            "/etc/krb5.conf",
            "/etc/nslcd.conf",
            "/etc/libnss-ldap.conf",
            "/etc/ldap.conf",
            "/etc/yp.conf",
            "/etc/sudo-ldap.conf",
            "/etc/security/group.conf",
            "/etc/security/capability.conf",
        ],
        _DIRECTORY_LINES,
    )
}
{PRINT_SYSUSERS}
{PRINT_END}
"""

_FIELDS = (
    {"record": 1, "socket": 1, "module": 1, "nss": 2, "systemd": 1, "running": 1} | SYSUSERS_FIELDS | FIELDS
)

# Sockets of userdb that come with systemd itself, and of clients of the directory.
_OWN_SOCKETS = frozenset(
    {
        "io.systemd.DynamicUser",
        "io.systemd.DropIn",
        "io.systemd.Multiplexer",
        "io.systemd.NameServiceSwitch",
        "io.systemd.Machine",
    }
)
_DYNAMIC = range(61184, 65520)
"""Numbers of systemd's DynamicUser= (systemd.exec(5))."""


@dataclass(frozen=True)
class Source:
    """One service a database of nsswitch.conf asks, by name, and where that stands."""

    place: str
    database: str
    name: str
    reached: bool = True
    """Whether a name that the services before it do not know is asked of this one."""

    def __str__(self) -> str:
        return f"{self.place}: {self.database}: {self.name}"


@dataclass(frozen=True)
class Setting:
    """A key of a directory client's file, with the section it stands in."""

    place: str
    section: str
    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.place}: [{self.section}] {self.key} = {self.value}"


@dataclass(frozen=True)
class Sources:
    """Where names come from. `records`: files that define users or groups beside passwd and group."""

    sources: tuple[Source, ...]
    records: tuple[str, ...]
    sockets: tuple[str, ...]
    modules: frozenset[str]
    systemd: tuple[tuple[str, int, str], ...]
    running: frozenset[str]
    files: Lines
    sysusers: tuple[tuple[str, str], ...] = ()

    @property
    def strange_sockets(self) -> list[str]:
        """Programs that answer systemd's questions for users, beside its own."""
        return [f"/run/systemd/userdb/{name}" for name in self.sockets if name not in _OWN_SOCKETS]

    @property
    def from_systemd(self) -> list[str]:
        """Users nss-systemd gives names to, beside those made for a running service that has no shell."""
        return [
            f"{name} (uid {uid}, {shell}, from systemd)"
            for name, uid, shell in self.systemd
            if uid not in _DYNAMIC or shell not in NO_SESSION
        ]

    def settings(self, path: str) -> Iterator[Setting]:
        """Yield the printed settings of an INI file; without a section, that is empty."""
        section = ""
        for number, line in enumerate(self.files.get(path, ()), 1):
            text = line.strip()
            if match := re.fullmatch(r"\[\s*(.*?)\s*\].*", text):
                section = match[1]
            elif "=" in text:
                key, _, value = text.partition("=")
                yield Setting(f"{path}:{number}", section, key.strip().lower(), value.strip())

    @property
    def sssd(self) -> dict[str, list[Setting]]:
        """The enabled domains of sssd, by the name of their section, with the settings that were printed."""
        found: dict[str, list[Setting]] = {}
        listed: str | None = None
        for path in self.files:
            if not path.startswith("/etc/sssd/"):
                continue
            for setting in self.settings(path):
                section = setting.section.lower()
                if section.startswith("domain/") and section.count("/") == 1:
                    found.setdefault(setting.section.partition("/")[2], []).append(setting)
                elif section == "sssd" and setting.key == "domains":
                    listed = setting.value
        wanted = None if listed is None else {name.strip().lower() for name in listed.split(",")}
        return {name: settings for name, settings in found.items() if _is_enabled(name, settings, wanted)}

    def other_directories(self, domain: str) -> list[str]:
        """Return settings of directory clients that name another directory than that of `domain`."""
        wrong = [str(one) for one in self._other_sssd(domain)]
        samba = {one.key: one for one in self.settings("/etc/samba/smb.conf") if one.section == "global"}
        security = samba.get("security")
        realm = samba.get("realm")
        if "winbindd" in self.running or (security and security.value.lower() in ("ads", "domain")):
            if security is None or security.value.lower() != "ads":
                wrong.append(str(security or "/etc/samba/smb.conf: no security = ads"))
            if realm is None or not _same(realm.value, domain):
                wrong.append(str(realm or "/etc/samba/smb.conf: no realm"))
        for name in ("nslcd", "ypbind"):
            if name in self.running:
                wrong.append(f"{name} runs")
        return wrong

    def _other_sssd(self, domain: str) -> Iterator[Setting]:
        for name, settings in self.sssd.items():
            given = {one.key: one for one in settings}
            for key in _PROVIDERS:
                if key in given and given[key].value.lower() not in _PROVIDERS[key]:
                    yield given[key]
            stated = [given[key] for key in ("ad_domain", "krb5_realm") if key in given]
            yield from (one for one in stated if not _same(one.value, domain))
            if not stated and not _same(name, domain) and settings:
                yield settings[0]

    def added_by_pam(self, module: str) -> Iterator[tuple[str, list[str]]]:
        """Yield the lines of pam_group's or pam_cap's file, with where, split into their fields."""
        path = {"pam_group": "/etc/security/group.conf", "pam_cap": "/etc/security/capability.conf"}[module]
        for number, line in enumerate(self.files.get(path, ()), 1):
            if text := line.split("#", 1)[0].strip():
                yield f"{path}:{number}", text.split(";") if module == "pam_group" else text.split()

    @property
    def has_client(self) -> bool:
        """Whether a client of a directory is configured or runs."""
        clients = {"sssd", "winbindd", "nslcd", "ypbind"}
        return bool(self.sssd or self.running & clients or self._has_winbind)

    @property
    def _has_winbind(self) -> bool:
        keys = {one.key: one.value.lower() for one in self.settings("/etc/samba/smb.conf")}
        return keys.get("security") in ("ads", "domain")


_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "id_provider": ("ad",),
    "auth_provider": ("ad", "krb5"),
    "access_provider": ("ad", "simple", "deny", "krb5"),
    "chpass_provider": ("ad", "krb5", "none"),
    "sudo_provider": ("ad", "none"),
}


def _is_enabled(name: str, settings: Sequence[Setting], listed: set[str] | None) -> bool:
    """Say whether sssd asks a domain: its own `enabled` goes before the list of domains (sssd.conf(5))."""
    own = [one.value.lower() for one in settings if one.key == "enabled"]
    return own[-1] == "true" if own else listed is None or name.lower() in listed


def _same(name: str, domain: str) -> bool:
    return name.strip().rstrip(".").lower() == domain.rstrip(".").lower()


def _of_nsswitch(rows: Rows) -> Iterator[Source]:
    """Yield the services asked, in order; what stands in brackets says when to go on, and is no service."""
    for number, text in rows["nss"]:
        database, colon, services = text.partition(":")
        if not colon or database.strip() not in DATABASES:
            continue
        reached = True
        for word in re.findall(r"\[[^]]*\]|[^\s[]+", services):
            if word.startswith("["):
                reached = reached and not _ends_unknown(word)
            else:
                yield Source(f"{NSSWITCH}:{number}", database.strip(), word, reached)


def _ends_unknown(actions: str) -> bool:
    """Say whether nobody further is asked for a name the service before does not know."""
    ends = False
    for negated, status, action in re.findall(r"(!?)\s*(\w+)\s*=\s*(\w+)", actions.lower()):
        if (status == "notfound") != bool(negated):
            ends = action == "return"
    return ends


def _sources(output: Output) -> Sources:
    rows = Rows(output, _FIELDS)
    systemd = [text.split(":", 2) for (text,) in rows["systemd"]]
    return Sources(
        sources=tuple(_of_nsswitch(rows)),
        records=tuple(path for (path,) in rows["record"]),
        sockets=tuple(name for (name,) in rows["socket"]),
        modules=frozenset(posixpath.basename(name) for (name,) in rows["module"]),
        systemd=tuple((name, int(uid), shell) for name, uid, shell in systemd),
        running=frozenset(name for (name,) in rows["running"]),
        files=read_lines(rows),
        sysusers=tuple((place, text) for place, text in rows["sysusers"]),
    )


SOURCES = Probe("accounts.sources", _COMMAND, _sources)

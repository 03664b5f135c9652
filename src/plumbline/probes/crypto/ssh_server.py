"""What SSH servers offer: live, by the first message of a running one, and by what the files say for a boot.

A running sshd keeps the configuration it was started with, so only its own proposal of algorithms (RFC 4253,
7.1) tells what holds now. The probe greets each listening sshd with a key exchange nobody offers any more, so
that the talk ends with that proposal.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.crypto.ssh_files import print_settings
from plumbline.probes.crypto.ssh_keys import Key, parse_public
from plumbline.probes.session.ssh_daemons import DAEMON_FIELDS, PRINT_DAEMONS, Daemon, daemons
from plumbline.probes.tagged import PRINT_END, Rows

OPTIONS = (
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "casignaturealgorithms",
    "trustedusercakeys",
    "gssapikeyexchange",
    "gssapikexalgorithms",
    "requiredrsasize",
    "hostkey",
    "modulifile",
    "authorizedkeyscommand",
)
_ALTERNATIVES = "|".join(
    (*OPTIONS, "pubkeyacceptedkeytypes", "hostbasedacceptedkeytypes", "hostcertificate", "hostkeyagent")
)

# Four listeners at most are greeted; more than that is no host of this standard, and the parser says so.
_COMMAND = rf"""
date '+now%t%s'
command -v sshd >/dev/null && echo 'installed	sshd'
sockets=$(ss -Hltnp) || exit 9
listening=$({{
    printf '%s\n' "$sockets" |
        sed -nE 's/^\S+ +\S+ +\S+ +(\S+) .*\(\("([^"]*sshd[^"]*|dropbear)".*/\1 \2/p'
    # What systemd itself listens at may be for sshd.
    case $sockets in *'("systemd",pid=1,'*)
        systemctl list-sockets --no-legend --plain --full |
            sed -nE 's/^(\S*[]:.0-9*]:[0-9]+) +(\S+) *(\S*).*/\1 \2 \3/p' | while read -r at unit service; do
            case "$unit $service" in
            *ssh* | *dropbear*) ;;
            *) systemctl cat "$unit" "${{unit%.socket}}@.service" ${{service:-$unit}} 2>/dev/null |
                grep -qE '^ExecStart.*(sshd|dropbear)' || continue ;;
            esac
            printf '%s %s\n' "$at" "$unit"
        done ;;
    esac
}} |
    sed -E 's/^(\*|\[::\]|0\.0\.0\.0|):/127.0.0.1:/' | sort -u | head -n 5)
printf '%s\n' "$listening" | while read -r at process; do
    [ -n "$at" ] || continue
    printf 'listen\t%s\t%s\n' "$at" "$process"
    address=${{at%:*}} port=${{at##*:}}
    address=${{address#\[}} address=${{address%\]}}
    timeout 3 ssh -F none -vvn -o BatchMode=yes -o ConnectTimeout=2 -o StrictHostKeyChecking=yes \
        -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null -o IdentityFile=none \
        -o KexAlgorithms=diffie-hellman-group1-sha1 -o HostKeyAlgorithms=rsa-sha2-512 \
        -p "$port" "nobody@$address" true 2>&1 |
        sed -n '/peer server KEXINIT/,/languages/s/^debug2: \(KEX\|host key\|ciphers\|MACs\)/\1/p' |
        tr -d '\r\t' | sed "s#^#offer\t$at\t#"
done
daemons=$({PRINT_DAEMONS})
[ -z "$daemons" ] || printf '%s\n' "$daemons"
files=$(printf '/etc/ssh/sshd_config\n%s\n' "$daemons" |
    sed -nE '1p; /sshd/s/.*[[:space:]=]-[46DdeGiqTt]*f[[:space:]]*(\/[^[:space:]"]+).*/\1/p' | sort -u)
# Host keys on command lines: `-h FILE` and `-o HostKey=FILE`.
given=$(printf '%s\n' "$daemons" | tr '"' ' ' | grep -oiE '(-h|hostkey[= ]) *=?/[^[:space:]]+' |
    sed 's#^[^/]*##')
if command -v sshd >/dev/null; then
{print_settings(_ALTERNATIVES)}
    for file in $files; do
        told=$(timeout 2 sshd -T -f "$file" 2>&1)
        printf 'config\t%s\t%s\t%s\n' "$file" $? "$(printf %s "$told" | tail -n 1 | tr '\t' ' ')"
        printf '%s\n' "$told" | sed -nE '/^({"|".join(OPTIONS)}) /'"s#^#option\t$file\t#p"
        {{ printf '%s\n' "$told" | sed -n 's/^hostkey //p'; printf '%s\n' "$given"; }} | sort -u |
            while read -r key; do
                [ -f "$key" ] || continue
                public=$(timeout 2 ssh-keygen -y -P '' -f "$key" 2>/dev/null </dev/null) ||
                    public=$(timeout 2 ssh-keygen -lf "$key" 2>/dev/null </dev/null)
                printf 'hostkey\t%s\t%s\t%s\n' "$key" "$(stat -Lc '%Y' "$key")" "$public"
            done
    done
    for config in $files; do
        [ ! -f "$config" ] || settings "$config" /etc/ssh all 1 "$config" || exit 9
    done
    for moduli in $({{
        printf '%s\n' "$daemons" | grep -oiE 'modulifile[= ]+/[^"[:space:]]+' | sed 's/.*[= ]//'
        for file in $files; do timeout 2 sshd -T -f "$file" 2>/dev/null | sed -n 's/^modulifile //p'; done
    }} | sort -u); do
        [ ! -f "$moduli" ] || awk '!/^#/ && NF {{ count[$5]++ }} END {{
            for (size in count) print "moduli\t" FILENAME "\t" size "\t" count[size] }}' "$moduli"
    done
fi
{PRINT_END}
"""

_FIELDS = {
    "now": 1,
    "installed": 1,
    "listen": 2,
    "offer": 2,
    "config": 3,
    "option": 2,
    "hostkey": 3,
    "line": 5,
    "moduli": 3,
} | DAEMON_FIELDS

_PROPOSED = {
    "KEX algorithms": "kexalgorithms",
    "host key algorithms": "hostkeyalgorithms",
    "ciphers ctos": "ciphers",
    "ciphers stoc": "ciphers",
    "MACs ctos": "macs",
    "MACs stoc": "macs",
}
LISTENERS_MAX = 4


@dataclass(frozen=True)
class Line:
    """A line of a configuration file, with where it stands; `in_match` if it holds for some only.

    `config` is the configuration it belongs to, as a file that takes this one in.
    """

    where: str
    option: str
    value: str
    in_match: bool = False
    config: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.option} {self.value}"


@dataclass(frozen=True)
class Config:
    """What `sshd -T` says of one configuration file: option -> values, or why it says nothing."""

    file: str
    status: int
    error: str
    options: dict[str, list[str]]

    def listed(self, option: str) -> list[str]:
        """Return the names an option lists."""
        return [name for value in self.options.get(option, []) for name in value.split(",") if name]


@dataclass(frozen=True)
class SshServer:
    """SSH servers: `listening` address -> process, and option -> names it `offers`; files at a boot."""

    now: float
    installed: bool
    listening: dict[str, str]
    offers: dict[str, dict[str, list[str]]]
    configs: list[Config]
    host_keys: dict[str, Key | None]
    lines: list[Line]
    moduli: dict[str, dict[int, int]]
    daemons: tuple[Daemon, ...]


def _ssh_server(output: Output) -> SshServer:
    rows = Rows(output, _FIELDS)
    listening: dict[str, str] = {}
    for at, process in rows["listen"]:
        listening.setdefault(at, process)
    if len(listening) > LISTENERS_MAX:
        raise ParseError(f"more than {LISTENERS_MAX} SSH servers listen")
    offers: dict[str, dict[str, list[str]]] = {}
    for at, text in rows["offer"]:
        name, _, listed = text.partition(": ")
        offered = offers.setdefault(at, {}).setdefault(_PROPOSED[name], [])
        offered += [word for word in listed.strip().split(",") if word and word not in offered]
    configs = []
    for file, status, error in rows["config"]:
        options: dict[str, list[str]] = {}
        for of, text in rows["option"]:
            if of == file:
                name, _, value = text.partition(" ")
                options.setdefault(name, []).append(value.strip())
        configs.append(Config(file, int(status), error if status != "0" else "", options))
    moduli: dict[str, dict[int, int]] = {}
    for file, size, count in rows["moduli"]:
        moduli.setdefault(file, {})[int(size) + 1] = int(count)
    return SshServer(
        now=float(rows["now"][0][0]),
        installed=bool(rows["installed"]),
        listening=listening,
        offers=offers,
        configs=configs,
        host_keys={
            file: parse_public(public, file, float(made)) if public else None
            for file, made, public in rows["hostkey"]
        },
        lines=[_line(*row) for row in rows["line"]],
        moduli=moduli,
        daemons=daemons(rows),
    )


def _line(config: str, file: str, number: str, block: str, text: str) -> Line:
    words = text.replace('"', " ").replace("=", " ", 1).split(None, 1)
    value = words[1].strip() if len(words) == 2 else ""
    return Line(f"{file}:{number}", words[0].lower(), value, block == "match", config)


SSH_SERVER = Probe("crypto.ssh_server", _COMMAND, _ssh_server)

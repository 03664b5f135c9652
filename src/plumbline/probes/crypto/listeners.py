"""What TLS listeners of the host offer: versions, cipher suites, and the certificate they present.

Only ports are greeted whose process has a TLS library mapped or that are registered for TLS, and never those
of industrial protocols without TLS: a greeting they do not know could disturb them. Each greeting is a
handshake with one class of suites; what is agreed on is what is offered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.crypto.hello import SSL3_HELLO, WEAK_HELLO, offered
from plumbline.probes.crypto.x509 import Certificate, parse_pem
from plumbline.probes.tagged import PRINT_END, Rows

TLS_PORTS = "443 465 636 853 990 993 995 3269 4843 5061 5671 5986 6514 8443 8883 9443"
"""Ports registered for TLS (IANA), greeted whatever the process is."""

NEVER = "22 53 102 139 445 502 1089 1090 1091 2222 2404 4840 9600 20000 34962 34963 34964 44818 47808"
"""SSH, DNS and SMB, and industrial protocols over TCP that know no TLS (S7, Modbus, Foundation Fieldbus HSE,
EtherNet/IP, IEC 60870-5-104, OPC UA's own security, FINS, DNP3, Profinet, BACnet)."""

STARTED = {
    "postgres": "postgres",
    "mysqld": "mysql",
    "mariadbd": "mysql",
    "slapd": "ldap",
}
"""Process -> the protocol in which TLS is asked for before it begins (openssl-s_client(1), -starttls)."""

_PORTS_STARTED = {
    "21": "ftp",
    "25": "smtp",
    "110": "pop3",
    "143": "imap",
    "389": "ldap",
    "587": "smtp",
    "4190": "sieve",
}

LISTENERS_MAX = 20
AT_ONCE = 4
NAMES_MAX = 4
"""Names a web server is asked for beside none; each may have a configuration of its own."""

_STARTTLS = "".join(f'{port}) start="-starttls {word}" ;; ' for port, word in _PORTS_STARTED.items())
_STARTTLS_BY_PROCESS = "".join(f'{name}) start="-starttls {word}" ;; ' for name, word in STARTED.items())

# name of a greeting -> openssl-s_client(1)'s options. The library's own policy must not narrow what is asked.
_GREETINGS = {
    "TLSv1": "-tls1 -cipher ALL:@SECLEVEL=0",
    "TLSv1.1": "-tls1_1 -cipher ALL:@SECLEVEL=0",
    "TLSv1.2 AES256": "-tls1_2 -cipher AES256:!SHA1:@SECLEVEL=0",
    "TLSv1.2 AES256-SHA": "-tls1_2 -cipher AES256+SHA1:@SECLEVEL=0",
    "TLSv1.2 AES128": "-tls1_2 -cipher AES128:@SECLEVEL=0",
    "TLSv1.2 CHACHA20": "-tls1_2 -cipher CHACHA20:@SECLEVEL=0",
    "TLSv1.2 CCM8": "-tls1_2 -cipher AESCCM8:@SECLEVEL=0",
    "TLSv1.2 anonymous": "-tls1_2 -cipher aNULL:@SECLEVEL=0",
    "TLSv1.2 others": "-tls1_2 -cipher ALL:COMPLEMENTOFALL:!AES256:!AES128:!CHACHA20:@SECLEVEL=0",
    "TLSv1.3 AES256": "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384",
    "TLSv1.3 AES128": "-tls1_3 -ciphersuites "
    "TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256",
    "TLSv1.3 CHACHA20": "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
}
_GREETINGS_BY_NAME = {
    name: options
    for name, options in _GREETINGS.items()
    if name
    in ("TLSv1", "TLSv1.1", "TLSv1.2 AES256", "TLSv1.2 AES256-SHA", "TLSv1.2 anonymous", "TLSv1.3 AES256")
} | {
    "TLSv1.2 weak": "-tls1_2 -cipher ALL:COMPLEMENTOFALL:!AES256:@SECLEVEL=0",
    "TLSv1.3 weak": "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
}
_ASK_BY_NAME = "\n".join(
    f"            greet '{name}' {options} -servername \"$name\""
    for name, options in _GREETINGS_BY_NAME.items()
)
_ASK = "\n".join(f"    greet '{name}' {options}" for name, options in _GREETINGS.items())

_COMMAND = rf"""
sockets=$(ss -Hltnp) || exit 9
names=$(grep -rhsE '^[^#]*(server_name|Server(Name|Alias))[[:space:]]' \
    /etc/nginx /etc/apache2/sites-enabled /etc/apache2/conf-enabled /etc/apache2/apache2.conf /etc/httpd |
    sed -E 's/^.*(server_name|Server(Name|Alias))[[:space:]]+([^;#]+).*/\3/' |
    tr -s ' \t' '\n' | grep -E '^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$' | sort -u | head -n {NAMES_MAX})
# Programs that bring their own TLS: Java, Node, and those written in Go.
brings_tls() {{
    program=$(readlink "/proc/$1/exe")
    case ${{program##*/}} in java | node | nodejs) return 0 ;; esac
    head -c 8192 "/proc/$1/exe" 2>/dev/null | grep -aq 'Go build ID'
}}
greet() {{
    class=$1
    shift
    told=$(OPENSSL_CONF=/dev/null timeout -s KILL 2 nice -n 19 openssl s_client -showcerts \
        -connect "$address:$port" $start -state "$@" 2>&1 </dev/null | tr -d '\000\r')
    agreed=$(printf '%s\n' "$told" | sed -n 's/^New, .*, Cipher is //p' | head -n 1)
    case $told in
    *'read server hello'*) answer=agreed ;;
    *'alert read:'*) answer=refused ;;
    *) answer=silent ;;
    esac
    printf 'greeting\t%s\t%s\t%s\t%s\n' "$at" "$class" $answer "$agreed"
    shown=$(printf '%s\n' "$told" | sed -n '/-----BEGIN CERT/,/-----END CERT/p' | tr '\n' '~')
    case "$seen" in *"$shown"*) return 0 ;; esac
    seen="$seen $shown"
    printf '%s' "$shown" | sed 's/-----END CERTIFICATE-----~/&\n/g' | awk -v at="$at" '
        /BEGIN/ {{ print (NR == 1 ? "certificate" : "chain") "\t" at "\t" $0 }}'
}}
raw() {{
    command -v bash >/dev/null || return 0
    answer=$(timeout -s KILL 2 nice -n 19 bash -c 'exec 3<>"/dev/tcp/$1/$2" || exit
        printf %b "$3" >&3
        head -c 80 <&3 | od -An -v -tx1' - "${{address%]}}" "$port" "$2" 2>/dev/null </dev/null | tr -d ' \n')
    printf 'raw\t%s\t%s\t%s\n' "$at" "$1" "$answer"
}}
ask() {{
    at=$address:$port
    printf 'listener\t%s\t%s\n' "$at" "$process"
    command -v openssl >/dev/null || return 0
    start='' seen=''
    case " {TLS_PORTS} " in
    *" $port "*) ;;
    *)
        case $port in {_STARTTLS}esac
        case $process in {_STARTTLS_BY_PROCESS}esac ;;
    esac
    greet any -cipher ALL:@SECLEVEL=0
    [ $answer != silent ] || return 0
{_ASK}
    case $start in '') address=${{address#\[}}
        raw weak '{WEAK_HELLO}'
        raw SSLv3 '{SSL3_HELLO}'
        ;;
    esac
    case $process in nginx | apache2 | httpd | haproxy | lighttpd | caddy)
        address=${{at%:*}}
        for name in $names; do
            at=$address:$port/$name seen=''
            printf 'listener\t%s\t%s\n' "$at" "$process"
{_ASK_BY_NAME}
        done ;;
    esac
}}
printf '%s\n' "$sockets" |
    sed -nE 's/^\S+ +\S+ +\S+ +(\S+):([0-9]+) .*users:\(\("([^"]*)",pid=([0-9]+).*/\1 \2 \3 \4/p' |
    sed -E 's/^(\*|\[::\]|0\.0\.0\.0) /127.0.0.1 /' | sort -u |
    awk '{{ service = $2 " " $3; if ($1 != "[::1]" || !(service in seen)) print; seen[service] = 1 }}' |
    while read -r address port process pid; do
    case " {NEVER} " in *" $port "*) continue ;; esac
    case $process in sshd | systemd-resolve | dropbear) continue ;; esac
    case " {TLS_PORTS} {" ".join(_PORTS_STARTED)} " in
    *" $port "*) ;;
    *) grep -qsE '/lib(ssl|gnutls|mbedtls|wolfssl|ssl3)[.-]' "/proc/$pid/maps" ||
        brings_tls "$pid" || continue ;;
    esac
    # Bound to an interface: greeted at its own address.
    case $address in
    '['*']%'*) address="${{address%%]*}}%${{address##*%}}]" ;;
    0.0.0.0%* | \*%*) address=$(ip -4 -o address show dev "${{address#*%}}" |
        sed -nE '1s/.* inet ([0-9.]+).*/\1/p') ;;
    *%*) address=${{address%%%*}} ;;
    esac
    printf '%s %s %s\n' "$address" "$port" "$process"
done | sort -u | head -n {LISTENERS_MAX + 1} | {{
    started=0
    while read -r address port process; do
        ask &
        started=$((started + 1))
        [ $((started % {AT_ONCE})) -ne 0 ] || wait
    done
    wait
}}
command -v openssl >/dev/null && echo 'program	openssl'
{PRINT_END}
"""

_FIELDS = {"listener": 2, "greeting": 4, "certificate": 2, "chain": 2, "raw": 3, "program": 1}


@dataclass(frozen=True)
class Listener:
    """A listener: `offers` are version and suite of each greeting it agreed to.

    `certificates` are its own, `chain` those it presents with them. `speaks` is None
    where it was not greeted, for want of the program, else whether it answers in TLS.
    """

    at: str
    process: str
    speaks: bool | None
    offers: list[tuple[str, str]] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    chain: list[Certificate] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.at} ({self.process})"


def _listeners(output: Output) -> list[Listener]:
    rows = Rows(output, _FIELDS)
    if len({at.partition("/")[0] for at, _ in rows["listener"]}) > LISTENERS_MAX:
        raise ParseError(f"more than {LISTENERS_MAX} listeners may speak TLS; the rest was not greeted")
    has_program = bool(rows["program"])
    found = []
    for at, process in rows["listener"]:
        greetings = [row[1:] for row in rows["greeting"] if row[0] == at]
        speaks = any(answer != "silent" for _, answer, _ in greetings) if has_program else None
        offers = [
            (words[0], suite if suite and suite != "(NONE)" else words[-1])
            for name, answer, suite in greetings
            for words in (name.split(" "),)
            if answer == "agreed" and name != "any"
        ]
        offers += [offer for of, name, text in rows["raw"] if of == at for offer in offered(name, text)]
        own, chain = ([pem for of, pem in rows[tag] if of == at] for tag in ("certificate", "chain"))
        found.append(Listener(at, process, speaks, offers, _certificates(own), _certificates(chain)))
    return found


def _certificates(texts: Iterable[str]) -> list[Certificate]:
    """Return the certificates of these texts, each once."""
    found: dict[tuple[object, ...], Certificate] = {}
    for text in texts:
        for each in parse_pem(text.replace("~", "\n")):
            found.setdefault((each.key, each.begins, each.ends, each.hash_name), each)
    return list(found.values())


LISTENERS = Probe("crypto.listeners", _COMMAND, _listeners, limit=40)

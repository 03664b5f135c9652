"""What TLS listeners of the host offer: versions, cipher suites, and the certificate they present.

Only ports are greeted whose process has a TLS library mapped or that are registered for TLS, and never those
of industrial protocols without TLS: a greeting they do not know could disturb them. Each greeting is a
handshake with one class of suites; what is agreed on is what is offered.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from plumbline.probes.base import Output, ParseError, Probe
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

_PORTS_STARTED = {"25": "smtp", "587": "smtp", "143": "imap", "110": "pop3", "21": "ftp", "389": "ldap"}

LISTENERS_MAX = 8

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
    "TLSv1.2 others": "-tls1_2 -cipher ALL:COMPLEMENTOFALL:!AES256:!AES128:!CHACHA20:@SECLEVEL=0",
    "TLSv1.3 AES256": "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384",
    "TLSv1.3 AES128": "-tls1_3 -ciphersuites "
    "TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256",
    "TLSv1.3 CHACHA20": "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
}
_ASK = "\n".join(f"    greet '{name}' {options}" for name, options in _GREETINGS.items())

_COMMAND = rf"""
sockets=$(ss -Hltnp) || exit 9
printf '%s\n' "$sockets" |
    sed -nE 's/^\S+ +\S+ +\S+ +(\S+):([0-9]+) .*users:\(\("([^"]*)",pid=([0-9]+).*/\1 \2 \3 \4/p' |
    sed -E 's/^(\*|\[::\]|0\.0\.0\.0) /127.0.0.1 /' | sort -u |
    awk '{{ service = $2 " " $3; if ($1 != "[::1]" || !(service in seen)) print; seen[service] = 1 }}' |
    while read -r address port process pid; do
    case " {NEVER} " in *" $port "*) continue ;; esac
    case $process in sshd | systemd-resolve | dropbear) continue ;; esac
    case " {TLS_PORTS} " in
    *" $port "*) ;;
    *) grep -qsE '/lib(ssl|gnutls|mbedtls|wolfssl|ssl3)[.-]' "/proc/$pid/maps" || continue ;;
    esac
    printf '%s %s %s\n' "$address" "$port" "$process"
done | sort -u | head -n {LISTENERS_MAX + 1} | while read -r address port process; do
    printf 'listener\t%s:%s\t%s\n' "$address" "$port" "$process"
    command -v openssl >/dev/null || continue
    start=''
    case $port in {_STARTTLS}esac
    case $process in {_STARTTLS_BY_PROCESS}esac
    greet() {{
        class=$1
        shift
        told=$(OPENSSL_CONF=/dev/null timeout -s KILL 2 nice -n 19 openssl s_client \
            -connect "$address:$port" $start -state "$@" 2>&1 </dev/null | tr -d '\000\r')
        agreed=$(printf '%s\n' "$told" | sed -n 's/^New, .*, Cipher is //p' | head -n 1)
        case $told in
        *'read server hello'*) answer=agreed ;;
        *'alert read:'*) answer=refused ;;
        *) answer=silent ;;
        esac
        printf 'greeting\t%s:%s\t%s\t%s\t%s\n' "$address" "$port" "$class" $answer "$agreed"
        shown=$(printf '%s\n' "$told" | sed -n '/-----BEGIN CERT/,/-----END CERT/p' | tr '\n' '~')
        case "$seen" in
        *"$shown"*) ;;
        *) seen="$seen $shown" && printf 'certificate\t%s:%s\t%s\n' "$address" "$port" "$shown" ;;
        esac
    }}
    seen=''
    greet any -cipher ALL:@SECLEVEL=0
    [ $answer != silent ] || continue
{_ASK}
done
command -v openssl >/dev/null && echo 'program	openssl'
{PRINT_END}
"""

_FIELDS = {"listener": 2, "greeting": 4, "certificate": 2, "program": 1}


@dataclass(frozen=True)
class Listener:
    """A listener: `offers` are version and suite of each greeting it agreed to.

    `speaks` is None where it was not greeted, for want of the program, else whether it answers in TLS.
    """

    at: str
    process: str
    speaks: bool | None
    offers: list[tuple[str, str]] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.at} ({self.process})"


def _listeners(output: Output) -> list[Listener]:
    rows = Rows(output, _FIELDS)
    if len(rows["listener"]) > LISTENERS_MAX:
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
        certificates: dict[bytes, Certificate] = {}
        for of, pem in rows["certificate"]:
            if of == at:
                for certificate in parse_pem(pem.replace("~", "\n")):
                    certificates.setdefault(
                        certificate.key + certificate.ends.isoformat().encode(), certificate
                    )
        found.append(Listener(at, process, speaks, offers, list(certificates.values())))
    return found


LISTENERS = Probe("crypto.listeners", _COMMAND, _listeners, limit=25)

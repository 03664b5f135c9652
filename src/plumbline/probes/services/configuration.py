"""Configuration of servers and mailers, as far as it says whether they encrypt and whom they reach.

Only the keys that are judged are printed, and of those that may hold a secret nothing but the name.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.systemd import Line
from plumbline.probes.tagged import PRINT_END, Rows

_NGINX = "/etc/nginx/nginx.conf /etc/nginx/conf.d/* /etc/nginx/sites-enabled/* /etc/nginx/modules-enabled/*"
_APACHE = (
    "/etc/apache2/apache2.conf /etc/apache2/ports.conf /etc/apache2/conf-enabled/*.conf "
    "/etc/apache2/mods-enabled/*.conf /etc/apache2/sites-enabled/*"
)
_LIGHTTPD = "/etc/lighttpd/lighttpd.conf /etc/lighttpd/conf-enabled/*.conf"

SERVERS = {
    "nginx": (_NGINX, r"(listen|ssl|ssl_preread|include|server|http|stream|mail)([ \t{]|$)|\}"),
    "apache2": (_APACHE, r"(listen|sslengine)[ \t]|<\/?virtualhost"),
    "lighttpd": (_LIGHTTPD, r"(server\.port|server\.bind|ssl\.engine|\$SERVER\[|\}|else)"),
    "mosquitto": (
        "/etc/mosquitto/mosquitto.conf /etc/mosquitto/conf.d/*.conf",
        r"(listener|port|certfile|keyfile|psk_hint|bind_address|allow_anonymous|include_dir)([ \t]|$)",
    ),
    "redis": (
        "/etc/redis/redis.conf /etc/redis/*.conf",
        r"(port|tls-port|bind|protected-mode|include)[ \t]",
    ),
    "samba": (
        "/etc/samba/smb.conf",
        r"(\[|(server[ _]?min[ _]protocol|min[ _]protocol|server[ _]smb[ _]encrypt|smb[ _]encrypt)[ \t]*=)",
    ),
    "exports": ("/etc/exports /etc/exports.d/*.exports", r"[^#[:space:]]"),
    "exim": (
        "/etc/exim4/update-exim4.conf.conf /etc/exim4/exim4.conf.localmacros /etc/exim4/exim4.conf",
        r"(dc_[a-z_]+|[A-Z_]*(TLS|HOSTS_REQUIRE)[A-Z_]*)[ \t]*=|begin[ \t]",
    ),
    "msmtp": ("/etc/msmtprc", r"(defaults|account|host|port|tls|tls_starttls|tls_certcheck|auth)([ \t]|$)"),
    "ssmtp": ("/etc/ssmtp/ssmtp.conf", r"(mailhub|usetls|usestarttls|authuser)[ \t]*="),
    "dma": (
        "/etc/dma/dma.conf",
        r"(smarthost|authpath|securetransfer|starttls|opportunistic_tls|nullclient)",
    ),
}
"""Server -> files, and what the lines begin with that are printed (extended, case does not count)."""

POSTFIX = (
    "inet_interfaces relayhost default_transport transport_maps smtp_tls_security_level smtp_use_tls "
    "smtp_enforce_tls smtp_sasl_auth_enable smtpd_tls_security_level smtpd_tls_auth_only "
    "smtpd_sasl_auth_enable mynetworks mydestination fallback_relay smtp_tls_wrappermode"
)


def _print_servers() -> str:
    parts = []
    for server, (files, pattern) in SERVERS.items():
        parts.append(
            f'set --; for f in {files}; do [ ! -f "$f" ] || set -- "$@" "$f"; done; '
            f"[ $# -eq 0 ] || grep -HniE '^[[:space:]]*({pattern})' \"$@\" | "
            rf"sed -E 's/^([^:]*):([0-9]+):(.{{0,300}}).*/conf\t{server}\t\1\t\2\t\3/'"
        )
    return "\n".join(parts)


_COMMAND = rf"""
{_print_servers()}
if command -v postconf >/dev/null && [ -f /etc/postfix/main.cf ]; then
    p=$(postconf {POSTFIX} 2>/dev/null) || exit 9
    printf '%s\n' "$p" | sed 's/^/postfix\t/'
    postconf -P 2>/dev/null |
        grep -E '/(smtp_tls_security_level|smtp_sasl_auth_enable|inet_interfaces|relayhost) ' |
        sed 's/^/master\t/'
fi
if [ -f /etc/nullmailer/remotes ]; then
    awk '!/^[ \t]*(#|$)/ {{
        told = $1 " " $2
        for (n = 3; n <= NF; n++) {{ word = $n; sub(/=.*/, "=", word); told = told " " word }}
        print "conf\tnullmailer\t/etc/nullmailer/remotes\t" FNR "\t" told
    }}' /etc/nullmailer/remotes
fi
[ ! -f /etc/fstab ] || awk '!/^[ \t]*#/ && $4 ~ /(^|,)(pass|password|passwd)=./ {{
    print "secret\t/etc/fstab\t" FNR "\tpassword in the options of " $2 }}' /etc/fstab
{{ cut -d : -f 6 /etc/passwd; printf '%s\n' /home/*; }} | sort -u | while read -r h; do
    case $h in / | '' | /proc* | /dev*) continue ;; esac
    [ ! -s "$h/.pgpass" ] || printf 'secret\t%s\t0\t%s\n' "$h/.pgpass" "passwords for PostgreSQL"
    [ ! -s "$h/.netrc" ] || ! grep -qw password "$h/.netrc" ||
        printf 'secret\t%s\t0\t%s\n' "$h/.netrc" "password"
    [ ! -f "$h/.my.cnf" ] || awk -v f="$h/.my.cnf" '/^[ \t]*password[ \t]*=[ \t]*[^ \t]/ {{
        print "secret\t" f "\t" FNR "\tpassword" }}' "$h/.my.cnf"
    [ ! -f "$h/.git-credentials" ] || printf 'secret\t%s\t0\t%s\n' "$h/.git-credentials" "passwords"
done
set --
for f in /etc/crontab /etc/cron.d/* /var/spool/cron/crontabs/*; do [ ! -f "$f" ] || set -- "$@" "$f"; done
[ $# -eq 0 ] || grep -HniE '^[^#]*[^a-z](-?-?pass(word|wd)?[ =]|PGPASSWORD=|MYSQL_PWD=)[^ $]' "$@" |
    sed -E 's/^([^:]*):([0-9]+):.*/secret\t\1\t\2\tpassword in a command/'
{PRINT_END}
"""

_FIELDS = {"conf": 4, "postfix": 1, "master": 1, "secret": 3}


@dataclass(frozen=True)
class Configuration:
    """Lines of servers' configuration by server, Postfix's settings, and where a password stands readable."""

    lines: dict[str, tuple[Line, ...]]
    postfix: dict[str, str]
    postfix_services: tuple[str, ...]
    secrets: tuple[str, ...]

    def lines_of(self, server: str) -> tuple[Line, ...]:
        """Return the lines of one server, none where it has no configuration."""
        return self.lines.get(server, ())


def _parse(output: Output) -> Configuration:
    rows = Rows(output, _FIELDS)
    lines: dict[str, list[Line]] = {}
    for server, file, number, text in rows["conf"]:
        lines.setdefault(server, []).append(Line(file, int(number), text))
    postfix = {}
    for (text,) in rows["postfix"]:
        key, _, value = text.partition("=")
        postfix[key.strip()] = value.strip()
    return Configuration(
        lines={server: tuple(found) for server, found in lines.items()},
        postfix=postfix,
        postfix_services=tuple(text for (text,) in rows["master"]),
        secrets=tuple(
            f"{file}:{number}: {what}" if number != "0" else f"{file}: {what}"
            for file, number, what in rows["secret"]
        ),
    )


CONFIGURATION: Probe[Configuration] = Probe("services.configuration", _COMMAND, _parse)

"""The site's mail relay: postfix, which takes mail over TLS from who has logged on, and keeps it.

Mail for the site's domain ends in one mailbox, `MAILBOX` on its machine; mail for anybody else is refused.
"""

from __future__ import annotations

import smtplib
import ssl
from pathlib import Path
from typing import Any

from plumbline.lab.host import LabHost
from plumbline.lab.hostfiles import write
from plumbline.lab.site.place import SitePlace, run_in

PACKAGES: tuple[str, ...] = ("libsasl2-modules", "libsasl2-modules-db", "postfix", "sasl2-bin")
UNITS: tuple[str, ...] = ("postfix.service",)
MASKED: tuple[str, ...] = ("saslauthd.service",)
AFTER: tuple[str, ...] = ()

PORT = 587
ACCOUNT = "plumbline"
SECRET = "mail.relay"  # noqa: S105  (the name of the secret)
MAILBOX = "/var/mail/operator"
_CERTIFICATE, _KEY = "/etc/postfix/lab.pem", "/etc/postfix/lab.key"
_SECONDS = 5

_MASTER = f"""\
{PORT} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def configure(root: Path, place: SitePlace) -> None:
    """Take mail on the submission port alone; the account's password goes into SASL's own database."""
    settings = {
        "compatibility_level": "3.6",
        "myhostname": place.name("mail"),
        "mydomain": place.domain,
        "myorigin": place.domain,
        "mydestination": place.domain,
        "mynetworks": "",
        "inet_interfaces": "all",
        "inet_protocols": "ipv4",
        "alias_maps": "",
        "local_recipient_maps": "",
        "luser_relay": "operator",
        "default_transport": "error:no mail leaves the lab",
        "smtpd_tls_cert_file": _CERTIFICATE,
        "smtpd_tls_key_file": _KEY,
        "smtpd_tls_security_level": "encrypt",
        "smtpd_tls_auth_only": "yes",
        "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_sasl_local_domain": place.domain,
        "smtpd_sasl_security_options": "noanonymous",
        "smtpd_relay_restrictions": "permit_sasl_authenticated, reject",
        "smtpd_recipient_restrictions": "permit_sasl_authenticated, reject",
    }
    write(root, "/etc/postfix/main.cf", "".join(f"{name} = {value}\n" for name, value in settings.items()))
    write(root, "/etc/postfix/master.cf", _MASTER)
    write(
        root,
        "/etc/postfix/sasl/smtpd.conf",
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n",
    )
    place.certify(root, "mail", _CERTIFICATE, _KEY)
    run_in(root, "saslpasswd2", "-p", "-c", "-u", place.domain, ACCOUNT, input=place.secret(SECRET))
    run_in(root, "chown", "root:postfix", "/etc/sasldb2")
    run_in(root, "chmod", "0640", "/etc/sasldb2")


def ready(host: LabHost, place: SitePlace) -> bool:
    """Tell whether the account can log on over TLS with the authority's certificate."""
    trust = ssl.create_default_context(cadata=place.authority.pem)
    try:
        with smtplib.SMTP(host.address, PORT, timeout=_SECONDS) as link:
            link.starttls(context=trust)
            link.login(ACCOUNT, place.secret(SECRET))
    except (OSError, smtplib.SMTPException):
        return False
    return True


def declare(site: dict[str, Any], place: SitePlace) -> None:
    """Name the relay, the account that may send, and who issued its certificate."""
    site["mail_relay"] = {
        "host": place.name("mail"),
        "port": PORT,
        "account": ACCOUNT,
        "ca": place.authority.pem,
    }

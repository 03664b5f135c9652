"""The site's directory: a Samba AD domain controller, which answers the directory's DNS too.

It takes AES alone for Kerberos, keeps no NT hashes of people, and speaks LDAP only signed or over TLS.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from plumbline.errors import PlumblineError
from plumbline.lab.host import LabHost
from plumbline.lab.hostfiles import write
from plumbline.lab.site import people
from plumbline.lab.site.names import BESIDE_DIRECTORY
from plumbline.lab.site.place import SitePlace, run_in

PACKAGES: tuple[str, ...] = ("krb5-user", "ldb-tools", "samba-ad-dc", "samba-ad-provision", "winbind")
UNITS: tuple[str, ...] = ("samba-ad-dc.service",)
MASKED: tuple[str, ...] = ("nmbd.service", "smbd.service", "winbind.service")
AFTER: tuple[str, ...] = ()

WORKGROUP = "OT"
DATABASE = "/var/lib/samba/private/sam.ldb"
_TLS = "/var/lib/samba/private/tls"
_PORTS = frozenset({"53", "88", "389", "445", "464", "636", "3268"})
_READY = "FILE:/run/lab-ready"


def configure(root: Path, place: SitePlace) -> None:
    """Make the domain, with everybody in it; the machine finds it whole when it first boots."""
    name, address = place.name("dc1"), place.address("dc1")
    write(root, "/etc/hosts", f"127.0.0.1\tlocalhost\n{address}\t{name}\tdc1\n")
    (root / "etc/samba/smb.conf").unlink(missing_ok=True)
    options = {
        "interfaces": f"{address}/{place.network.prefixlen}",
        "bind interfaces only": "yes",
        "dns forwarder": BESIDE_DIRECTORY,
        "kdc default domain supported enctypes": "aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96",
        "kdc supported enctypes": "aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96",
        "kerberos encryption types": "strong",
        "nt hash store": "never",
        "ntlm auth": "disabled",
        "tls certfile": f"{_TLS}/lab.pem",
        "tls keyfile": f"{_TLS}/lab.key",
        "tls cafile": "/etc/ssl/lab-ca.pem",
    }
    run_in(
        root,
        *("samba-tool", "domain", "provision", f"--realm={place.realm}", f"--domain={WORKGROUP}"),
        *("--server-role=dc", "--dns-backend=SAMBA_INTERNAL", "--host-name=dc1", f"--host-ip={address}"),
        *(f"--option={option} = {value}" for option, value in options.items()),
    )
    place.certify(root, "directory", f"{_TLS}/lab.pem", f"{_TLS}/lab.key")
    run_in(root, "ldbmodify", "-H", DATABASE, input=people.ldif(place))
    run_in(
        root,
        *("samba-tool", "dsacl", "set", "-H", DATABASE, f"--objectdn={place.computer_ou}"),
        f"--sddl={people.may_join(_sid(root, people.JOIN_ACCOUNT))}",
    )
    write(
        root,
        "/etc/krb5.conf",
        f"[libdefaults]\ndefault_realm = {place.realm}\ndns_lookup_realm = false\nrdns = false\n",
    )


def ready(host: LabHost, place: SitePlace) -> bool:
    """Tell whether names, Kerberos and LDAP work: an account finds the realm, logs on and reads of itself."""
    listening = host.entry.run("ss -Hltn", check=False).stdout.split()
    if not {word.rpartition(":")[2] for word in listening} >= _PORTS:
        return False
    logged_on = host.entry.run(
        f"kinit -c {_READY} {people.JOIN_ACCOUNT}", check=False, input=place.secret("directory.join")
    )
    question = f"(sAMAccountName={people.JOIN_ACCOUNT})"
    read = host.entry.run(
        f"ldbsearch -H ldap://{place.name('dc1')} --use-krb5-ccache={_READY} --use-kerberos=required"
        f" '{question}' cn; kdestroy -q -c {_READY}",
        check=False,
    )
    return logged_on.returncode == 0 and f"cn: {people.JOIN_ACCOUNT}" in read.stdout


def declare(site: dict[str, Any], place: SitePlace) -> None:
    """Name its one controller and the unit computers go to."""
    site["active_directory"] = {
        **site.get("active_directory", {}),
        "domain": place.ad_domain,
        "controllers": [place.name("dc1")],
        "computer_ou": place.computer_ou,
        "join_account": people.JOIN_ACCOUNT,
    }


def _sid(root: Path, account: str) -> str:
    found = run_in(root, "ldbsearch", "-H", DATABASE, f"(sAMAccountName={account})", "objectSid")
    match = re.search(r"^objectSid: (S-[\d-]+)$", found, re.MULTILINE)
    if match is None:
        raise PlumblineError(f"The lab's directory has no account {account}.")
    return match[1]

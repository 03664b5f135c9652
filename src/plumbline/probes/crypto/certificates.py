"""Certificates and private keys on disk: in /etc, in places of services, and where configuration names them.

Of private keys only the public half is printed. The trust store is not looked at: its certificates are
others', as are all whose private key is not on this host.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.crypto.ssh_keys import PEM_KINDS, parse_public
from plumbline.probes.crypto.x509 import Certificate, parse_pem, parse_public_key
from plumbline.probes.tagged import PRINT_END, Rows

FILES_MAX = 80
"""Files with a key or certificate that are read; there is a `cut` row when there are more."""

PLACES = "/opt /srv /usr/local /root /var/lib /var/www"
"""Directories beside /etc that are searched, four levels deep, on their own file systems only."""

_SUFFIXES = "pem crt cer cert key"
_STORES = "p12 pfx jks keystore"
_NAMED = "|".join((_SUFFIXES + " " + _STORES).split())
_BY_NAME = " -o ".join(f"-name '*.{suffix}'" for suffix in (_SUFFIXES + " " + _STORES).split())

_COMMAND = rf"""
date '+now%t%s'
command -v openssl >/dev/null && echo 'program	openssl'
gentle='nice -n 19'
! command -v ionice >/dev/null || gentle='nice -n 19 ionice -c 3'
others='--exclude-dir=ca-certificates --exclude-dir=ca-trust --exclude-dir=.git --exclude=ca-certificates.crt'
BEGIN='-----BEGIN ([A-Z0-9]+ )*(CERTIFICATE|PRIVATE KEY)-----'
places=''
for place in {PLACES}; do [ ! -d "$place" ] || places="$places $place"; done
{{
    $gentle timeout 3 grep -rlsIE $others --exclude='ssh_host_*' -e "$BEGIN" /etc
    [ $? -ne 124 ] || echo 'cut /etc'
    $gentle timeout 3 find ${{places:-/opt}} -xdev -maxdepth 4 \
        \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/docker -o -path /var/lib/containers \
        -o -path /var/lib/machines -o -path '*/.git' \
        -o -path '*/ca-certificates' -o -path '*/site-packages' -o -path '*/dist-packages' \) -prune -o \
        -type f -size -128k \( {_BY_NAME} \) -print
    [ $? -ne 124 ] || echo "cut$places"
    $gentle timeout 3 grep -rHnosIE --exclude-dir=certs $others \
        -e '/[A-Za-z0-9_./@%+-]+\.({_NAMED})\b' /etc | sed -nE 's/^([^:]*):([0-9]+):(.*)$/named \1:\2 \3/p'
    [ $? -ne 124 ] || echo 'cut /etc'
}} | grep -v '[[:cntrl:]]' | sort -u | {{
    count=0
    while read -r first second third; do
        case $first in
        cut) printf 'cut\t%s\n' "$second $third"; continue ;;
        named) [ -f "$third" ] || continue
            case $third in /etc/ssl/certs/ca-certificates.crt | /usr/share/ca-certificates/*) continue ;; esac
            printf 'named\t%s\t%s\n' "$third" "$second"
            file=$(readlink -f "$third")
            [ "$file" = "$third" ] || printf 'same\t%s\t%s\n' "$third" "$file"
            ;;
        *) file="$first${{second:+ $second}}${{third:+ $third}}" ;;
        esac
        case "$seen" in *"|$file|"*) continue ;; esac
        seen="$seen|$file|"
        count=$((count + 1))
        [ $count -le {FILES_MAX} ] || {{ printf 'cut\t%s\n' "$file"; break; }}
        case $file in
        *.p12 | *.pfx | *.jks | *.keystore) printf 'store\t%s\n' "$file"; continue ;;
        esac
        grep -qsIE -e "$BEGIN" "$file" || continue
        # A file of so many certificates is a store of whom to trust.
        [ "$(grep -c -e '-----BEGIN .*CERTIFICATE-----' "$file")" -le 10 ] || continue
        awk '/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/ {{ pem = "-----BEGIN CERTIFICATE-----"; next }}
            /-----END (TRUSTED |X509 )?CERTIFICATE-----/ && pem != "" {{
                print "certificate\t" FILENAME "\t" pem "~-----END CERTIFICATE-----~"; pem = ""; next }}
            pem != "" {{ gsub(/[^A-Za-z0-9+\/=]/, ""); pem = pem "~" $0 }}' "$file"
        grep -qE -e '-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----' "$file" || continue
        kind=$(sed -n 's/^-----BEGIN \([A-Z0-9 ]*\)PRIVATE KEY-----.*/\1/p' "$file" | head -n 1)
        ! grep -q '^Proc-Type: 4,ENCRYPTED' "$file" || kind="ENCRYPTED $kind"
        case $kind in OPENSSH*) public=$(ssh-keygen -y -P '' -f "$file" 2>/dev/null </dev/null) ;;
        *) public=$(openssl pkey -in "$file" -pubout -passin pass: 2>/dev/null </dev/null |
            sed '/-----/d' | tr -d '\n') ;;
        esac
        printf 'private\t%s\t%s\t%s\t%s\t%s\n' "$file" "$(stat -Lc '%a %U:%G' "$file")" \
            "$(stat -Lc %Y "$file")" "$kind" "$public"
    done
}}
for keytab in /etc/krb5.keytab; do
    [ ! -f "$keytab" ] || printf 'keytab\t%s\t%s\n' "$keytab" "$(stat -Lc %Y "$keytab")"
done
{PRINT_END}
"""

_FIELDS = {
    "now": 1,
    "program": 1,
    "named": 2,
    "same": 2,
    "certificate": 2,
    "private": 5,
    "store": 1,
    "keytab": 2,
    "cut": 1,
}


@dataclass(frozen=True)
class PrivateKey:
    """A private key file: its kind and bits as far as they can be told, and who may read it.

    `public` is the public key in DER, None where the key is encrypted or of a format not read here.
    """

    file: str
    access: str
    made: float
    kind: str | None
    bits: int | None
    public: bytes | None
    encrypted: bool

    @property
    def is_open(self) -> bool:
        """Whether others than its owner and group may read it."""
        return int(self.access.split(" ")[0][-1]) & 4 != 0

    def __str__(self) -> str:
        told = "" if self.kind is None else f"{self.kind}{'' if self.bits is None else f' {self.bits}'} "
        return f"{told}({self.file})"


@dataclass(frozen=True)
class CertificateFile:
    """A certificate and where it lies; `named` are the places of the configuration that name its file."""

    file: str
    certificate: Certificate
    named: tuple[str, ...]

    @property
    def where(self) -> str:
        """The file, and who uses it."""
        users = f"named in {', '.join(self.named)}" if self.named else "named by no configuration"
        return f"{self.file}, {users}"


@dataclass(frozen=True)
class Keys:
    """Certificates and private keys found; `stores` are files that open with a password only.

    `unread` are what was not searched to its end, `has_program` whether openssl was there to read keys.
    """

    now: float
    has_program: bool
    certificates: list[CertificateFile]
    private: list[PrivateKey]
    stores: list[str]
    keytabs: list[tuple[str, float]]
    unread: list[str]

    @property
    def own(self) -> list[CertificateFile]:
        """The host's own certificates: their private key lies here.

        Of those that follow each other, with one subject in one directory, only the one that ends last.
        """
        held = {key.public for key in self.private if key.public is not None}
        stems = {key.file.rpartition(".")[0] for key in self.private if key.public is None}
        latest: dict[tuple[str, str], CertificateFile] = {}
        for found in self.certificates:
            if found.certificate.key not in held and found.file.rpartition(".")[0] not in stems:
                continue
            place = (found.file.rpartition("/")[0], found.certificate.subject)
            if place not in latest or latest[place].certificate.ends < found.certificate.ends:
                latest[place] = found
        return [
            found
            for found in self.certificates
            if any(found is kept for kept in latest.values())
            or (found.named and found.certificate.key in held)
        ]


def _keys(output: Output) -> Keys:
    rows = Rows(output, _FIELDS)
    targets: dict[str, str] = dict(rows["same"])  # type: ignore[arg-type]  # rows of this tag have two fields
    named: dict[str, list[str]] = {}
    for file, where in rows["named"]:
        named.setdefault(targets.get(file, file), []).append(where)
    return Keys(
        now=float(rows["now"][0][0]),
        has_program=bool(rows["program"]),
        certificates=[
            CertificateFile(file, certificate, tuple(named.get(file, ())))
            for file, pem in rows["certificate"]
            for certificate in parse_pem(pem.replace("~", "\n"))
        ],
        private=[_private(*row) for row in rows["private"]],
        stores=[file for (file,) in rows["store"]],
        keytabs=[(file, float(made)) for file, made in rows["keytab"]],
        unread=[told for (told,) in rows["cut"]],
    )


def _private(file: str, access: str, made: str, kind: str, public: str) -> PrivateKey:
    encrypted = "ENCRYPTED" in kind
    if not public:
        named = PEM_KINDS.get(kind.replace("ENCRYPTED", "").strip())
        return PrivateKey(file, access, float(made), named, None, None, encrypted)
    if public.startswith(("ssh-", "ecdsa-", "sk-")):
        key = parse_public(public, file)
        return PrivateKey(file, access, float(made), key.kind, key.bits, public.encode(), False)
    der = base64.b64decode(public, validate=True)
    told, bits = parse_public_key(der)
    return PrivateKey(file, access, float(made), told, bits, der, False)


CERTIFICATES = Probe("crypto.certificates", _COMMAND, _keys, limit=20)

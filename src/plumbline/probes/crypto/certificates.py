"""Certificates and private keys on disk: in /etc, in places of services, and where configuration names them.

Of private keys only the public half is printed. The trust store is not looked at: its certificates are
others', as are all whose private key is not on this host.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.crypto.ssh_keys import PEM_KINDS, parse_public
from plumbline.probes.crypto.x509 import Certificate, parse_pem, parse_public_key
from plumbline.probes.nobody import AS_NOBODY
from plumbline.probes.tagged import PRINT_END, Rows

FILES_MAX = 120
"""Files with a key or certificate that are read; there is a `cut` row when there are more."""

PLACES = "/opt /srv /usr/local /var/lib /var/www"
"""Directories beside /etc that are searched, with all at the top that no standard names, and all mounts."""

HOMES = "/root /home"
"""Directories that are searched less deep."""

_STANDARD = "bin boot dev etc home lib lib32 lib64 libx32 lost+found media mnt opt proc root run sbin srv sys"
_STANDARD += " tmp usr var"
_MOUNTED = "ext[234]|xfs|btrfs|f2fs|jfs|reiserfs|zfs|vfat|overlay|tmpfs"
_SUFFIXES = "pem crt cer cert key"
_BINARY = "der p8 pk8"
_STORES = "p12 pfx jks jceks bks bcfks kdb keystore"
_NAMED = "|".join(f"{_SUFFIXES} {_BINARY} {_STORES}".split())
_UNSAID = "id_* *_key *_rsa *_dsa *_ecdsa *_ed25519 *privkey* *.ppk"
"""Names of private keys without a suffix that says so."""

_BY_NAME = " -o ".join(
    f"-name '{name}'" for name in (*(f"*.{suffix}" for suffix in _NAMED.split("|")), *_UNSAID.split())
)
_BINARY_BY_NAME = " -o ".join(f"-name '*.{suffix}'" for suffix in f"{_BINARY} crt cer key {_STORES}".split())
_STORE_CASE = " | ".join(f"*.{suffix}" for suffix in _STORES.split())

_COMMAND = rf"""
{AS_NOBODY}
date '+now%t%s'
command -v openssl >/dev/null && echo 'program	openssl'
private() {{
    access=$(stat -Lc '%a %U:%G' "$1")
    case ${{access%% *}} in *[4567]) as_nobody test -r "$1" || access="$access, nobody gets to it" ;; esac
    printf 'private\t%s\t%s\t%s\t%s\t%s\n' "$1" "$access" "$(stat -Lc %Y "$1")" "$2" "$3"
}}
gentle='nice -n 19'
! command -v ionice >/dev/null || gentle='nice -n 19 ionice -c 3'
others='--exclude-dir=ca-certificates --exclude-dir=ca-trust --exclude-dir=.git --exclude=ca-certificates.crt'
BEGIN='-----BEGIN ([A-Z0-9]+ )*(CERTIFICATE|PRIVATE KEY)-----|^PuTTY-User-Key-File'
set --
for place in {PLACES}; do [ ! -d "$place" ] || set -- "$@" "$place"; done
for place in /*; do
    case " {_STANDARD} " in *" ${{place#/}} "*) continue ;; esac
    [ -L "$place" ] || [ ! -d "$place" ] || set -- "$@" "$place"
done
for place in $(awk '{{ for (i = 7; $i != "-" && i < NF; i++)
        if ($(i + 1) == "-" && $(i + 2) ~ /^({_MOUNTED})$/) print $5 }}' /proc/self/mountinfo | sort -u); do
    case $place in
    / | /boot* | /dev* | /efi* | /etc* | /home | /opt | /proc* | /root | /run* | /srv | /sys* | /tmp*) ;;
    /usr | /usr/local | /var | /var/cache* | /var/lib | /var/lib/docker* | /var/lib/containers*) ;;
    /var/lib/kubelet* | /var/lib/machines* | /var/lock* | /var/log* | /var/run* | /var/snap*) ;;
    /var/spool* | /var/tmp* | /var/www) ;;
    *) set -- "$@" "$place" ;;
    esac
done
search() {{
    deep=$1
    shift
    $gentle timeout 3 find "$@" -xdev -maxdepth "$deep" \
        \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/docker -o -path /var/lib/containers \
        -o -path /var/lib/machines -o -name .git -o -name .cache -o -name node_modules -o -name .ssh \
        -o -name ca-certificates -o -name site-packages -o -name dist-packages \) -prune -o \
        -type f -size -128k \( {_BY_NAME} \) -print
    [ $? -ne 124 ] || echo "cut $*"
}}
{{
    $gentle timeout 3 grep -rlsIE $others --exclude='ssh_host_*' -e "$BEGIN" /etc
    [ $? -ne 124 ] || echo 'cut /etc'
    $gentle timeout 3 find /etc -xdev -type f -size -128k \( {_BINARY_BY_NAME} \) \
        ! -path '*/ca-certificates/*' -print
    [ $? -ne 124 ] || echo 'cut /etc'
    [ $# -eq 0 ] || search 7 "$@"
    search 4 {HOMES}
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
        case $file in
        {_STORE_CASE})
            printf 'store\t%s\n' "$file"
            continue
            ;;
        esac
        if ! grep -qsIE -e "$BEGIN" "$file"; then
            # Keys and certificates in DER begin with a sequence.
            case $file in *.der | *.p8 | *.pk8 | *.crt | *.cer | *.key) ;; *) continue ;; esac
            [ "$(head -c 1 "$file" | od -An -tx1)" = ' 30' ] || continue
            count=$((count + 1))
            if public=$(openssl pkey -in "$file" -pubout -passin pass: 2>/dev/null </dev/null); then
                private "$file" '' "$(printf '%s\n' "$public" | sed '/-----/d' | tr -d '\n')"
            elif pem=$(openssl x509 -in "$file" -inform DER 2>/dev/null </dev/null); then
                printf 'certificate\t%s\t%s~\n' "$file" "$(printf '%s\n' "$pem" | tr '\n' '~')"
            else
                printf 'store\t%s\n' "$file"
            fi
            continue
        fi
        count=$((count + 1))
        [ $count -le {FILES_MAX} ] || {{ printf 'cut\t%s\n' "$file"; break; }}
        case $(head -n 1 "$file" | tr -d '\r') in PuTTY-User-Key-File-*)
            private "$file" '' "$(awk 'NR == 1 {{ sub(/\r$/, ""); kind = $2 }}
                /^Public-Lines:/ {{ lines = $2; next }}
                lines-- > 0 {{ sub(/\r$/, ""); key = key $0 }} END {{ print kind " " key }}' "$file")"
            continue ;;
        esac
        # A file of so many certificates is a store of whom to trust.
        [ "$(grep -c -e '-----BEGIN .*CERTIFICATE-----' "$file")" -gt 10 ] ||
            awk '/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/ {{
                pem = "-----BEGIN CERTIFICATE-----"; next }}
            /-----END (TRUSTED |X509 )?CERTIFICATE-----/ && pem != "" {{
                print "certificate\t" FILENAME "\t" pem "~-----END CERTIFICATE-----~"; pem = ""; next }}
            pem != "" {{ gsub(/[^A-Za-z0-9+\/=]/, ""); pem = pem "~" $0 }}' "$file"
        keys=$(grep -cE -e '-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----' "$file")
        [ "$keys" -le 8 ] || {{ printf 'cut\t%s\n' "$file"; keys=8; }}
        while [ "$keys" -gt 0 ]; do
            key=$(awk -v wanted="$keys" '/-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----/ {{ at++ }} at == wanted
                at == wanted && /-----END/ {{ exit }}' "$file")
            keys=$((keys - 1))
            kind=$(printf '%s\n' "$key" | sed -n 's/^-----BEGIN \([A-Z0-9 ]*\)PRIVATE KEY-----.*/\1/p')
            case $key in *'Proc-Type: 4,ENCRYPTED'*) kind="ENCRYPTED $kind" ;; esac
            case $kind in OPENSSH*) public=$(ssh-keygen -y -P '' -f "$file" 2>/dev/null </dev/null) ;;
            *) public=$(printf '%s\n' "$key" | openssl pkey -pubout -passin pass: 2>/dev/null |
                sed '/-----/d' | tr -d '\n') ;;
            esac
            private "$file" "$kind" "$public"
        done
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
        """Whether others than its owner and group may read it, and can get to it."""
        return int(self.access.split(" ")[0][-1]) & 4 != 0 and "," not in self.access

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

    `unread` are what was not searched to its end, `has_program` whether openssl was there to read keys;
    `unreadable` are files with something that is called a certificate and is none.
    """

    now: float
    has_program: bool
    certificates: list[CertificateFile]
    private: list[PrivateKey]
    stores: list[str]
    keytabs: list[tuple[str, float]]
    unread: list[str]
    unreadable: list[str]

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
    certificates, unreadable = [], []
    for file, pem in rows["certificate"]:
        try:
            found = parse_pem(pem.replace("~", "\n"))
        except ParseError:
            unreadable.append(file)
            continue
        certificates += [CertificateFile(file, each, tuple(named.get(file, ()))) for each in found]
    return Keys(
        now=float(rows["now"][0][0]),
        has_program=bool(rows["program"]),
        certificates=certificates,
        private=[_private(*row) for row in rows["private"]],
        stores=[file for (file,) in rows["store"]],
        keytabs=[(file, float(made)) for file, made in rows["keytab"]],
        unread=[told for (told,) in rows["cut"]],
        unreadable=unreadable,
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


CERTIFICATES = Probe("crypto.certificates", _COMMAND, _keys)

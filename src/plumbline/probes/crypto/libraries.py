"""What libraries do by themselves: TLS of OpenSSL, GnuTLS and Java, and how passwords are hashed.

OpenSSL is asked with each configuration that something on the host gives it; GnuTLS without its own tools can
only be read (gnutls manual, "System-wide configuration of the library").
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import EVERYWHERE

SYSTEM = "system"
"""How the configuration is called that OpenSSL takes when nothing names another."""

_COMMAND = rf"""
environments="/etc/environment /etc/profile /etc/security/pam_env.conf"
for file in /etc/profile.d/* /etc/environment.d/* /etc/default/* /etc/systemd/system.conf \
    /etc/systemd/system.conf.d/*; do
    [ ! -f "$file" ] || environments="$environments $file"
done
for directory in {EVERYWHERE}; do
    for file in "$directory"/*.service "$directory"/*.service.d/*.conf; do
        [ ! -f "$file" ] || environments="$environments $file"
    done
done
grep -HnoE '^[^#;]*(OPENSSL_CONF|GNUTLS_SYSTEM_PRIORITY_FILE)[[:space:]]*=[[:space:]]*"?[^"[:space:];]*' \
    $environments 2>/dev/null |
    sed -nE 's/^([^:]+:[0-9]+):.*(OPENSSL_CONF|GNUTLS_SYSTEM\w+)\s*=\s*"?(.*)$/own\t\2\t\1\t\3/p'
set -- /usr/lib/*/libssl.so.* /usr/lib64/libssl.so.*
for file; do [ ! -f "$file" ] || {{ printf 'library\topenssl\t%s\n' "$file"; break; }}; done
set -- /usr/lib/*/libgnutls.so.* /usr/lib64/libgnutls.so.*
for file; do [ ! -f "$file" ] || {{ printf 'library\tgnutls\t%s\n' "$file"; break; }}; done
if command -v openssl >/dev/null; then
    suites() {{
        told=$(timeout 2 openssl ciphers -s -v 2>&1)
        state=$?
        [ $state -eq 0 ] || told=$(printf '%s\n' "$told" | tail -n 1)
        printf 'openssl\t%s\t%s\t%s\n' "$1" $state "$(timeout 2 openssl ciphers -s -tls1_1 2>/dev/null)"
        printf '%s\n' "$told" | tr '\t' ' ' | sed "s#^#suite\t$1\t#"
    }}
    suites {SYSTEM}
    grep -hoE 'OPENSSL_CONF[[:space:]]*=[[:space:]]*"?[^"[:space:];]*' $environments 2>/dev/null |
        sed -E 's/.*=[[:space:]]*"?//' | sort -u | head -n 8 | while read -r file; do
        (OPENSSL_CONF=$file; export OPENSSL_CONF; suites "$file")
    done
fi
for file in /etc/gnutls/config; do
    [ ! -f "$file" ] || awk '{{ print "gnutls\t" FILENAME "\t" FNR "\t" $0 }}' "$file"
done
for file in /etc/java*/security/java.security /usr/lib/jvm/*/conf/security/java.security \
    /usr/lib/jvm/*/jre/lib/security/java.security /opt/*/conf/security/java.security; do
    [ ! -f "$file" ] || printf 'java\t%s\t%s\n' "$(readlink -f "$file")" "$(awk '
        /^jdk.tls.disabledAlgorithms/ {{ on = 1 }} on {{ printf "%s ", $0; if ($0 !~ /\\$/) exit }}' "$file")"
done | sort -u
[ ! -f /etc/login.defs ] || awk '$1 ~ /^(ENCRYPT_METHOD|MD5_CRYPT_ENAB)$/ {{
    print "defs\t" FILENAME "\t" FNR "\t" $1 " " $2 }}' /etc/login.defs
directory=/etc/pam.d
[ -d $directory ] || directory=/usr/lib/pam.d
for file in "$directory"/*; do
    case $file in *.dpkg-* | *~ | *.ucf-*) continue ;; esac
    [ ! -f "$file" ] || awk '/^[ \t]*-?password[ \t].*pam_unix\.so/ {{
        print "pam\t" FILENAME "\t" FNR "\t" $0 }}' "$file"
done
awk -F: '$2 ~ /^!*\$/ {{ split($2, part, "$"); print "hash\t" $1 "\t" part[2] }}
    $2 ~ /^!*[.\/0-9A-Za-z_]+$/ && length($2) > 12 {{ print "hash\t" $1 "\tdes" }}' /etc/shadow
{PRINT_END}
"""

_FIELDS = {
    "own": 3,
    "library": 2,
    "openssl": 3,
    "suite": 2,
    "gnutls": 3,
    "java": 2,
    "defs": 3,
    "pam": 3,
    "hash": 2,
}

HASHES = {
    "y": "yescrypt",
    "gy": "gost-yescrypt",
    "7": "scrypt",
    "6": "sha512",
    "5": "sha256",
    "2b": "bcrypt",
    "2a": "bcrypt",
    "2y": "bcrypt",
    "1": "md5",
    "sha1": "sha1",
    "3": "nthash",
    "des": "des",
}
"""What stands between the first dollars of a hashed password -> the method (crypt(5))."""

_PAM_METHODS = {"blowfish": "bcrypt", "gost_yescrypt": "gost-yescrypt", "bigcrypt": "des"}
_PAM_WORDS = ("yescrypt", "sha512", "sha256", "md5", "blowfish", "gost_yescrypt", "bigcrypt", "scrypt")


@dataclass(frozen=True)
class Suite:
    """A cipher suite: name, encryption and integrity as OpenSSL has them (openssl-ciphers(1), -v)."""

    name: str
    encryption: str
    mac: str


@dataclass(frozen=True)
class OpenSsl:
    """What OpenSSL offers with one configuration; `old` are the suites it has for TLS before 1.2."""

    configuration: str
    status: int
    error: str
    suites: list[Suite]
    old: list[str]


@dataclass(frozen=True)
class Method:
    """A method of hashing passwords, in lower case, and where it is set or in use."""

    where: str
    method: str

    def __str__(self) -> str:
        return f"{self.method} ({self.where})"


@dataclass(frozen=True)
class Libraries:
    """`own` are the settings by which something gets another policy: variable, where, file.

    `java` are the files of Java's policy with what they disable; `set_methods` decide how new passwords are
    hashed, `used_methods` are those of the hashes there are.
    """

    own: list[tuple[str, str, str]]
    has: dict[str, str]
    openssl: list[OpenSsl]
    gnutls: list[tuple[str, str]]
    java: dict[str, str]
    set_methods: list[Method]
    used_methods: list[Method]


def _libraries(output: Output) -> Libraries:
    rows = Rows(output, _FIELDS)
    return Libraries(
        own=[(name, where, file) for name, where, file in rows["own"]],
        has={name: file for name, file in rows["library"]},  # noqa: C416  (mypy wants the two fields)
        openssl=[_openssl(rows, *row) for row in rows["openssl"]],
        gnutls=[(f"{file}:{number}", text) for file, number, text in rows["gnutls"]],
        java={file: text for file, text in rows["java"]},  # noqa: C416  (as above)
        set_methods=_set_methods(rows),
        used_methods=[
            Method(f"/etc/shadow: {account}", HASHES.get(told, told)) for account, told in rows["hash"]
        ],
    )


def _openssl(rows: Rows, configuration: str, status: str, old: str) -> OpenSsl:
    lines = [text for of, text in rows["suite"] if of == configuration]
    if status != "0":
        return OpenSsl(configuration, int(status), lines[-1] if lines else "", [], [])
    suites = []
    for line in lines:
        name, *rest = line.split()
        told = dict(word.split("=", 1) for word in rest if "=" in word)
        suites.append(Suite(name, told["Enc"], told["Mac"]))
    return OpenSsl(configuration, 0, "", suites, [name for name in old.split(":") if name])


def _set_methods(rows: Rows) -> list[Method]:
    """Return how new passwords are hashed: by pam_unix's own word, or by login.defs(5) where it has none."""
    defs = {
        text.split(" ")[0]: Method(f"{file}:{number}", text.split(" ", 1)[1])
        for file, number, text in rows["defs"]
    }
    found = []
    default = defs.get("ENCRYPT_METHOD")
    if default is not None:
        found.append(Method(f"{default.where}: ENCRYPT_METHOD", default.method.lower()))
    elif defs.get("MD5_CRYPT_ENAB", Method("", "no")).method.lower() == "yes":
        found.append(Method(f"{defs['MD5_CRYPT_ENAB'].where}: MD5_CRYPT_ENAB", "md5"))
    else:
        found.append(Method("/etc/login.defs: no ENCRYPT_METHOD", "des"))
    for file, number, text in rows["pam"]:
        words = [word for word in text.split() if word in _PAM_WORDS]
        # The last word wins (pam_unix(8)); without one pam_unix follows login.defs.
        if words:
            found.append(Method(f"{file}:{number}: pam_unix", _PAM_METHODS.get(words[-1], words[-1])))
    return found


LIBRARIES = Probe("crypto.libraries", _COMMAND, _libraries, limit=10)

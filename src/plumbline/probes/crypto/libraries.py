"""What libraries do by themselves: TLS of OpenSSL, GnuTLS and Java, and how passwords are hashed.

OpenSSL is asked with each configuration that something on the host gives it; GnuTLS without its own tools can
only be read (gnutls manual, "System-wide configuration of the library").
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.nobody import AS_NOBODY
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.probes.unit_files import EVERYWHERE

SYSTEM = "system"
"""How the configuration is called that OpenSSL takes when nothing names another."""

_OTHERS = r"\/(opt|srv|usr\/local|etc|home|root)\/"

_COMMAND = rf"""
{AS_NOBODY}
set --
for directory in {EVERYWHERE}; do
    for file in "$directory"/*.service "$directory"/*.service.d/*.conf "$directory"/service.d/*.conf; do
        [ ! -f "$file" ] || set -- "$@" "$file"
    done
done
# Files of variables that units read, and the programs of others than the distribution that they start.
for file in $(sed -nE 's/^[[:space:]]*EnvironmentFile[[:space:]]*="?-?([^"[:space:]]+).*/\1/p
        s/^[[:space:]]*Exec[A-Za-z]+[[:space:]]*=[-+!:@|]*({_OTHERS}[^"[:space:]]+).*/\1/p' "$@" /dev/null) \
    /etc/environment /etc/profile /etc/bash.bashrc /etc/security/pam_env.conf /etc/crontab /etc/profile.d/* \
    /etc/environment.d/* /etc/default/* /etc/systemd/system.conf /etc/systemd/system.conf.d/* /etc/cron.d/* \
    /etc/init.d/* /etc/*/envvars /root/.bashrc /root/.profile /root/.bash_profile /root/.pam_environment \
    /home/*/.bashrc /home/*/.profile /home/*/.bash_profile /home/*/.pam_environment; do
    [ ! -f "$file" ] || set -- "$@" "$file"
done
NAMES='OPENSSL_CONF|GNUTLS_SYSTEM_PRIORITY_FILE'
given=$({{
    grep -IHnoE "^[^#;]*($NAMES)[[:space:]]*=[[:space:]]*\"?[^\"[:space:];]*" "$@" 2>/dev/null |
        sed -nE "s/^([^:]+:[0-9]+):.*($NAMES)\s*=\s*['\"]?([^']*).*$/own\t\2\t\1\t\3/p"
    # Processes beside this one's own, which may ask OpenSSL with no policy at all.
    own=$(cat /proc/self/cgroup)
    for file in $(grep -lazsE "^($NAMES)=" /proc/[0-9]*/environ); do
        [ "$(cat "${{file%environ}}cgroup" 2>/dev/null)" != "$own" ] || continue
        process=$(cat "${{file%environ}}comm" 2>/dev/null | tr -d '\n\t') || continue
        tr '\0\n\t' '\n  ' 2>/dev/null <"$file" | sed -nE "s/^($NAMES)=(.*)/own\t\1\tprocess $process\t\2/p"
    done
}} | sort -u)
[ -z "$given" ] || printf '%s\n' "$given"
set -- /usr/lib/*/libssl.so.* /usr/lib64/libssl.so.*
for file; do [ ! -f "$file" ] || {{ printf 'library\topenssl\t%s\n' "$file"; break; }}; done
set -- /usr/lib/*/libgnutls.so.* /usr/lib64/libgnutls.so.*
for file; do [ ! -f "$file" ] || {{ printf 'library\tgnutls\t%s\n' "$file"; break; }}; done
if command -v openssl >/dev/null; then
    suites() {{
        configuration=$1
        shift
        told=$("$@" timeout 2 openssl ciphers -s -v 2>&1)
        state=$?
        [ $state -eq 0 ] || told=$(openssl ciphers -s -v 2>&1 | tail -n 1)
        old=$("$@" timeout 2 openssl ciphers -s -tls1_1 2>/dev/null)
        printf 'openssl\t%s\t%s\t%s\n' "$configuration" $state "$old"
        printf '%s\n' "$told" | tr '\t' ' ' | sed "s#^#suite\t$configuration\t#"
        # Suites that encrypt nothing are there at the level of security at which nothing is refused.
        case $("$@" timeout 2 openssl ciphers -s eNULL 2>/dev/null) in
        *NULL-SHA*) printf 'level\t%s\t0\n' "$configuration" ;;
        esac
    }}
    # As nobody: a file that root alone can read holds for no service that gave up root.
    suites {SYSTEM} as_nobody
    printf '%s\n' "$given" | sed -n 's/^own\tOPENSSL_CONF\t[^\t]*\t//p' | sort -u | head -n 9 | {{
        count=0
        while IFS= read -r file; do
            count=$((count + 1))
            [ $count -le 8 ] || {{ printf 'more\t%s\n' "$file"; break; }}
            (OPENSSL_CONF=$file; export OPENSSL_CONF; suites "$file" env)
        done
    }}
fi
for file in /etc/gnutls/config; do
    [ ! -f "$file" ] || ! as_nobody test -r "$file" ||
        awk '{{ print "gnutls\t" FILENAME "\t" FNR "\t" $0 }}' "$file"
done
for file in /etc/java*/security/java.security /usr/lib/jvm/*/conf/security/java.security \
    /usr/lib/jvm/*/jre/lib/security/java.security /opt/*/conf/security/java.security; do
    [ ! -f "$file" ] || printf 'java\t%s\t%s\n' "$(readlink -f "$file")" "$(awk '
        /^jdk.tls.disabledAlgorithms/ {{ on = 1 }} on {{ printf "%s ", $0; if ($0 !~ /\\$/) exit }}' "$file")"
done | sort -u
[ ! -f /etc/login.defs ] || awk '$1 ~ /^(ENCRYPT_METHOD|MD5_CRYPT_ENAB)$/ {{
    gsub(/"/, ""); print "defs\t" FILENAME "\t" FNR "\t" $1 " " $2 }}' /etc/login.defs
set --
for file in /etc/pam.d/* /usr/lib/pam.d/*; do
    case $file in *.dpkg-* | *~ | *.ucf-*) continue ;;
    /usr/lib/*) [ ! -e "/etc/pam.d/${{file##*/}}" ] || continue ;; esac
    [ ! -f "$file" ] || set -- "$@" "$file"
done
[ $# -eq 0 ] || for file in $(
    sed -nE 's/^[^#]*(include|substack)[[:space:]]+(\/[^[:space:]]+).*/\2/p' "$@"
); do
    [ ! -f "$file" ] || set -- "$@" "$file"
done
[ $# -eq 0 ] || awk 'FNR == 1 {{ text = "" }}
    text == "" {{ at = FNR }}
    {{ text = text $0 }}
    sub(/\\$/, " ", text) {{ next }}
    tolower(text) ~ /^[ \t]*-?password[ \t].*pam_unix\.so/ {{ print "pam\t" FILENAME "\t" at "\t" text }}
    {{ text = "" }}' "$@"
awk -F: '$2 ~ /^!*\$/ {{ split($2, part, "$"); print "hash\t" $1 "\t" part[2] }}
    $2 ~ /^!*[.\/0-9A-Za-z_]+$/ && length($2) > 12 {{ print "hash\t" $1 "\tdes" }}' /etc/shadow
awk -F: '$2 ~ /^!*\$/ {{ split($2, part, "$"); print "hashin\t" FILENAME "\t" $1 "\t" part[2] }}
    $2 ~ /^!*[.\/0-9A-Za-z_]+$/ && length($2) > 12 {{ print "hashin\t" FILENAME "\t" $1 "\tdes" }}' \
    /etc/passwd /etc/gshadow 2>/dev/null
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
    "hashin": 3,
    "level": 2,
    "more": 1,
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
    """What OpenSSL offers with one configuration; `old` are the suites it has for TLS before 1.2.

    `refuses_nothing`: its level of security is 0, at which keys and signatures of any weakness are taken.
    """

    configuration: str
    status: int
    error: str
    suites: list[Suite]
    old: list[str]
    refuses_nothing: bool = False


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
    if rows["more"]:
        raise ParseError("more configurations of OpenSSL are named than are asked")
    return Libraries(
        own=[(name, where, file) for name, where, file in rows["own"]],
        has={name: file for name, file in rows["library"]},  # noqa: C416  (mypy wants the two fields)
        openssl=[_openssl(rows, *row) for row in rows["openssl"]],
        gnutls=[(f"{file}:{number}", text) for file, number, text in rows["gnutls"]],
        java={file: text for file, text in rows["java"]},  # noqa: C416  (as above)
        set_methods=_set_methods(rows),
        used_methods=[
            Method(f"/etc/shadow: {account}", HASHES.get(told, told)) for account, told in rows["hash"]
        ]
        + [Method(f"{file}: {name}", HASHES.get(told, told)) for file, name, told in rows["hashin"]],
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
    level = any(of == configuration for of, _ in rows["level"])
    return OpenSsl(configuration, 0, "", suites, [name for name in old.split(":") if name], level)


def _set_methods(rows: Rows) -> list[Method]:
    """Return how new passwords are hashed: by pam_unix's own word, or by login.defs(5) where it has none."""
    defs = {
        text.split(" ")[0]: Method(f"{file}:{number}", text.split(" ", 1)[1])
        for file, number, text in rows["defs"]
    }
    # Of two lines with one name PAM takes the first, the programs of shadow the last.
    found = [
        Method(f"{file}:{number}: ENCRYPT_METHOD", text.split(" ", 1)[1].lower())
        for file, number, text in rows["defs"]
        if text.startswith("ENCRYPT_METHOD ")
    ]
    old = defs.get("MD5_CRYPT_ENAB", Method("", "no"))
    if not found and old.method.lower() == "yes":
        found.append(Method(f"{old.where}: MD5_CRYPT_ENAB", "md5"))
    elif not found:
        found.append(Method("/etc/login.defs: no ENCRYPT_METHOD", "des"))
    for file, number, text in rows["pam"]:
        words = [word for word in text.replace("[", " ").replace("]", " ").split() if word in _PAM_WORDS]
        # The last word wins (pam_unix(8)); without one pam_unix follows login.defs.
        if words:
            found.append(Method(f"{file}:{number}: pam_unix", _PAM_METHODS.get(words[-1], words[-1])))
    return found


LIBRARIES = Probe("crypto.libraries", _COMMAND, _libraries)

"""Ways in over SSH without a password: keys wherever sshd looks for them, authorities, trusted hosts.

Of a key its type and blob are printed, of its options only the names: a comment, a command or a variable
may hold anything. Sources: sshd_config(5), sshd(8) AUTHORIZED_KEYS FILE FORMAT.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.session.ssh_daemons import COLLECT_CONFIG, setting
from plumbline.probes.tagged import PRINT_END, Rows

_OPTIONS = (
    "authorizedkeysfile|authorizedkeyscommand|trustedusercakeys|authorizedprincipalscommand"
    "|hostbasedauthentication|ignorerhosts|allowusers|allowgroups"
)
_KEYS_MAX = 400

_COMMAND = rf"""
tab=$(printf '\t')
patterns='' theirs=''
if command -v sshd >/dev/null; then
    effective=$(sshd -T 2>&1)
    printf 'status\t%s\n' $?
    printf '%s\n' "$effective" | awk '/^({_OPTIONS}) / {{ print "sshd\t" $0 }}'
{COLLECT_CONFIG}
    matched=''
    [ $# -eq 0 ] || matched=$(awk -v in_match="$in_match" '
        FNR == 1 {{ match_block = index(in_match, " " FILENAME " "); users = "" }}
        tolower($1) ~ /^"?match("|=|$)/ {{
            match_block = 1
            # A block for users by name is theirs alone; whom another is for is not said.
            users = NF == 3 && tolower($2) == "user" && $3 !~ /[*?!"]/ ? $3 : ""
        }}
        match_block && users != "" && tolower($1) == "authorizedkeysfile" {{
            print "of\t" users "\t" FNR "\t" $0 }}
        # A name with a blank in it is not looked for.
        tolower($0) ~ /^[ \t]*"?include.*"[^"]*[^" \t][ \t]+[^" \t][^"]*"/ ||
                (match_block && tolower($0) ~ /^[ \t]*"?({_OPTIONS})"?[ \t="]/) {{
            print "match\t" FILENAME "\t" FNR "\t" $0 }}' "$@") || exit 9
    [ -z "$matched" ] || printf '%s\n' "$matched" | sed '/^of\t/d'
    theirs=$(printf '%s\n' "$matched" | awk -F '\t' '$1 == "of" {{
        count = split($2, user, ","); words = split($4, word, /[ \t"=]+/)
        for (one = 1; one <= count; one++)
            for (at = 2; at <= words; at++)
                if (word[at] != "" && tolower(word[at]) != "authorizedkeysfile") print user[one] "=" word[at]
    }}')
    patterns=$({{ printf '%s\n' "$effective" | sed -n 's/^authorizedkeysfile //p'
        printf '%s\n' "$matched" | sed '/^of\t/,/^match\t/d' | cut -f 4- | tr -d '"' |
            sed -n 's/^[ \t]*authorizedkeysfile[ \t=]*//Ip'; }} | tr '\n' ' ')
fi
homes=$(awk -F: '!/^[+-]/ && $6 ~ /^\// {{ print $1 "\t" $3 "\t" $6 }}' /etc/passwd)
# Where clients of the directory put their users' homes, a star for each token of sssd.conf(5) or smb.conf(5).
elsewhere=$(sed -n 's#^[ \t]*\(override_homedir\|fallback_homedir\|template homedir\)[ \t]*=[ \t]*/#/#p' \
    /etc/sssd/sssd.conf /etc/sssd/conf.d/*.conf /etc/samba/smb.conf 2>/dev/null | sed 's/%[A-Za-z]/*/g')
homes=$(printf '%s\n' "$homes"
    for home in /home/* /home/*/* $elsewhere; do
        [ -d "$home" ] || continue
        # What lies in a person's home is no home; /home/DOMAIN/USER is one of the directory's.
        [ "${{home%/*}}" = /home ] || case "$homes
" in *"$tab${{home%/*}}
"*) continue ;; esac
        case $home in *[[:cntrl:]]*) ;; *) printf '%s\t?\t%s\n' "${{home##*/}}" "$home" ;; esac
    done)
candidates=$(printf '%s\n' "$homes" | awk -F '\t' -v patterns="$patterns" -v theirs="$(echo $theirs)" '
    function expanded(pattern, made, at, token) {{
        made = ""
        for (at = 1; at <= length(pattern); at++) {{
            if (substr(pattern, at, 1) != "%") {{ made = made substr(pattern, at, 1); continue }}
            token = substr(pattern, ++at, 1)
            made = made (token == "h" ? $3 : token == "u" ? $1 : token == "U" ? $2 : token == "%" ? "%" : "?")
        }}
        return made ~ /^\// ? made : $3 "/" made
    }}
    {{
        count = split(patterns, pattern, " ")
        for (one = 1; one <= count; one++)
            if (pattern[one] != "none") print $1 "\t" expanded(pattern[one])
        count = split(theirs, pattern, " ")
        for (one = 1; one <= count; one++)
            if (index(pattern[one], $1 "=") == 1) {{
                print $1 "\t" expanded(substr(pattern[one], length($1) + 2))
                pattern[one] = ""
                found[one] = 1
            }}
    }}
    END {{
        count = split(theirs, pattern, " ")
        for (one = 1; one <= count; one++)
            if (!found[one] && split(pattern[one], part, "=") > 1) {{
                $1 = part[1]; $2 = "?"; $3 = ""
                print part[1] "\t" expanded(substr(pattern[one], length(part[1]) + 2))
            }}
        print "root\t/etc/dropbear/initramfs/authorized_keys"
        print "root\t/etc/dropbear-initramfs/authorized_keys"
    }}' | awk -F '\t' '
    !($2 in names) {{ file[++count] = $2; names[$2] = $1; seen[$1, $2] = 1 }}
    !seen[$1, $2]++ {{ names[$2] = names[$2] "," $1 }}
    END {{ for (one = 1; one <= count; one++) print names[file[one]] "\t" file[one] }}')
set -f
for pattern in $patterns; do
    case $pattern in
    /*%*)
        set +f
        for file in $(printf '%s\n' "$pattern" | sed 's/%[huU]/*/g'); do
            case $candidates in *"$tab$file"*) ;; *) candidates="$candidates
?$tab$file" ;; esac
        done
        set -f
        ;;
    esac
done
set +f
printf '%s\n' "$candidates" | while IFS="$tab" read -r name file; do
    [ -f "$file" ] || continue
    printf 'keys\t%s\t%s\n' "$name" "$file"
    awk -v name="$name" -v file="$file" '
    !/^[ \t]*(#|$)/ {{
        # As sshd reads options: a backslash hides a quote, nothing else. It takes more types than it writes.
        gsub(/\\"/, "")
        gsub(/"[^"]*"/, "")
        gsub(/\t/, " ")
        if (match($0, /[^ ]+ +AAAA[A-Za-z0-9+\/=]+/) && ++count <= {_KEYS_MAX}) {{
            key = substr($0, RSTART, RLENGTH)
            print "key\t" name "\t" file "\t" FNR "\t" key "\t" substr($0, 1, RSTART - 1)
        }}
    }}
    END {{ if (count > {_KEYS_MAX}) print "cut\t" file }}' "$file" || exit 9
done || exit 9
for file in /etc/hosts.equiv /etc/ssh/shosts.equiv /etc/shosts.equiv; do
    [ ! -e "$file" ] || printf 'trust\t%s\n' "$file"
done
sed -n 's/^[ \t]*k5login_directory[ \t]*=[ \t]*//p' /etc/krb5.conf /etc/krb5.conf.d/* 2>/dev/null |
    while read -r directory; do
        for file in "$directory"/*; do [ ! -f "$file" ] || printf 'trust\t%s\n' "$file"; done
    done
printf '%s\n' "$homes" | cut -f 3 | sort -u | while read -r home; do
    for name in .rhosts .shosts .k5login .k5users .netrc; do
        [ ! -e "$home/$name" ] || printf 'trust\t%s\n' "${{home%/}}/$name"
    done
done
{PRINT_END}
"""

_FIELDS = {"status": 1, "sshd": 1, "match": 3, "keys": 2, "key": 5, "cut": 1, "trust": 1}

DIRECTORY_COMMANDS = frozenset({"/usr/bin/sss_ssh_authorizedkeys"})
"""Programs that ask the directory for a user's keys (sss_ssh_authorizedkeys(1))."""


@dataclass(frozen=True)
class Key:
    """A key: where it stands, its type, the fingerprint ssh-keygen prints.

    `account` is whom it opens; where a file is everybody's, all these names, with commas.
    """

    account: str
    place: str
    type: str
    fingerprint: str
    options: str = ""

    @property
    def accounts(self) -> list[str]:
        """The accounts it opens."""
        return self.account.split(",")

    @property
    def is_authority(self) -> bool:
        """Whether it opens the account to every key it signed a certificate for."""
        return "cert-authority" in self.options.lower().split(", ")

    def __str__(self) -> str:
        options = f", {self.options}" if self.options else ""
        names, more = ", ".join(self.accounts[:3]), len(self.accounts) - 3
        opened = f"{names} and {more} more" if more > 0 else names
        return f"{self.place}: opens {opened}: {self.type} {self.fingerprint}{options}"


@dataclass(frozen=True)
class SshAccess:
    """What sshd lets in without a password; without sshd, `status` is None and nothing is let in.

    `options` may give one name more than once; `match_lines` stand in Match blocks, with where.
    """

    status: int | None
    options: tuple[tuple[str, str], ...]
    match_lines: tuple[tuple[str, str, str], ...]
    keys: tuple[Key, ...]
    key_files: tuple[str, ...]
    trust_files: tuple[str, ...]
    cut: tuple[str, ...]

    @property
    def is_answered(self) -> bool:
        """Whether sshd told its settings, and no part of them is in a place that was not read."""
        return self.status == 0 and all(option != "include" for _, option, _ in self.match_lines)

    def given(self, option: str) -> list[tuple[str, str]]:
        """Return every value of an option, with where: sshd's own, then those of Match blocks."""
        values = [("sshd", value) for name, value in self.options if name == option]
        return values + [(place, value) for place, name, value in self.match_lines if name == option]

    def other_than(self, option: str, *accepted: str) -> list[str]:
        """Return the values of an option that are none of those accepted, each with where."""
        return [
            f"{place}: {option} {value}"
            for place, value in self.given(option)
            if value.strip().lower() not in accepted
        ]

    @property
    def authorities(self) -> list[str]:
        """Programs and certificate authorities that say which keys open accounts, but for the directory's."""
        return [
            *self.other_than("authorizedkeyscommand", "none", *DIRECTORY_COMMANDS),
            *self.other_than("trustedusercakeys", "none"),
            *self.other_than("authorizedprincipalscommand", "none"),
            *(str(key) for key in self.keys if key.is_authority),
        ]

    @property
    def trusting(self) -> list[str]:
        """Settings by which a host, not its user, proves who he is."""
        return [
            *self.other_than("hostbasedauthentication", "no"),
            *self.other_than("ignorerhosts", "yes", "shosts-only"),
        ]

    @property
    def named_people(self) -> list[tuple[str, str]]:
        """Words of AllowUsers, with where: who may log on by name."""
        return [(place, word) for place, value in self.given("allowusers") for word in value.split()]

    @property
    def named_groups(self) -> list[tuple[str, str]]:
        """Words of AllowGroups, with where."""
        return [(place, word) for place, value in self.given("allowgroups") for word in value.split()]


def fingerprint(blob: str) -> str:
    """Return a key's fingerprint as `ssh-keygen -l` prints it; ParseError if the blob is no base64."""
    try:
        raw = base64.b64decode(blob, validate=True)
    except binascii.Error as error:
        raise ParseError(f"no base64: {blob[:40]}") from error
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def _key(row: tuple[str, ...]) -> Key:
    account, file, number, key, options = row
    kind, blob = key.split()
    try:
        told = fingerprint(blob)
    except ParseError:
        # sshd takes no such line either, but what it is shall be seen.
        told = "(no valid key)"
    names = ", ".join(sorted({word.partition("=")[0] for word in re.split(r"[\s,]+", options) if word}))
    return Key(account, f"{file}:{number}", kind, told, names)


def _match_line(row: tuple[str, ...]) -> tuple[str, str, str]:
    file, number, text = row
    option, value = setting(text)
    return f"{file}:{number}", option.lower(), value


def _access(output: Output) -> SshAccess:
    rows = Rows(output, _FIELDS)
    status = int(rows["status"][0][0]) if rows["status"] else None
    options = [line.partition(" ") for (line,) in rows["sshd"]]
    return SshAccess(
        status=status,
        options=tuple((name, value) for name, _, value in options),
        match_lines=tuple(map(_match_line, rows["match"])),
        keys=tuple(map(_key, rows["key"])),
        key_files=tuple(path for _, path in rows["keys"]),
        trust_files=tuple(path for (path,) in rows["trust"]),
        cut=tuple(path for (path,) in rows["cut"]),
    )


KEYS = Probe("accounts.keys", _COMMAND, _access)

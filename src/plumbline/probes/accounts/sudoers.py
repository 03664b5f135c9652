"""sudoers(5), read as sudo reads it: includes, aliases, defaults and who may run what as whom.

A grant for another host counts as one for this host: host names are not judged. What is not understood is
kept in `unread`, so that nobody takes it for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plumbline.probes.accounts.sudoers_files import Files, Reading

SUDOERS = "/etc/sudoers"

_MEMBERS_MAX = 4096
_DEFAULTS = re.compile(r"Defaults(?=[@:!>\s])([@:!>])?")
_ALIAS = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)", re.DOTALL)
_ALIAS_NAME = re.compile(r"\s*([A-Z][A-Z0-9_]*)\s*=")
# One member of a list: a quoted word, or one without blanks; a colon belongs to it only where it is escaped,
# after a percent sign (%:group), or inside an IPv6 address.
_MEMBER = re.compile(
    r'\s*((?:!\s*)*)("(?:\\.|[^"\\])*"|(?:%:|%\#|\#)?(?:\\.|[^\s,:=!()"\#\\]|(?<=[0-9a-fA-F:]):(?=[0-9a-fA-F:]))+)'
)
_TAG_WORDS = (
    "EXEC|NOEXEC|FOLLOW|NOFOLLOW|INTERCEPT|NOINTERCEPT|LOG_INPUT|NOLOG_INPUT|LOG_OUTPUT|NOLOG_OUTPUT"
    "|MAIL|NOMAIL|PASSWD|NOPASSWD|SETENV|NOSETENV"
)
_TAG = re.compile(rf"\s*({_TAG_WORDS})\s*:")
_OPTION = re.compile(
    r"\s*(ROLE|TYPE|APPARMOR_PROFILE|PRIVS|LIMITPRIVS|CWD|CHROOT|TIMEOUT|NOTBEFORE|NOTAFTER)\s*=\s*"
    r'("[^"]*"|(?:\\.|[^\s,:=\\])+)'
)
_DIGESTS = re.compile(r"\s*(sha(?:224|256|384|512)\s*:\s*[0-9A-Za-z+/=]+\s*,?\s*)+")
_COMMAND = re.compile(r'\s*((?:!\s*)*)((?:"(?:\\.|[^"\\])*"|\\.|[^,:=\\"])+)')
_RUNAS = re.compile(r"\s*\(([^()]*)\)")


@dataclass(frozen=True)
class Member:
    """One of a list of users: `kind` is user, uid, group, gid, nonunix-group, netgroup or all."""

    kind: str
    name: str
    negated: bool = False

    @property
    def is_root(self) -> bool:
        """Whether this is root, by name or number."""
        return (self.kind, self.name) in (("user", "root"), ("uid", "0"))

    def __str__(self) -> str:
        return ("!" if self.negated else "") + _PREFIX[self.kind] + self.name


_PREFIX = {
    "user": "",
    "uid": "#",
    "group": "%",
    "gid": "%#",
    "nonunix-group": "%:",
    "netgroup": "+",
    "all": "",
}


@dataclass(frozen=True)
class Grant:
    """A command (or ALL) that somebody may run. `runas_users` is empty where only a group is given, or
    nothing, which means root; `as_itself` tells the two apart."""

    place: str
    who: tuple[Member, ...]
    runas_users: tuple[Member, ...]
    runas_groups: tuple[Member, ...]
    as_itself: bool
    tags: frozenset[str]
    command: str
    negated: bool

    @property
    def without_password(self) -> bool:
        """Whether sudo asks for no password."""
        return "NOPASSWD" in self.tags

    @property
    def gives_everything(self) -> bool:
        """Whether any command may be run."""
        return self.command == "ALL"

    @property
    def gives_root(self) -> bool:
        """Whether the command may be run as root, or in a group; what other users may do is theirs."""
        if self.as_itself:
            return bool(self.runas_groups)
        return not self.runas_users or any(
            one.is_root or one.kind != "user" or one.negated for one in self.runas_users
        )

    def told(self, who: Member) -> str:
        """Return one line that says where, who, and what."""
        users = ", ".join(map(str, self.runas_users)) or ("itself" if self.as_itself else "root")
        groups = "".join(f":{group}" for group in self.runas_groups)
        tag = " NOPASSWD:" if self.without_password else ""
        return f"{self.place}: {who} may run ({users}{groups}){tag} {self.command}"


@dataclass(frozen=True)
class Default:
    """One option of a Defaults line; `scope` is empty, or @, :, ! or > with whom or what it is for.

    `value` is None for a flag; `operator` is =, += or -=.
    """

    place: str
    scope: str
    name: str
    negated: bool = False
    operator: str = ""
    value: str | None = None

    def __str__(self) -> str:
        told = f"{'!' if self.negated else ''}{self.name}{self.operator}{self.value or ''}"
        return f"{self.place}: Defaults{self.scope} {told}"


@dataclass
class Sudoers:
    """What the files say; `unread`: places of lines that are not understood, or includes not looked into."""

    grants: list[Grant] = field(default_factory=list)
    defaults: list[Default] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_sudoers(files: Files, missing: Sequence[str] = (), start: str = SUDOERS) -> Sudoers:
    """Read sudoers with its includes; `files` are all that there are, `missing` those that are not there."""
    reading = Reading(files, missing)
    lines = list(reading.lines(start))
    found = Sudoers(unread=reading.unread)
    aliases: dict[str, str] = {}
    for place, text in lines:
        if match := _ALIAS.match(text):
            _take_aliases(match[1], match[2], place, aliases, found)
    for place, text in lines:
        if _ALIAS.match(text):
            continue
        try:
            if match := _DEFAULTS.match(text):
                found.defaults += _defaults(place, match[1] or "", text[match.end() :])
            else:
                found.grants += _grants(place, text, aliases)
        except ValueError:
            found.unread.append(f"{place}: {text}")
    return found


def _take_aliases(kind: str, text: str, place: str, aliases: dict[str, str], found: Sudoers) -> None:
    """Keep the aliases of users, by kind and name; those of hosts and commands are not needed."""
    rest = text
    while rest.strip():
        name = _ALIAS_NAME.match(rest)
        if name is None:
            found.unread.append(f"{place}: {text}")
            return
        rest = rest[name.end() :]
        if kind in ("Host", "Cmnd", "Cmd"):
            # A further alias on the same line is one of the same kind: nothing here needs it.
            return
        members, position = _members_text(rest)
        aliases[f"{kind} {name[1]}"] = members
        rest = rest[position:].lstrip()
        if rest and not rest.startswith(":"):
            found.unread.append(f"{place}: {text}")
            return
        rest = rest[1:]


def _members_text(text: str, position: int = 0) -> tuple[str, int]:
    """Return the text of a list of members, and where it ends; ValueError if none starts here."""
    start = position
    while match := _MEMBER.match(text, position):
        position = match.end()
        comma = re.compile(r"\s*,").match(text, position)
        if comma is None:
            return text[start:position], position
        position = comma.end()
    if position == start:
        raise ValueError(f"no list starts here: {text[position:]}")
    raise ValueError(f"the list does not go on after its comma: {text}")


def _members(
    text: str, kind: str, aliases: Mapping[str, str], above: frozenset[str] = frozenset()
) -> list[Member]:
    """Return the members of a list, aliases put in place, their negations carried over.

    ValueError if there are too many of them: an alias of aliases can stand for more than anybody would read.
    """
    found: list[Member] = []
    for match in _MEMBER.finditer(text):
        negated = match[1].count("!") % 2 == 1
        word = match[2]
        quoted = word.startswith('"')
        # In quotes a backslash stands for itself, but before a quote.
        word = word[1:-1].replace('\\"', '"') if quoted else re.sub(r"\\(.)", r"\1", word)
        alias = aliases.get(f"{kind} {word}")
        if alias is not None and word not in above:
            inside = _members(alias, kind, aliases, above | {word})
            found += [Member(one.kind, one.name, one.negated != negated) for one in inside]
        else:
            found.append(_member(word, negated))
        if len(found) > _MEMBERS_MAX:
            raise ValueError(f"more than {_MEMBERS_MAX} members: {text}")
    return found


def _member(word: str, negated: bool) -> Member:
    for prefix, kind in (
        ("%:", "nonunix-group"),
        ("%#", "gid"),
        ("%", "group"),
        ("+", "netgroup"),
        ("#", "uid"),
    ):
        if word.startswith(prefix):
            return Member(kind, word.removeprefix(prefix), negated)
    return Member("all" if word == "ALL" else "user", word, negated)


def _defaults(place: str, scope: str, rest: str) -> Iterator[Default]:
    """Yield the options of a Defaults line; ValueError if it is none."""
    if scope:
        members, position = _members_text(rest) if scope != "!" else _commands_text(rest)
        scope, rest = scope + members.strip(), rest[position:]
    position = 0
    option = re.compile(r'\s*(!*)\s*(\w+)\s*(?:(\+=|-=|=)\s*("(?:\\.|[^"\\])*"|(?:\\.|[^,\s\\])+))?\s*(,|$)')
    while position < len(rest):
        match = option.match(rest, position)
        if match is None:
            raise ValueError(f"no option: {rest[position:]}")
        value = match[4].strip('"') if match[4] else None
        yield Default(place, scope, match[2], len(match[1]) % 2 == 1, match[3] or "", value)
        position = match.end()


def _commands_text(rest: str) -> tuple[str, int]:
    """Return the commands a `Defaults!` line is for, and where they end."""
    match = re.match(r"(?:\\.|[^\s,\\])+(?:\s*,\s*(?:\\.|[^\s,\\])+)*", rest)
    if match is None:
        raise ValueError(f"no commands: {rest}")
    return match[0], match.end()


def _grants(place: str, text: str, aliases: Mapping[str, str]) -> Iterator[Grant]:
    """Yield what a user specification gives; ValueError if it is none."""
    users, position = _members_text(text)
    who = tuple(_members(users, "User", aliases))
    while True:
        _, position = _members_text(text, position)
        equals = re.compile(r"\s*=").match(text, position)
        if equals is None:
            raise ValueError(f"no equals sign: {text[position:]}")
        grants, position = _of_one_host(place, who, text, equals.end(), aliases)
        yield from grants
        if position >= len(text):
            return


def _of_one_host(
    place: str, who: tuple[Member, ...], text: str, position: int, aliases: Mapping[str, str]
) -> tuple[list[Grant], int]:
    """Return the grants up to the colon that starts another host's, and where that ends."""
    grants: list[Grant] = []
    runas: tuple[tuple[Member, ...], tuple[Member, ...], bool] = ((), (), False)
    tags: dict[str, str] = {}
    while True:
        if match := _RUNAS.match(text, position):
            runas, position = _runas(match[1], aliases), match.end()
        while match := _OPTION.match(text, position) or _TAG.match(text, position):
            if match.re is _TAG:
                tags[match[1].removeprefix("NO")] = match[1]
            position = match.end()
        if match := _DIGESTS.match(text, position):
            position = match.end()
        command = _COMMAND.match(text, position)
        if command is None or not command[2].strip() or command[2].strip().startswith("("):
            raise ValueError(f"no command: {text[position:]}")
        negated = command[1].count("!") % 2 == 1
        grants.append(Grant(place, who, *runas, frozenset(tags.values()), command[2].strip(), negated))
        position = command.end()
        if position >= len(text) or text[position] == ":":
            return grants, position + 1
        if text[position] != ",":
            raise ValueError(f"a command ends in an equals sign: {text[position:]}")
        position += 1


def _runas(text: str, aliases: Mapping[str, str]) -> tuple[tuple[Member, ...], tuple[Member, ...], bool]:
    """Return users and groups of a runas list, and whether only groups are given: then one stays oneself."""
    users, colon, groups = re.sub(r"%:", "%\\:", text).partition(":")
    listed = tuple(_members(users, "Runas", aliases))
    return listed, tuple(_members(groups, "Runas", aliases)), bool(colon and groups.strip() and not listed)

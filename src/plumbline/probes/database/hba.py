"""Who gets into a PostgreSQL server, and by whose word: pg_hba.conf(5) as read from files, rule by rule."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from plumbline.probes.files import ConfigFile

_TOKEN = re.compile(r'[ \t]*(?:(,)|((?:"(?:[^"]|"")*"|[^\s,"#])+)|(#.*))')


class UnreadableError(ValueError):
    """A file of rules that is missing or cannot be read as PostgreSQL does; the server would not start."""


@dataclass(frozen=True)
class Rule:
    """One rule: its kind (`local`, `host`, `hostssl` …), whom it is for, and who says yes."""

    where: str
    kind: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    address: str
    method: str
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [self.kind, ",".join(self.databases), ",".join(self.users), self.address, self.method]
        return " ".join(word for word in words if word) + f" ({self.where})"

    def covers(self, other: Rule) -> bool:
        """Say whether everybody another rule is for has already been answered by this one."""
        kinds = {
            "host": ("host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"),
            "hostnossl": ("hostnossl", "hostgssenc"),
        }
        if other.kind != self.kind and other.kind not in kinds.get(self.kind, ()):
            return False
        return (
            _holds(self.databases, other.databases, keyword="replication")
            and _holds(self.users, other.users)
            and _reaches(self.address, other.address)
        )


def _holds(mine: tuple[str, ...], others: tuple[str, ...], keyword: str = "") -> bool:
    return all(name in mine or ("all" in mine and name != keyword) for name in others)


def _reaches(mine: str, other: str) -> bool:
    if mine in (other, "all"):
        return True
    try:
        one, two = ipaddress.ip_network(mine, strict=False), ipaddress.ip_network(other, strict=False)
    except ValueError:
        return False
    return one.version == two.version and two.subnet_of(one)  # type: ignore[arg-type]  # of one version


def _fields(line: str) -> list[list[str]]:
    """Split a line as PostgreSQL does: fields by blanks, a field's list by commas; quotes stay for later."""
    found: list[list[str]] = []
    position, more = 0, False
    while position < len(line):
        token = _TOKEN.match(line, position)
        if token is None:
            break
        position = token.end()
        if token[3] is not None:
            break
        if token[1]:
            more = True
        elif more and found:
            found[-1].append(token[2])
            more = False
        else:
            found.append([token[2]])
    return found


def _bare(token: str) -> str:
    return re.sub(r'"((?:[^"]|"")*)"', lambda quoted: quoted[1].replace('""', '"'), token)


def _lines(file: ConfigFile) -> Iterator[tuple[int, str]]:
    begun, start = "", 0
    for number, line in enumerate(file.lines, 1):
        start = start if begun else number
        if line.endswith("\\"):
            begun += line[:-1]
            continue
        yield start, begun + line
        begun = ""
    if begun:
        yield start, begun


def rules(files: Mapping[str, ConfigFile], path: str, depth: int = 0) -> list[Rule]:
    """Return the rules of a file and those it includes, in order; `UnreadableError` names what is wrong."""
    file = files.get(path)
    if file is None or depth > 10:
        raise UnreadableError(f"{path} is missing")
    found: list[Rule] = []
    for number, line in _lines(file):
        fields = _fields(line)
        if not fields:
            continue
        first = fields[0][0]
        if first in ("include", "include_if_exists", "include_dir") and len(fields) == 2:
            found += _included(files, file, first, _bare(fields[1][0]), depth)
        else:
            found.append(_rule(files, file, number, fields))
    return found


def _included(
    files: Mapping[str, ConfigFile], file: ConfigFile, how: str, name: str, depth: int
) -> list[Rule]:
    path = posixpath.normpath(posixpath.join(file.directory, name))
    if how == "include_dir":
        names = sorted(each for each in files if posixpath.dirname(each) == path and each.endswith(".conf"))
        return [rule for each in names for rule in rules(files, each, depth + 1)]
    if how == "include_if_exists" and path not in files:
        return []
    return rules(files, path, depth + 1)


def _listed(files: Mapping[str, ConfigFile], file: ConfigFile, tokens: list[str]) -> tuple[str, ...]:
    """Return the names of a list, those of `@file` included; a keyword in quotes is a name like others."""
    found: list[str] = []
    for token in tokens:
        if token.startswith("@") and len(token) > 1:
            path = posixpath.normpath(posixpath.join(file.directory, _bare(token[1:])))
            listed = files.get(path)
            if listed is None:
                raise UnreadableError(f"{path}, a list in {file.path}, is missing")
            for _, line in _lines(listed):
                found += [_bare(each) for part in _fields(line) for each in part]
        else:
            bare = _bare(token)
            found.append(f'"{bare}"' if token.startswith('"') and bare in ("all", "replication") else bare)
    return tuple(found)


def _rule(files: Mapping[str, ConfigFile], file: ConfigFile, number: int, fields: list[list[str]]) -> Rule:
    where = f"{file.path}:{number}"
    kind = _bare(fields[0][0])
    rest = [_bare(part[0]) for part in fields[3:]]
    address = ""
    if kind != "local" and rest:
        address = rest.pop(0)
        if "/" not in address and rest and re.fullmatch(r"[\d.]+|[\da-f:]*:[\da-f:]+", rest[0]):
            address = f"{address}/{rest.pop(0)}"
    if len(fields) < 4 or not rest:
        raise UnreadableError(f"{where} is no rule")
    options = dict(part.partition("=")[::2] for part in rest[1:])
    return Rule(
        where,
        kind,
        _listed(files, file, fields[1]),
        _listed(files, file, fields[2]),
        address_of(address),
        rest[0],
        options,
    )


def address_of(text: str) -> str:
    """Return an address with its mask as a network, and words such as `samenet` as they are."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return text

"""sudoers is read as sudo's own cvtsudoers reads it; what gives rights is never lost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from recorded_host import recorded

from plumbline.probes.accounts import ELEVATION
from plumbline.probes.accounts.sudoers import Grant, Member, Sudoers, read_sudoers
from plumbline.probes.base import Output

MANY = recorded("accounts/many-kinds-of-lines.sudoers").splitlines()
CONVERTED = json.loads(recorded("accounts/many-kinds-of-lines.cvtsudoers-1.9.13p3.json"))

_KINDS = {
    "username": "user",
    "userid": "uid",
    "usergroup": "group",
    "usergid": "gid",
    "nonunixgroup": "nonunix-group",
    "netgroup": "netgroup",
}


def read(*lines: str) -> Sudoers:
    return read_sudoers({"/etc/sudoers": lines})


def members(listed: list[dict[str, Any]], aliases: str) -> list[tuple[str, str, bool]]:
    """Return what cvtsudoers says of a list, aliases put in place."""
    found = []
    for one in listed:
        negated = one.get("negated", False)
        name = one.get("useralias") or one.get("runasalias")
        if name is not None:
            inside = members(CONVERTED[aliases][name], aliases)
            found += [(kind, who, inner != negated) for kind, who, inner in inside]
            continue
        ((key, value),) = ((key, value) for key, value in one.items() if key != "negated")
        kind = "all" if value == "ALL" and key == "username" else _KINDS[key]
        found.append((kind, str(value), negated))
    return found


def ours(listed: tuple[Member, ...]) -> list[tuple[str, str, bool]]:
    return [(one.kind, one.name, one.negated) for one in listed]


def test_grants_are_those_cvtsudoers_finds() -> None:
    expected = []
    for spec in CONVERTED["User_Specs"]:
        for part in spec["Cmnd_Specs"]:
            options = {key: value for option in part.get("Options", []) for key, value in option.items()}
            expected += [
                (
                    members(spec["User_List"], "User_Aliases"),
                    members(part.get("runasusers", []), "Runas_Aliases"),
                    [("user", name, no) for _, name, no in members(part.get("runasgroups", []), "")],
                    options.get("authenticate") is False,
                    command["command"],
                    command.get("negated", False),
                )
                for command in part["Commands"]
            ]
    found = [
        (
            ours(grant.who),
            ours(grant.runas_users),
            ours(grant.runas_groups),
            grant.without_password,
            grant.command.replace("\\=", "=").replace("\\,", ","),
            grant.negated,
        )
        for grant in read(*MANY).grants
    ]
    assert found == expected


def test_defaults_are_those_cvtsudoers_finds() -> None:
    expected = []
    for default in CONVERTED["Defaults"]:
        for option in default["Options"]:
            ((name, value),) = ((key, value) for key, value in option.items() if key != "operation")
            told = " ".join(value) if isinstance(value, list) else value
            expected.append((name, value is False, None if isinstance(value, bool) else told))
    assert [(one.name, one.negated, one.value) for one in read(*MANY).defaults] == expected


def test_nothing_of_many_kinds_of_lines_is_left_unread() -> None:
    assert read(*MANY).unread == []


@pytest.mark.parametrize(
    ("line", "gives_root"),
    [
        ("a ALL=/bin/x", True),
        ("a ALL=(root) /bin/x", True),
        ("a ALL=(#0) /bin/x", True),
        ("a ALL=(ALL) /bin/x", True),
        ("a ALL=(%wheel) /bin/x", True),
        ("a ALL=(ALL, !root) /bin/x", True),
        ("a ALL=(:adm) /bin/x", True),
        ("a ALL=(games) /bin/x", False),
        ("a ALL=(games : games) /bin/x", False),
        ("a ALL=() /bin/x", True),
    ],
)
def test_who_may_become_root_is_told(line: str, gives_root: bool) -> None:
    (grant,) = read(line).grants
    assert grant.gives_root is gives_root


def test_a_tag_holds_until_its_opposite() -> None:
    grants = read("a ALL = NOPASSWD: /x, /y, PASSWD: /z, (games) /w").grants
    assert [grant.without_password for grant in grants] == [True, True, False, False]
    assert [grant.gives_root for grant in grants] == [True, True, True, False]


@pytest.mark.parametrize(
    "line",
    [
        "plain",
        "plain ALL",
        "plain ALL =",
        "plain ALL = (ALL",
        "plain, ALL=ALL",
        "a ALL=ALL : b",
        "Defaults !",
        "= ALL",
    ],
)
def test_a_line_that_is_none_is_kept_as_unread(line: str) -> None:
    found = read("root ALL=ALL", line)
    assert found.unread == [f"/etc/sudoers:2: {line}"]
    assert whos(found.grants)[0] == "root"


FILES: dict[str, list[str]] = {
    "/etc/sudoers": ["root ALL=ALL", "@includedir sudoers.d", "#include /opt/a\\ b", "# include /no"],
    "/etc/sudoers.d/20-b": ["b ALL=ALL"],
    "/etc/sudoers.d/10-a": ["a ALL=ALL # here", "@include deep"],
    "/etc/sudoers.d/deep": ["deep ALL=ALL"],
    "/etc/sudoers.d/x.conf": ["dot ALL=ALL"],
    "/etc/sudoers.d/y~": ["tilde ALL=ALL"],
    "/opt/a b": ["c ALL=ALL"],
}


def whos(grants: list[Grant]) -> list[str]:
    return [str(grant.who[0]) for grant in grants]


def test_includes_are_read_in_their_order_and_left_out_names_left_out() -> None:
    found = read_sudoers(FILES)
    assert whos(found.grants) == ["root", "a", "deep", "b", "deep", "c"]
    assert found.unread == []


@pytest.mark.parametrize(
    ("files", "missing", "unread"),
    [
        ({"/etc/sudoers": ["@include /gone"]}, ["/gone"], []),
        ({"/etc/sudoers": ["@include /unseen"]}, [], ["/unseen"]),
        ({"/etc/sudoers": ["@includedir /empty"]}, ["/empty"], []),
        ({"/etc/sudoers": ["@includedir /unseen"]}, [], ["/etc/sudoers:1: @includedir /unseen"]),
        ({"/etc/sudoers": ["@include /etc/%h"]}, [], ["/etc/sudoers:1: @include /etc/%h"]),
        (
            {"/etc/sudoers": ["@include /a"], "/a": ["@include /etc/sudoers"]},
            [],
            ["/a:1: @include /etc/sudoers"],
        ),
        ({}, [], ["/etc/sudoers"]),
        ({}, ["/etc/sudoers"], []),
    ],
)
def test_an_include_nobody_looked_into_is_unread(
    files: dict[str, list[str]], missing: list[str], unread: list[str]
) -> None:
    assert read_sudoers(files, missing).unread == unread


def test_an_alias_of_aliases_carries_its_negation() -> None:
    (grant,) = read("User_Alias A = x, !y : B = !A, z", "B ALL=ALL").grants
    assert [str(one) for one in grant.who] == ["!x", "y", "z"]


def test_an_alias_that_means_itself_ends() -> None:
    (grant,) = read("User_Alias A = A", "A ALL=ALL").grants
    assert [str(one) for one in grant.who] == ["A"]


def defaults(*lines: str) -> list[str]:
    rows = "".join(f"line\t/etc/sudoers\t{number}\t{line}\n" for number, line in enumerate(lines, 1))
    elevation = ELEVATION.parse(Output(f"program\tsudo\nfile\t/etc/sudoers\n{rows}end\n".encode(), b"", 0))
    return [str(one) for one in (*elevation.without_proof, *elevation.open_environment)]


@pytest.mark.parametrize(
    "line",
    [
        "Defaults !authenticate",
        "Defaults:%users !authenticate",
        "Defaults!/bin/su !authenticate",
        "Defaults rootpw",
        "Defaults targetpw",
        "Defaults timestamp_timeout=-1",
        "Defaults exempt_group = wheel",
        "Defaults pam_login_service=cron",
        "Defaults !env_reset",
        "Defaults setenv",
        "Defaults env_keep = *",
        'Defaults env_keep += "LANG PYTHONPATH"',
        "Defaults env_keep+=LD_*",
        "Defaults env_check += BASH_ENV",
    ],
)
def test_an_option_that_opens_is_told(line: str) -> None:
    assert len(defaults(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "Defaults env_reset, use_pty, mail_badpass",
        "Defaults authenticate",
        "Defaults !rootpw, !targetpw",
        "Defaults timestamp_timeout=0",
        "Defaults timestamp_timeout=15",
        'Defaults:%sudo env_keep += "http_proxy https_proxy EDITOR GIT_AUTHOR_* SSH_AUTH_SOCK"',
        "Defaults env_keep -= LD_PRELOAD",
        "Defaults !exempt_group",
    ],
)
def test_an_option_that_opens_nothing_is_not_told(line: str) -> None:
    assert defaults(line) == []


def elevation_of(programs: str, *files: tuple[str, str]) -> Any:  # noqa: ANN401  (what the probe's parser returns)
    rows = "".join(f"program\t{name}\n" for name in programs.split())
    rows += "".join(f"file\t{path}\nline\t{path}\t1\t{line}\n" for path, line in files)
    return ELEVATION.parse(Output(f"{rows}end\n".encode(), b"", 0))


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("permit :wheel", "permit :wheel as anybody"),
        ("permit nopass keepenv bob as root cmd /bin/x", "permit nopass keepenv bob as root"),
        ("permit setenv { A B=c } persist bob", "permit setenv persist bob as anybody"),
    ],
)
def test_doas_rules_are_read(line: str, rule: str) -> None:
    assert [str(one) for one in elevation_of("doas", ("/etc/doas.conf", line)).doas()] == [
        f"/etc/doas.conf:1: {rule}"
    ]


def test_doas_denies_and_an_absent_doas_give_nothing() -> None:
    assert list(elevation_of("doas", ("/etc/doas.conf", "deny bob")).doas()) == []
    assert list(elevation_of("sudo", ("/etc/sudoers", ""), ("/etc/doas.conf", "permit bob")).doas()) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Plugin sudoers_policy sudoers.so", False),
        ("Plugin sudoers_policy sudoers.so sudoers_file=/tmp/sudoers", True),
        ("Plugin approval other.so", True),
        ("Set disable_coredump false", False),
    ],
)
def test_another_plugin_is_told(line: str, told: bool) -> None:
    elevation = elevation_of("sudo", ("/etc/sudoers", ""), ("/etc/sudo.conf", line))
    assert bool(elevation.plugins) is told


def test_rules_of_packages_may_say_yes_and_name_administrators() -> None:
    packaged = ("/usr/share/polkit-1/rules.d/40-debian-sudo.rules", 'return ["unix-group:sudo"];')
    own = ("/etc/polkit-1/rules.d/1.rules", "return polkit.Result.YES;")
    brought = packaged[0].replace("40", "50")
    elevation = elevation_of("polkitd", packaged, own, (brought, own[1]))
    assert [one.name for one in elevation.polkit_administrators()] == ["sudo"]
    told = f"{own[0]}:1: {own[1]}"
    assert replace(elevation, packaged=(brought, own[0])).polkit_grants == [told]
    assert elevation.polkit_grants == [told, f"{brought}:1: {own[1]}"]


def test_an_alias_that_stands_for_too_many_is_unread() -> None:
    aliases = [f"User_Alias A{number} = A{number + 1}, A{number + 1}" for number in range(40)]
    found = read(*aliases, "User_Alias A40 = x", "A0 ALL=ALL")
    assert found.unread == ["/etc/sudoers:42: A0 ALL=ALL"]

"""PostgreSQL and MariaDB on a booted host: found however they got there, and who lets their users in."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest
from conftest import lab_name
from database_sabotage import (
    ACCOUNTS,
    DATA,
    HBA,
    NO_ROLES,
    PAM,
    PG,
    RIGHT_ACCOUNTS,
    RIGHT_HBA,
    ROLES,
    RULES,
    SIGNS,
)
from declaring import declare, declare_directory
from hardened import HOST, sabotaged
from judging import checks, not_passing, observed, verdicts

from plumbline.lab import Lab
from plumbline.probes.database import MARIADB as ACCOUNTS_PROBE
from plumbline.probes.database import MSSQL, POSTGRESQL, SERVERS
from plumbline.verify.results import CheckResult, ControlResult, Verdict

DECLARED, GROUND, SYSTEM, USERS, CLIENT = (
    "database-as-declared:",
    "database-placement-justified:",
    "database-server-system:",
    "database-users-in-directory:",
    "no-database-on-client:",
)
NOW, START = f"{USERS}postgresql_rules_in_force", f"{USERS}postgresql_rules_after_a_restart"
ROLE, MARIADB = f"{USERS}postgresql_keeps_no_passwords", f"{USERS}mariadb_accounts"
OPEN = f"{USERS}mariadb_asks_who_it_is"
VIRTUAL = f"?{SYSTEM}server_is_virtual"
"""Unknown on every lab host that has a database: it is a container."""

HERE = {"reason": "maker-requires-same-host", "reference": "offer 17, chapter 3"}
SOFTWARE = [
    {"name": "Historian", "version": "1", "vendor": "Example", "database": name, "database_here": HERE}
    for name in ("PostgreSQL 15", "MariaDB")
]
IDENT = "ops /^(operator|plain)$ historian\nops postgres postgres\n"
PROBES = (SERVERS, POSTGRESQL, ACCOUNTS_PROBE, MSSQL)
RELOAD = "systemctl reload postgresql@15-main"


def psql(statement: str) -> str:
    return f"cd /; runuser -u postgres -- psql -qXc {shlex.quote(statement)}"


def sql(statement: str) -> str:
    return f"mariadb -e {shlex.quote(statement)}"


def written(path: str, text: str) -> str:
    return f"printf '%s' {shlex.quote(text)} >{path}"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.up(lab_name(), hosts=1, flavour="clean", packages=("mariadb-server", "postgresql")) as up:
        yield up


@pytest.fixture(scope="module")
def declared(lab: Lab) -> Lab:
    """Both servers declared, with rules and accounts of the directory, which itself need not be there."""
    declare_directory(lab)
    declare(lab, HOST, software=SOFTWARE)
    lab.run(
        HOST,
        f"{written('/etc/pam.d/history', PAM)}; {written(HBA, RIGHT_HBA)}; {RELOAD}",
    )
    for statement in RIGHT_ACCOUNTS:
        lab.run(HOST, sql(statement))
    return lab


def judged(lab: Lab) -> dict[str, ControlResult]:
    return verdicts(lab, HOST, "database")


def told(results: dict[str, ControlResult], check: str, words: str) -> bool:
    return any(words in line for line in observed(results, check))


@pytest.fixture(scope="module")
def as_delivered(lab: Lab) -> dict[str, ControlResult]:
    declare(lab, HOST, software=[{"name": "Gateway", "version": "1", "vendor": "Example"}])
    lab.run(HOST, "systemctl disable --now mariadb; systemctl mask --now postgresql@15-main")
    results = judged(lab)
    lab.run(HOST, "systemctl unmask postgresql@15-main; systemctl enable --now mariadb postgresql@15-main")
    return results


@pytest.mark.parametrize(
    "sign",
    [
        "PostgreSQL: package postgresql-15 15.",
        "PostgreSQL: program /usr/lib/postgresql/15/bin/postgres",
        "MariaDB/MySQL: package mariadb-server 1:10.11.",
        "MariaDB/MySQL: program /usr/sbin/mariadbd",
        "mariadb.service:",
    ],
)
def test_undeclared_server_is_seen_though_stopped_and_masked(
    as_delivered: dict[str, ControlResult], sign: str
) -> None:
    assert told(as_delivered, f"{DECLARED}no_undeclared_server", sign)
    assert told(as_delivered, f"{GROUND}server_is_here_on_a_ground", sign)
    assert told(as_delivered, f"{GROUND}application_shares_the_host_by_its_maker_s_condition", sign)


def test_stopped_servers_are_unknown_where_only_they_could_tell(
    as_delivered: dict[str, ControlResult],
) -> None:
    assert told(as_delivered, START, "host all all 127.0.0.1/32 scram-sha-256")
    unsaid = checks(as_delivered, Verdict.UNKNOWN)
    assert {ROLE, MARIADB} <= set(unsaid)


def test_running_and_undeclared(lab: Lab) -> None:
    declare(lab, HOST, software=SOFTWARE[:1])
    results = judged(lab)
    assert told(results, f"{DECLARED}no_undeclared_server", "listens on /run/mysqld/mysqld.sock")
    assert told(
        results, f"{DECLARED}no_undeclared_server", "MariaDB/MySQL: listens on 127.0.0.1:3306 (mariadbd"
    )
    assert told(results, f"{DECLARED}no_undeclared_server", "runs /usr/sbin/mariadbd")
    assert not told(results, f"{DECLARED}no_undeclared_server", "PostgreSQL")


def test_declared_with_users_of_the_directory_passes(declared: Lab) -> None:
    assert not_passing(judged(declared)) == {VIRTUAL}


def test_no_secret_is_printed(declared: Lab) -> None:
    printed = "".join(declared.run(HOST, "sh -s", input=probe.command).stdout for probe in PROBES)
    assert "ldapurl" in printed
    assert "hunter2" not in printed


def test_client_is_allowed_an_inseparable_part_only(declared: Lab) -> None:
    part = {"reason": "part-of-the-application", "reference": "exception 4"}
    try:
        declare(declared, HOST, profile="client")
        assert not_passing(judged(declared)) == {f"{CLIENT}no_server_on_a_client"}
        declare(declared, HOST, software=[{**each, "database_here": part} for each in SOFTWARE])
        assert not_passing(judged(declared)) == set()
    finally:
        declare(declared, HOST, profile="server", software=SOFTWARE)


@pytest.fixture(scope="module")
def everywhere(declared: Lab) -> dict[str, ControlResult]:
    """The verdicts with every sign at once, each of which is undone again."""
    done = []
    try:
        for wrong, right, _ in [*SIGNS.values(), DATA]:
            done.append(right)
            declared.run(HOST, f"set -e; {wrong}")
        return judged(declared)
    finally:
        for right in done:
            declared.run(HOST, right)


@pytest.mark.parametrize("name", SIGNS)
def test_server_is_found(everywhere: dict[str, ControlResult], name: str) -> None:
    assert told(everywhere, f"{DECLARED}no_undeclared_server", SIGNS[name][2])


def test_data_without_a_server(declared: Lab) -> None:
    with sabotaged(declared, DATA[0], DATA[1]):
        results = judged(declared)
        assert not_passing(results) == {VIRTUAL, f"{DECLARED}no_data_without_a_server"}
        assert told(results, f"{DECLARED}no_data_without_a_server", DATA[2])


@pytest.fixture(scope="module")
def opened(declared: Lab) -> dict[str, ControlResult]:
    """The verdicts with every rule, role and account at once, each of which is undone again."""
    rules = "\n".join(sorted((rule for rule, _ in RULES.values()), key=lambda rule: "mapped" not in rule))
    pam = "auth sufficient pam_unix.so\nauth required pam_sss.so\n"
    declared.run(
        HOST,
        f"set -e; cp -a {PG} /root/kept; {psql(ROLES)}; {written(HBA, rules + chr(10))}; "
        f"{written(f'{PG}/users.list', 'postgres, engineer')}; {written('/etc/pam.d/both', pam)}; "
        f"{written(f'{PG}/pg_ident.conf', IDENT)}; {RELOAD}",
    )
    for statement, _ in ACCOUNTS.values():
        declared.run(HOST, sql(statement))
    results: dict[str, ControlResult] = judged(declared)
    names = [
        "'hist'@'%'",
        "''@'localhost'",
        "'view'@'10.%'",
        "'plain'@'localhost'",
        "'root'@'%'",
        "'both'@'%'",
    ]
    declared.run(
        HOST,
        f"set -e; cp -a /root/kept/. {PG}/; rm -r /root/kept {PG}/users.list /etc/pam.d/both; {RELOAD}; "
        f"{psql(NO_ROLES)}; {sql('drop user ' + ', '.join(names))}",
    )
    return results


@pytest.mark.parametrize("check", [NOW, START], ids=["now", "start"])
@pytest.mark.parametrize("name", RULES)
def test_rule_past_the_directory(opened: dict[str, ControlResult], name: str, check: str) -> None:
    assert told(opened, check, RULES[name][1]), observed(opened, check)


@pytest.mark.parametrize("name", ACCOUNTS)
def test_account_past_the_directory(opened: dict[str, ControlResult], name: str) -> None:
    assert told(opened, MARIADB, ACCOUNTS[name][1]), observed(opened, MARIADB)


def test_role_with_a_password_of_its_own(opened: dict[str, ControlResult]) -> None:
    assert list(observed(opened, ROLE)) == ["historian (/var/run/postgresql/.s.PGSQL.5432)"]


def test_all_undone_passes_again(declared: Lab) -> None:
    assert not_passing(judged(declared)) == {VIRTUAL}


def test_rules_changed_but_not_reloaded(declared: Lab) -> None:
    with sabotaged(
        declared,
        f"cp -a {HBA} /root/hba; echo 'host all all all trust' >{HBA}",
        f"mv /root/hba {HBA}; {RELOAD}",
    ):
        assert not_passing(judged(declared)) >= {START}
    with sabotaged(
        declared, f"cp -a {HBA} /root/hba; echo '# more' >>{HBA}", f"mv /root/hba {HBA}; {RELOAD}"
    ):
        assert not_passing(judged(declared)) == {VIRTUAL, f"?{NOW}"}


def test_another_file_of_rules_from_the_next_start_on(declared: Lab) -> None:
    conf = f"{PG}/conf.d/x.conf"
    wrong = f"echo 'local all all trust' >/srv/open.conf; echo \"hba_file = '/srv/open.conf'\" >{conf}"
    with sabotaged(declared, wrong, f"rm {conf} /srv/open.conf"):
        results = judged(declared)
        assert not_passing(results) == {VIRTUAL, START}
        assert list(observed(results, START)) == ["local all all trust (/srv/open.conf:1)"]


def test_second_cluster_that_does_not_run(declared: Lab) -> None:
    with sabotaged(declared, "pg_createcluster 15 second >/dev/null", "pg_dropcluster 15 second"):
        results = judged(declared)
        assert not_passing(results) == {VIRTUAL, START, f"?{ROLE}"}
        assert told(results, START, "/etc/postgresql/15/second/pg_hba.conf:")


def test_server_that_does_not_answer_its_own_account(declared: Lab) -> None:
    with sabotaged(
        declared,
        f"cp -a {HBA} /root/hba; sed -i '1s/peer/reject/' {HBA}; {RELOAD}",
        f"mv /root/hba {HBA}; {RELOAD}",
    ):
        unsaid: dict[str, CheckResult] = checks(judged(declared), Verdict.UNKNOWN)
        assert {NOW, ROLE} <= set(unsaid)
        assert "let that account in by peer" in str(unsaid[NOW].reason)


def test_tables_of_accounts_are_skipped(declared: Lab) -> None:
    conf = "/etc/mysql/mariadb.conf.d/x.cnf"
    with sabotaged(declared, f"printf '[mysqld]\\nskip-grant-tables\\n' >{conf}", f"rm {conf}"):
        results = judged(declared)
        assert not_passing(results) == {VIRTUAL, OPEN}
        assert list(observed(results, OPEN)) == [f"skip-grant-tables ({conf}:2)"]


def test_reboot_keeps_it(declared: Lab) -> None:
    declared.reboot(HOST)
    assert not_passing(judged(declared)) == {VIRTUAL}

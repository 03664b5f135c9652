"""Database servers' probes: what real hosts printed, signs of servers, and what is cut or forged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from recorded_host import host_printing, recorded

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.database import MARIADB, MSSQL, POSTGRESQL, SERVERS, Database
from plumbline.probes.database.engines import declared_as, of_image, of_package, of_program
from plumbline.spec.site import ActiveDirectory
from plumbline.verify.unknown import Unknown

SERVERS_TEXT = recorded("database/servers-debian-12.txt")
POSTGRESQL_TEXT = recorded("database/postgresql-15.20-as-packaged.txt")
MARIADB_TEXT = recorded("database/mariadb-10.11.19-as-packaged.txt")
BOTH = ["PostgreSQL 15", "MariaDB"]
DIRECTORY = ActiveDirectory(domain="ad.ot.lab.test", controllers=["dc1.ad.ot.lab.test"])


def database(**texts: str) -> Database:
    given = {
        "servers": SERVERS_TEXT,
        "postgresql": POSTGRESQL_TEXT,
        "mariadb": MARIADB_TEXT,
        "mssql": "end\n",
    }
    named: dict[str, Probe[Any]] = {
        "servers": SERVERS,
        "postgresql": POSTGRESQL,
        "mariadb": MARIADB,
        "mssql": MSSQL,
    }
    answers: Mapping[Probe[Any], str] = {named[name]: text for name, text in {**given, **texts}.items()}
    return host_printing(answers).database


def test_both_servers_are_seen_by_each_sign() -> None:
    told = {str(found) for found in database().installed}
    assert {
        "PostgreSQL: package postgresql-15 15.20-0+deb12u1",
        "PostgreSQL: program /usr/lib/postgresql/15/bin/postgres",
        "PostgreSQL: listens on /var/run/postgresql/.s.PGSQL.5432",
        "MariaDB/MySQL: package mariadb-server 1:10.11.19-0+deb12u1",
        "MariaDB/MySQL: /usr/lib/systemd/system/mariadb.service:86 starts mariadbd",
    } <= told
    assert not any("libmariadb3" in sign or "postgresql-client" in sign for sign in told)
    assert database().undeclared(BOTH) == database().data_left(BOTH) == []
    assert {found.engine.name for found in database().undeclared(["PostgreSQL"])} == {"MariaDB/MySQL"}


def test_search_that_was_cut_is_unknown_unless_something_was_found() -> None:
    cut = SERVERS_TEXT.replace("end\n", "cut\t2\nend\n")
    with pytest.raises(Unknown, match="ended after 2 s"):
        database(servers=cut).undeclared(BOTH)
    assert database(servers=cut).undeclared([]) != []


@pytest.mark.parametrize("probe", [SERVERS, POSTGRESQL, MARIADB], ids=lambda probe: probe.name)
def test_cut_output_is_not_read(probe: Probe[Any]) -> None:
    text = {SERVERS: SERVERS_TEXT, POSTGRESQL: POSTGRESQL_TEXT, MARIADB: MARIADB_TEXT}[probe]
    with pytest.raises(ParseError):
        probe.parse(Output(text[: len(text) // 2].encode(), b"", 0))
    with pytest.raises(ParseError):
        probe.parse(Output(f"strange\n{text}".encode(), b"", 0))


@pytest.mark.parametrize(
    ("users", "engine"),
    [
        ('users:(("postgres",pid=7,fd=3))', "PostgreSQL"),
        ('users:(("pgbouncer",pid=7,fd=3))', None),
        ('users:(("historian",pid=7,fd=3))', "PostgreSQL"),
        ('users:(("docker-proxy",pid=7,fd=3))', "PostgreSQL"),
        ("", "PostgreSQL"),
    ],
)
def test_listener_on_a_known_port(users: str, engine: str | None) -> None:
    text = f"listen\tLISTEN 0 244 127.0.0.1:5432 0.0.0.0:* {users}\nend\n"
    found = [sign.engine.name for sign in database(servers=text).installed]
    assert found == ([engine] if engine else [])


@pytest.mark.parametrize(
    ("package", "engine"),
    [
        ("postgresql-15", "PostgreSQL"),
        ("postgresql", "PostgreSQL"),
        ("postgresql-16:amd64", "PostgreSQL"),
        ("postgresql-client-15", None),
        ("postgresql-common", None),
        ("mariadb-server-10.11", "MariaDB/MySQL"),
        ("mysql-server-8.0", "MariaDB/MySQL"),
        ("mysql-server-core-8.0", "MariaDB/MySQL"),
        ("mysql-common", None),
        ("libmariadb3", None),
        ("mssql-server", "Microsoft SQL Server"),
        ("mssql-tools18", None),
        ("redis-server", "Redis/Valkey"),
        ("redis-tools", None),
        ("firebird3.0-server", "Firebird"),
        ("firebird3.0-common", None),
        ("sqlite3", None),
        ("influxdb2", "InfluxDB"),
    ],
)
def test_packages(package: str, engine: str | None) -> None:
    found = of_package(package)
    assert (found.name if found else None) == engine


def test_names_of_programs_processes_and_images() -> None:
    assert of_program("/opt/x/bin/postgres") == of_program("postmaster")
    assert of_program("/usr/bin/psql") is None
    oracle, hana = of_program("ora_pmon_XE"), of_program("hdbindexserver"[:15])
    assert oracle is not None
    assert oracle.name == "Oracle Database"
    assert hana is not None
    for image, name in {
        "mcr.microsoft.com/mssql/server:2022-latest": "Microsoft SQL Server",
        "images.plant.test/library/postgres:15": "PostgreSQL",
        "registry.test/timescale/timescaledb@sha256:00": "PostgreSQL",
    }.items():
        engine = of_image(image)
        assert engine is not None
        assert engine.name == name
        assert declared_as(engine, [name])
    assert of_image("registry.test/vendor/hmi:1") is None


def test_sql_server_is_not_mysql() -> None:
    engine = of_program("mysqld")
    assert engine is not None
    assert not declared_as(engine, ["Microsoft SQL Server 2022"])
    assert declared_as(engine, ["MySQL 8"])


def test_packaged_rules_let_people_in_by_passwords() -> None:
    expected = [
        "host all all 127.0.0.1/32 scram-sha-256 (/etc/postgresql/15/main/pg_hba.conf:97)",
        "host all all ::1/128 scram-sha-256 (/etc/postgresql/15/main/pg_hba.conf:99)",
        "host replication all 127.0.0.1/32 scram-sha-256 (/etc/postgresql/15/main/pg_hba.conf:103)",
        "host replication all ::1/128 scram-sha-256 (/etc/postgresql/15/main/pg_hba.conf:104)",
    ]
    assert database().rules_now(DIRECTORY) == database().rules_at_start(DIRECTORY) == expected
    assert database().roles == []


def test_server_that_did_not_answer_is_unknown() -> None:
    lines = POSTGRESQL_TEXT.splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("answer\t"))
    silent = database(postgresql=f"error\t1\tFATAL: no pg_hba.conf entry\n{text}")
    expected = r"does not answer .*FATAL: no pg_hba\.conf entry; let that account"
    with pytest.raises(Unknown, match=expected):
        silent.rules_now(DIRECTORY)
    with pytest.raises(Unknown, match=expected):
        assert silent.roles
    unreached = database(postgresql="unreached\t/x/.s.PGSQL.5432\tit lies elsewhere\n" + text)
    with pytest.raises(Unknown, match="was not asked"):
        unreached.rules_now(DIRECTORY)


def account(**told: object) -> str:
    usual = {"user": "x", "host": "%", "plugin": "", "hash": False, "empty": False, "service": ""}
    row = {**usual, "others": "[]", "locked": False, "role": False, **told}
    return f"answer\t/run/mysqld/mysqld.sock\taccount\t{json.dumps(row)}\n"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"plugin": "gssapi"}, None),
        ({"plugin": "authentication_ldap_sasl"}, None),
        ({"plugin": "mysql_native_password", "hash": True}, "a password of the server's own"),
        ({"plugin": "caching_sha2_password", "hash": True, "locked": True}, None),
        ({"plugin": "", "hash": True, "role": True}, None),
        ({"plugin": "gssapi", "others": '["ed25519"]'}, "ed25519: a password"),
        ({"plugin": "mysql_native_password", "empty": True}, "no password at all"),
        ({"plugin": "auth_socket", "user": "operator"}, "operator is an account of this host"),
        ({"plugin": "auth_socket", "user": "someone"}, None),
        ({"plugin": "pam", "service": "mysql"}, "PAM's service other does not ask the directory"),
        ({"plugin": "mysql_native_password", "hash": True, "user": "root", "host": "localhost"}, None),
        ({"plugin": "mysql_native_password", "hash": True, "user": "root"}, "a password of the server's own"),
        ({"plugin": "mysql_native_password", "empty": True, "user": "root", "host": "::1"}, "no password"),
        ({"user": "", "plugin": "gssapi"}, "anybody, without a name"),
    ],
)
def test_accounts_of_mariadb(told: dict[str, object], words: str | None) -> None:
    found = database(mariadb=account(**told) + MARIADB_TEXT).mariadb_accounts
    assert len(found) == (1 if words else 0)
    assert words is None or words in found[0]


def test_mariadb_that_was_not_asked_is_unknown() -> None:
    lines = MARIADB_TEXT.splitlines(keepends=True)
    stopped = "".join(line for line in lines if not line.startswith(("answer\t", "server\t", "process\t")))
    with pytest.raises(Unknown, match="start it for the check"):
        assert database(mariadb=stopped).mariadb_accounts
    denied = "unreached\t/run/mysqld/mysqld.sock\tERROR 1045 (28000): Access denied\n"
    with pytest.raises(Unknown, match="let root in by unix_socket"):
        assert database(mariadb=denied + stopped).mariadb_accounts
    second = "process\t99\n" + MARIADB_TEXT
    with pytest.raises(Unknown, match="has no socket"):
        assert database(mariadb=second).mariadb_accounts


def test_sql_server_joined_or_not() -> None:
    conf = "/var/opt/mssql/mssql.conf"
    text = f"file\tfile\t{conf}\ntext\t{conf}\t1\t[network]\ntext\t{conf}\t2\tkerberoskeytabfile = /x\nend\n"
    assert database(mssql=text).sql_server.keytab == "/x"
    assert str(database().sql_server.keytab).startswith(f" ({conf}: no kerberoskeytabfile")

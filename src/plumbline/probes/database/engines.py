"""Database servers that are known here: what each is called as a package, process, program and directory."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Engine:
    """A database server: its name, and how it shows itself.

    `declared`: words of a declaration that mean it; `packages`: of whole package names, a regular expression;
    `programs`: names of its server programs (a process shows 15 characters of them); `markers`: files that
    only its data directory has; `ports` it listens on by default.
    """

    name: str
    declared: tuple[str, ...]
    packages: str
    programs: tuple[str, ...]
    markers: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


ENGINES = (
    Engine(
        "PostgreSQL",
        ("postgres", "timescale", "edb"),
        r"postgresql-?[\d.]*(-server)?|edb-as\d+-server",
        ("postgres", "postmaster", "edb-postgres"),
        ("PG_VERSION",),
        (5432,),
    ),
    Engine(
        "MariaDB/MySQL",
        ("mariadb", "mysql", "percona"),
        r"(mariadb|mysql|mysql-community|percona|percona-xtradb-cluster)-server(-core)?(-[\d.]+)?|mysql-cluster.*",
        ("mariadbd", "mysqld", "ndbd", "ndbmtd"),
        ("ibdata1", "aria_log_control"),
        (3306, 33060),
    ),
    Engine(
        "Microsoft SQL Server",
        ("sql server", "sqlserver", "mssql"),
        r"mssql-server(-\w+)?",
        ("sqlservr",),
        ("master.mdf",),
        (1433,),
    ),
    Engine(
        "Oracle Database",
        ("oracle",),
        r"oracle-(database|xe|free).*",
        ("tnslsnr", "oracle"),
        ("system01.dbf",),
        (1521,),
    ),
    Engine("IBM Db2", ("db2",), r"db2.*server.*", ("db2sysc", "db2wdog"), ("SQLDBCON",)),
    Engine(
        "MongoDB",
        ("mongo",),
        r"mongodb(-org)?(-server)?|mongodb-server-core|ferretdb",
        ("mongod", "mongos", "ferretdb"),
        ("WiredTiger",),
        (27017,),
    ),
    Engine(
        "Redis/Valkey",
        ("redis", "valkey", "keydb"),
        r"(redis|valkey|keydb)(-server)?",
        ("redis-server", "valkey-server", "keydb-server"),
        (),
        (6379,),
    ),
    Engine("InfluxDB", ("influx",), r"influxdb.*", ("influxd", "influxdb3"), ("influxd.bolt",), ()),
    Engine(
        "Firebird",
        ("firebird", "interbase"),
        r"firebird[\d.]*-server.*|firebird-(super|classic).*",
        ("firebird", "fbserver", "fb_inet_server", "fb_smp_server", "ibserver"),
        ("security2.fdb", "security3.fdb", "security4.fdb", "security5.fdb"),
        (3050,),
    ),
    Engine("ClickHouse", ("clickhouse",), r"clickhouse-(server|common-static)", ("clickhouse-server",)),
    Engine("CouchDB", ("couch",), r"couchdb", ("couchdb",)),
    Engine("Cassandra", ("cassandra", "scylla"), r"cassandra|scylla-server", ("cassandra", "scylla")),
    Engine("CockroachDB", ("cockroach",), r"cockroach(db)?", ("cockroach",)),
    Engine("TDengine", ("tdengine",), r"tdengine.*", ("taosd",)),
    Engine("QuestDB", ("questdb",), r"questdb", ("questdb",)),
    Engine("SAP HANA", ("hana",), r"hana.*", ("hdbindexserver", "hdbnameserver")),
    Engine("SAP ASE", ("sybase", " ase"), r"sybase.*", ()),
    Engine("Informix", ("informix",), r"informix.*", ("oninit",)),
)

HARMLESS_LISTENERS = frozenset(
    {"pgbouncer", "pgpool", "haproxy", "maxscale", "proxysql", "sshd", "ssh", "socat", "stunnel4", "nginx"}
)
"""What listens on a database's port and passes on to one elsewhere: a pooler, a proxy, a tunnel."""


def by_name(name: str) -> Engine:
    """Return the engine of that name."""
    return next(engine for engine in ENGINES if engine.name == name)


def of_package(package: str) -> Engine | None:
    """Return the engine a package brings."""
    bare = package.partition(":")[0]
    return next((engine for engine in ENGINES if re.fullmatch(engine.packages, bare)), None)


def of_program(program: str) -> Engine | None:
    """Return the engine of a program, by the path or by the name of a process, which may be cut."""
    name = posixpath.basename(program.removesuffix(" (deleted)"))
    for engine in ENGINES:
        if any(name in (own, own[:15]) for own in engine.programs):
            return engine
    # An instance of Oracle's names its processes itself: ora_pmon_XE.
    return by_name("Oracle Database") if re.match(r"(ora|db|xe)_pmon_", name) else None


def of_marker(path: str) -> Engine | None:
    """Return the engine whose data a file marks."""
    name = posixpath.basename(path)
    return next((engine for engine in ENGINES if name in engine.markers), None)


def of_port(port: int) -> Engine | None:
    """Return the engine that listens on a port by default."""
    return next((engine for engine in ENGINES if port in engine.ports), None)


def of_image(image: str) -> Engine | None:
    """Return the engine a container's image is named after."""
    name = image.rpartition("/")[2].partition("@")[0].partition(":")[0].lower()
    whole = image.lower()
    for engine in ENGINES:
        words = [word for word in engine.declared if len(word) > 3]
        if any(word in name for word in words) or (
            engine.name == "Microsoft SQL Server" and "mssql" in whole
        ):
            return engine
    return None


def declared_as(engine: Engine, names: Iterable[str]) -> bool:
    """Say whether one of the declared databases is this engine."""
    return any(word in f" {name.lower()}" for name in names for word in engine.declared)


def all_programs() -> list[str]:
    """Return the names of all server programs."""
    return [program for engine in ENGINES for program in engine.programs]


def all_markers() -> list[str]:
    """Return the names of files that mark a data directory."""
    return [marker for engine in ENGINES for marker in engine.markers]

"""Database servers: none but the declared, on an approved ground, with users of the directory."""

from plumbline.probes.database.engines import by_name, declared_as
from plumbline.verify import Unknown, control, not_applicable

NONE = "no database server is installed on this host"
NO_POSTGRESQL = "PostgreSQL is not installed on this host"
NO_MARIADB = "neither MariaDB nor MySQL is installed on this host"
NO_SQL_SERVER = "SQL Server is not installed on this host"


def _declared(spec):
    return [each.database for each in spec.software if each.database]


def _grounds(spec, engine):
    """Return on which grounds the specification places an engine on this host."""
    return [
        each.database_here.reason
        for each in spec.software
        if each.database and each.database_here and declared_as(engine, [each.database])
    ]


@control("database-as-declared")
def test_no_undeclared_server(host, spec):
    """No database server is installed, runs or listens but those the specification declares."""
    assert host.database.undeclared(_declared(spec)) == []


@control("database-as-declared")
def test_no_data_without_a_server(host, spec):
    """No data of a database server lies on the host without a server that is declared."""
    assert host.database.data_left(_declared(spec)) == []


@control("database-placement-justified")
def test_server_is_here_on_a_ground(host, spec, site):
    """Every database server that is not the operator's own has a declared and approved ground to be here."""
    _there(host)
    named = {spec.name.lower(), str(spec.address)}
    if any(
        server.lower() in named or server.lower().startswith(f"{spec.name}.")
        for server in site.database_servers
    ):
        not_applicable("the operator names this host as a database server")
    assert [each for each in host.database.installed if not _grounds(spec, each.engine)] == []


@control("database-placement-justified")
def test_application_shares_the_host_by_its_maker_s_condition(host, spec, accepts):
    """No application shares the host with a database server, unless its maker makes that a condition."""
    _there(host)
    applications = [each.name for each in spec.software if not each.database]
    if not applications:
        not_applicable("the specification declares no application on this host but the database")
    allowed = accepts("beside_application")
    found = host.database.installed
    assert [each for each in found if not any(g in allowed for g in _grounds(spec, each.engine))] == []


@control("database-server-system")
def test_server_is_virtual(host, spec):
    """The database server is a virtual machine, or the specification says why it cannot be one."""
    _there(host)
    if not spec.virtual:
        not_applicable("the specification says why this server is physical")
    if host.system.is_container:
        raise Unknown(
            "the host is a container, and what carries it is not seen: {kind}",
            kind=host.system.virtualization,
        )
    assert host.system.virtualization not in ("none", "unknown")


@control("database-server-system")
def test_server_has_no_desktop(host, spec):
    """The database server has no desktop, unless the specification declares one."""
    _there(host)
    if spec.desktop:
        not_applicable("the specification declares a desktop on this host")
    assert host.database.desktops == []


@control("database-users-in-directory")
def test_postgresql_rules_in_force(host, site):
    """The rules PostgreSQL has in force let nobody in on another word than the directory's.

    But for the account the installation made, which the operating system vouches for.
    """
    if not host.database.has("PostgreSQL"):
        not_applicable(NO_POSTGRESQL)
    if not host.database.postgresql.running and not host.database.postgresql.unreached:
        not_applicable("PostgreSQL does not run on this host")
    assert host.database.rules_now(site.active_directory) == []


@control("database-users-in-directory")
def test_postgresql_rules_after_a_restart(host, site):
    """The rules PostgreSQL will have when it starts again let nobody in but by the directory's word."""
    if not host.database.has("PostgreSQL"):
        not_applicable(NO_POSTGRESQL)
    assert host.database.rules_at_start(site.active_directory) == []


@control("database-users-in-directory")
def test_postgresql_keeps_no_passwords(host):
    """PostgreSQL keeps no password of a role that logs in, but for the installation's own."""
    if not host.database.has("PostgreSQL"):
        not_applicable(NO_POSTGRESQL)
    assert host.database.roles == []


@control("database-users-in-directory")
def test_mariadb_accounts(host):
    """Accounts of MariaDB and MySQL are authenticated by the directory, but for the installation's own."""
    if not host.database.has("MariaDB/MySQL"):
        not_applicable(NO_MARIADB)
    assert host.database.mariadb_accounts == []


@control("database-users-in-directory")
def test_mariadb_asks_who_it_is(host):
    """MariaDB and MySQL ask everybody who he is: nothing skips their tables of accounts."""
    if not host.database.has("MariaDB/MySQL"):
        not_applicable(NO_MARIADB)
    assert host.database.mariadb_open == []


@control("database-users-in-directory")
def test_sql_server_is_joined(host):
    """SQL Server is joined to the directory, and has no logins of its own."""
    if not host.database.has(by_name("Microsoft SQL Server").name):
        not_applicable(NO_SQL_SERVER)
    assert host.database.sql_server.keytab != ""
    raise Unknown(
        "SQL Server's logins are not seen without a password: have its administrator show that of type S in "
        "sys.server_principals none but sa is enabled"
    )


@control("database-users-in-directory")
def test_other_servers_are_known(host):
    """Every database server of the host is one whose users are looked at."""
    _there(host)
    if host.database.unjudged:
        raise Unknown(
            "how {engines} authenticates users is not seen here; have its administrator show it",
            engines=", ".join(host.database.unjudged),
        )
    if host.database.contained:
        raise Unknown(
            "a database server in a container is not asked: {sign}", sign=str(host.database.contained[0])
        )


@control("no-database-on-client")
def test_no_server_on_a_client(host, spec, accepts):
    """No database server is on the client, but an approved part of its application."""
    grounds = accepts("grounds")
    approved = [
        each.database
        for each in spec.software
        if each.database and each.database_here and each.database_here.reason in grounds
    ]
    assert host.database.undeclared(approved) == []


@control("no-database-on-client")
def test_no_data_on_a_client(host, spec):
    """No data of a database server lies on the client without a server that is declared."""
    assert host.database.data_left(_declared(spec)) == []


def _there(host):
    if not host.database.installed:
        not_applicable(NONE)

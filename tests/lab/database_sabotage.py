"""Ways database servers get onto a host and their users past the directory, each with what is then told."""

from __future__ import annotations

from collections.abc import Mapping

PG = "/etc/postgresql/15/main"
HBA = f"{PG}/pg_hba.conf"

Sign = tuple[str, str, str]
"""What makes the host wrong, what undoes it, words of the sign that is told."""

SLEEP = "[Service]\\nExecStart={}\\n"


def unit(name: str, command: str) -> tuple[str, str]:
    """Write a unit and leave it disabled and stopped."""
    path = f"/etc/systemd/system/{name}.service"
    return f"printf '{SLEEP.format(command)}' >{path}", f"rm {path}"


SIGNS: dict[str, Sign] = {
    "program_below_opt": (
        "mkdir -p /opt/vendor/hist/2.1/bin; cp /usr/bin/true /opt/vendor/hist/2.1/bin/mongod",
        "rm -r /opt/vendor",
        "MongoDB: program /opt/vendor/hist/2.1/bin/mongod",
    ),
    "program_on_a_data_partition": (
        "mkdir -p /srv/x/bin; cp /usr/bin/true /srv/x/bin/influxd",
        "rm -r /srv/x",
        "InfluxDB: program /srv/x/bin/influxd",
    ),
    "unit_that_is_disabled": (
        *unit("historian", "/data/hist/bin/fbserver -p 3050"),
        "Firebird: /etc/systemd/system/historian.service:2 starts fbserver",
    ),
    "process_of_a_program_that_is_gone": (
        "cp /usr/bin/sleep /run/redis-server; systemd-run -q --unit=x-redis /run/redis-server infinity; "
        "until pgrep -x redis-server >/dev/null; do sleep 0.05; done; rm /run/redis-server",
        "systemctl stop x-redis",
        "runs /run/redis-server (deleted)",
    ),
    "other_program_on_a_known_port": (
        "systemd-run -q --unit=x-port /usr/bin/python3 -c "
        "\"import socket,time; s=socket.create_server(('0.0.0.0', 1433)); time.sleep(9999)\"; "
        "until ss -Hltn | grep -q :1433; do sleep 0.05; done",
        "systemctl stop x-port",
        "Microsoft SQL Server: listens on 0.0.0.0:1433 (python3, process",
    ),
    "stopped_container_of_docker": (
        "mkdir -p /var/lib/docker/containers/abc; "
        'printf \'{"Config":{"Image":"registry.test/base/clickhouse-server:24"}}\' '
        ">/var/lib/docker/containers/abc/config.v2.json",
        "rm -r /var/lib/docker",
        "ClickHouse: container registry.test/base/clickhouse-server",
    ),
    "program_in_a_machine_s_root": (
        "mkdir -p /var/lib/machines/old/opt/mssql/bin; "
        "cp /usr/bin/true /var/lib/machines/old/opt/mssql/bin/sqlservr",
        "rm -r /var/lib/machines/old",
        "Microsoft SQL Server: program /var/lib/machines/old/opt/mssql/bin/sqlservr",
    ),
}
DATA: Sign = (
    "mkdir -p /srv/old/data; touch /srv/old/data/WiredTiger /srv/old/data/security4.fdb",
    "rm -r /srv/old",
    "Firebird: data /srv/old/data/security4.fdb",
)

RIGHT_HBA = """\
local all postgres peer
hostssl all all 10.0.0.0/8 gss include_realm=0 krb_realm=AD.OT.LAB.TEST
hostssl all all 192.168.0.0/16 ldap ldapserver=dc1.ad.ot.lab.test ldaptls=1 ldapsuffix="@ad.ot.lab.test"
hostssl all all 172.16.0.0/12 ldap ldapurl="ldaps://dc2.ad.ot.lab.test/dc=ad?uid" ldapbindpasswd=hunter2
hostssl all all 172.32.0.0/16 pam pamservice=history
hostssl replication standby 10.1.1.1/32 gss
hostssl all all 10.9.9.9/32 md5
host all all all reject
host all all 0.0.0.0/0 trust
"""
"""Rules that ask the directory; the md5 and the trust come after rules that have answered all of theirs."""
PAM = "auth required pam_sss.so\naccount required pam_sss.so\n"

RULES: Mapping[str, tuple[str, str]] = {
    "trust_over_the_socket": ("local all postgres trust", "local all postgres trust"),
    "password_kept_by_the_server": (
        "hostssl history all 10.0.0.0/8 scram-sha-256", "10.0.0.0/8 scram-sha-256",
    ),
    "spelled_otherwise": (
        '"hostssl"\t"history",other  all  10.0.0.0  255.0.0.0 md5', "history,other all 10.0.0.0/8 md5",
    ),
    "one_user_only": ("hostssl all historian 10.2.0.0/16 password", "historian 10.2.0.0/16 password"),
    "a_list_of_users": ("hostssl all @users.list 10.3.0.0/16 md5", "postgres,engineer 10.3.0.0/16 md5"),
    "a_group": ("hostssl all +staff 10.4.0.0/16 md5", "+staff 10.4.0.0/16 md5"),
    "replication_with_a_password": ("hostssl replication standby 10.5.0.0/16 md5", "replication standby"),
    "directory_without_encryption": (
        "host all all 10.6.0.0/16 ldap ldapserver=dc1.ad.ot.lab.test ldapsuffix=@x",
        "passwords cross the network in the clear",
    ),
    "another_directory": (
        "host all all 10.7.0.0/16 ldap ldapserver=ldap.elsewhere.test ldaptls=1 ldapsuffix=@x",
        "ldap.elsewhere.test is no domain controller",
    ),
    "another_realm": (
        "hostssl all all 10.8.0.0/16 gss krb_realm=ELSEWHERE.TEST", "the realm is not the directory's",
    ),
    "pam_without_the_directory": (
        "host all all 10.9.0.0/16 pam", "PAM's service other does not ask the directory",
    ),
    "pam_with_local_passwords_too": (
        "host all all 10.10.0.0/16 pam pamservice=both", "PAM's service both asks pam_unix.so too",
    ),
    "another_machine_s_word": ("host all all 10.11.0.0/16 ident", "whoever runs the other machine"),
    "account_of_the_host": ("local all all peer", "plain is an account of this host"),
    "account_of_the_host_by_a_map": (
        "local mapped all peer map=ops", "the map ops lets operator, plain of this host in as historian",
    ),
    "certificates": ("hostssl all all 10.12.0.0/16 cert", "10.12.0.0/16 cert"),
}  # fmt: skip
"""A rule, and words of what is told of it; `local mapped` stands before `local all` where it counts."""

ROLES = "create role plain login; create role historian login password 'hunter2'; create role engineer"
NO_ROLES = "drop role plain, historian, engineer"

ACCOUNTS: Mapping[str, tuple[str, str]] = {
    "password_kept_by_the_server": (
        "create user 'hist'@'%' identified by 'hunter2'", "'hist'@'%': mysql_native_password: a password",
    ),
    "anybody_without_a_name": ("create user ''@'localhost'", "''@'localhost': anybody"),
    "no_password": ("create user 'view'@'10.%'", "'view'@'10.%': mysql_native_password: no password at all"),
    "account_of_the_host": (
        "create user 'plain'@'localhost' identified via unix_socket",
        "'plain'@'localhost': unix_socket: plain is an account of this host",
    ),
    "root_from_elsewhere": (
        "create user 'root'@'%' identified by 'hunter2'", "'root'@'%': mysql_native_password: a password",
    ),
    "second_way_in_beside_the_directory": (
        "create user 'both'@'%' identified via pam using 'history' or mysql_native_password using "
        "password('hunter2')",
        "'both'@'%': mysql_native_password: a password",
    ),
}  # fmt: skip
RIGHT_ACCOUNTS = (
    "install soname 'auth_pam'",
    "create user 'ad'@'%' identified via pam using 'history'",
    "create user 'someone'@'localhost' identified via unix_socket",
    "create user 'old'@'%' identified by 'hunter2' account lock",
    "create role readers",
)

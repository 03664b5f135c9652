"""Database servers, and who authenticates their users."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from plumbline.probes.database import access
from plumbline.probes.database.access import Surroundings
from plumbline.probes.database.engines import by_name, declared_as
from plumbline.probes.database.hba import UnreadableError
from plumbline.probes.database.mariadb import MARIADB, MariaFacts, services
from plumbline.probes.database.mssql import MSSQL, SqlServer
from plumbline.probes.database.postgresql import POSTGRESQL, PostgresFacts, Running, rules_at_start
from plumbline.probes.database.servers import SERVERS, Found, ServerFacts
from plumbline.probes.session import DESKTOP
from plumbline.probes.subject import Subject
from plumbline.probes.system import SYSTEM
from plumbline.spec.site import ActiveDirectory
from plumbline.verify.unknown import Unknown

__all__ = ["DESKTOP", "MARIADB", "MSSQL", "POSTGRESQL", "SERVERS", "SYSTEM", "Database"]

_JUDGED = ("PostgreSQL", "MariaDB/MySQL", "Microsoft SQL Server")


class Database(Subject):
    """Database servers, and who authenticates their users."""

    @property
    def _servers(self) -> ServerFacts:
        return self.read(SERVERS)

    @property
    def installed(self) -> list[Found]:
        """What shows database servers on the host, whether they run or not."""
        return self._servers.installed

    def _whole(self) -> None:
        """Raise `Unknown` where the search for programs and data was cut short."""
        if self._servers.cut is not None:
            raise Unknown(
                "the search for database servers was ended after {seconds} s; look below /opt and the data "
                "partitions by hand",
                seconds=self._servers.cut,
            )

    def undeclared(self, declared: Sequence[str]) -> list[Found]:
        """Return the signs of servers that are none of the declared databases."""
        found = [each for each in self.installed if not declared_as(each.engine, declared)]
        if not found:
            self._whole()
        return found

    def data_left(self, declared: Sequence[str]) -> list[Found]:
        """Return data of servers that are neither installed nor declared."""
        engines = self._servers.engines
        found = [
            each
            for each in self._servers.found
            if each.data and each.engine not in engines and not declared_as(each.engine, declared)
        ]
        if not found:
            self._whole()
        return found

    @property
    def unjudged(self) -> list[str]:
        """Names of installed servers whose users are not looked at here, those in containers among them."""
        others = [each.engine.name for each in self.installed if each.engine.name not in _JUDGED]
        return list(dict.fromkeys(others))

    @property
    def contained(self) -> list[Found]:
        """Signs of servers in containers, which are not asked."""
        return [each for each in self.installed if each.contained]

    @property
    def desktops(self) -> list[str]:
        """What makes the host a place to work at: sessions of desktops, and their programs."""
        desktop = self.read(DESKTOP)
        return [*desktop.sessions, *sorted(desktop.programs)] if desktop.installed else []

    # --- PostgreSQL

    @property
    def postgresql(self) -> PostgresFacts:
        """Clusters of PostgreSQL, running servers, rules and roles."""
        return self.read(POSTGRESQL)

    def has(self, name: str) -> bool:
        """Whether a server of that engine is installed or runs."""
        return by_name(name) in self._servers.engines

    def _around(self, directory: ActiveDirectory | None, running: Running | None) -> Surroundings:
        facts = self.postgresql
        return Surroundings(
            directory,
            facts.local,
            facts.pam,
            running.roles if running else None,
            running.maps if running else None,
        )

    def _answering(self) -> list[Running]:
        """Return the servers that run; `Unknown` for one that did not answer."""
        facts = self.postgresql
        for told in facts.unreached:
            raise Unknown("PostgreSQL at {server} was not asked", server=told)
        for each in facts.running:
            if each.problem:
                raise Unknown(
                    "PostgreSQL at {socket} does not answer the account it runs as: {problem}; let that "
                    "account in by peer",
                    socket=each.socket,
                    problem=each.problem[:200],
                )
        return facts.running

    def rules_now(self, directory: ActiveDirectory | None) -> list[str]:
        """Return the rules in force that let somebody in on another word than the directory's."""
        found: list[str] = []
        for each in self._answering():
            found += each.errors
            found += access.past_the_directory(each.rules, self._around(directory, each))
            if not found and (late := self._changed_since(each)):
                raise Unknown(
                    "{file} was changed after PostgreSQL read it: which rules are in force is not seen; "
                    "reload it",
                    file=late,
                )
        return found

    def _changed_since(self, running: Running) -> str:
        loaded = float((running.facts or {}).get("loaded", 0))
        places = {posixpath.dirname(rule.where) for rule in running.rules}
        changed = sorted(self.postgresql.changed.items())
        late = [file for file, at in changed if at > loaded and posixpath.dirname(file) in places]
        return late[0] if late else ""

    def rules_at_start(self, directory: ActiveDirectory | None) -> list[str]:
        """Return the rules of every cluster, when it starts again, that are not the directory's word."""
        facts = self.postgresql
        found: list[str] = []
        for cluster in facts.whole_clusters:
            running = next((each for each in facts.running if facts.data_of(cluster) == each.data), None)
            around = self._around(directory, running if running and not running.problem else None)
            try:
                found += access.past_the_directory(rules_at_start(facts, cluster), around)
            except UnreadableError as error:
                raise Unknown(
                    "the rules of {cluster} cannot be read: {error}", cluster=cluster, error=error
                ) from error
        return found

    @property
    def roles(self) -> list[str]:
        """Roles beside the built-in whose password PostgreSQL keeps itself."""
        answering = self._answering()
        found = [
            f"{role.name} ({each.socket})"
            for each in answering
            for role in each.roles
            if role.password and not role.built_in
        ]
        facts = self.postgresql
        silent = [
            cluster
            for cluster in facts.whole_clusters
            if not any(facts.data_of(cluster) == each.data for each in answering)
        ]
        if silent and not found:
            raise Unknown(
                "PostgreSQL's cluster {cluster} does not run: its roles are not seen; start it, or remove it",
                cluster=", ".join(silent),
            )
        return found

    # --- MariaDB and MySQL

    @property
    def _mariadb(self) -> MariaFacts:
        return self.read(MARIADB)

    @property
    def mariadb_accounts(self) -> list[str]:
        """Accounts of MariaDB or MySQL that log in on another word than the directory's."""
        facts = self._mariadb
        pam = {name: access.pam_without_directory(name, facts.pam) for name in services(facts)}
        found = facts.past_the_directory(pam)
        if found:
            return found
        for told in facts.unreached:
            raise Unknown(
                "MariaDB or MySQL at {server}: its accounts are not seen; let root in by unix_socket",
                server=told[:200],
            )
        if not facts.servers or len(facts.processes) != len(facts.servers):
            raise Unknown("MariaDB or MySQL does not run or has no socket: start it for the check")
        return found

    @property
    def mariadb_open(self) -> list[str]:
        """What makes MariaDB or MySQL ask nobody who he is, now or when it starts."""
        return [*self._mariadb.open_now, *self._mariadb.open_at_start]

    # --- Microsoft SQL Server

    @property
    def sql_server(self) -> SqlServer:
        """SQL Server's configuration."""
        return self.read(MSSQL)

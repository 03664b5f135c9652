"""SQL Server on Linux: whether it is joined to a directory (mssql.conf).

Its logins cannot be asked for without a password, so whether there are local ones is not seen here.
"""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.files import FIELDS, print_files, read_files
from plumbline.probes.ini import sections
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Seen

_FILE = "/var/opt/mssql/mssql.conf"
_HIDDEN = '/[Pp]assword/ { sub(/=.*/, "=") }'


@dataclass(frozen=True)
class SqlServer:
    """The keytab the server takes users' tickets with; empty where it has none."""

    keytab: Seen


def _mssql(output: Output) -> SqlServer:
    files = read_files(Rows(output, FIELDS))
    found = Seen("", f"{_FILE}: no kerberoskeytabfile in [network]")
    for file in files.values():
        for section in sections(file):
            for entry in section.entries:
                if section.name.lower() == "network" and entry.key.lower() == "kerberoskeytabfile":
                    found = Seen(entry.value, entry.where)
    return SqlServer(found)


MSSQL = Probe("database.mssql", print_files([_FILE], _HIDDEN) + PRINT_END, _mssql)

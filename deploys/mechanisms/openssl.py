"""OpenSSL's own configuration file, which belongs to its package: one line at its end takes ours in."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.mechanisms.files import WholeFile
from plumbline.apply.telling import tell, tell_touches

Commands = Generator[StringCommand, None, None]

FILE = "/etc/ssl/openssl.cnf"


@operation()
def _takes_in(path: str, brought: bool) -> Commands:
    line = f".include {path}"
    there = host.get_fact(WholeFile, path=FILE)
    said = there.content.decode(errors="replace").splitlines()
    if line in [text.strip() for text in said]:
        host.noop(f"{FILE} takes in {path}")
        return
    if there.kind != "file" and not brought:
        host.noop(f"there is no {FILE}")
        return
    tell(f"its last line becomes: {line}")
    tell_touches(paths=[FILE])
    # Sections that come again are added to; of a key given twice the later counts (config(5ssl)).
    yield StringCommand(
        f"t=$(mktemp {FILE}.XXXXXX) && cp -p {FILE} $t && printf '\\n%s\\n' {shlex.quote(line)} >>$t && "
        f"OPENSSL_CONF=$t openssl ciphers -s -tls1_2 >/dev/null && sync $t && mv -fT $t {FILE} || "
        "{ rm -f $t; exit 1; }"
    )


def openssl_takes_in(path: str, *, brought_by: OperationMeta) -> OperationMeta:
    """Let OpenSSL's configuration take in a file of ours; it stays as it is if OpenSSL would refuse it then.

    `brought_by`: the operation that may install the package the configuration comes with.
    """
    return _takes_in(path=path, brought=brought_by.will_change, name=f"Let {FILE} take in {path}")

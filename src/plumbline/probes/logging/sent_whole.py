"""What an action that sends entries away takes from them: fields that a template leaves out, and TLS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from plumbline.probes.logging.rainerscript import Statement

_FIELDS = {
    "time": r"timestamp|timereported|timegenerated|\$(year|now)",
    "source": r"hostname|fromhost|source",
    "severity": r"\bpri\b|pri-text|syslogpriority|syslogseverity",
    "message": r"\bmsg\b",
}
"""What an entry must keep, by properties of rsyslog's that hold it (property replacer)."""

_EVERYTHING = r"rawmsg(?!-after)|jsonmesg|all-json"
_KINDS = ("string", "list")
"""Kinds of templates whose text says what is sent; a plugin or a subtree is made by others."""

_TLS = ("tls.tlscfgcmd", "tls.prioritystring", "gnutlsprioritystring")
_WEAK = re.compile(
    r"(min|max)protocol\s*=\s*(none|ssl\w*|tlsv1(\.1)?(?![\w.]|\\\.))"
    r"|(?<![\w.])protocol\s*=[^\\;]*(?<![-\w])(all|ssl\w*|tlsv1(\.1)?)(?![\w.])"
    r"|@seclevel=[01]\b"
    r"|(?<![-!\w])(a?null|enull|adh|aecdh|export|low|rc4|md5)(?![\w])"
    r"|\+(vers-(ssl3\.0|tls1\.[01]|tls-all|all)|null|anon-\w+|arcfour[\w-]*|3des[\w-]*|md5)"
    r"|^legacy\b",
    re.IGNORECASE,
)
"""Words to OpenSSL (SSL_CONF_cmd(3)) and to GnuTLS by which old versions or weak ciphers are taken."""


def left_out(statements: Iterable[Statement], action: Statement) -> Iterator[str]:
    """Yield what the action's own template leaves out of every entry; templates of rsyslog's are whole."""
    name = " ".join(action.values.get("template", []))
    for one in statements:
        text = _text(one, name)
        if text is None or re.search(_EVERYTHING, text, re.IGNORECASE):
            continue
        lacks = [field for field, held in _FIELDS.items() if not re.search(held, text, re.IGNORECASE)]
        if lacks:
            yield f"template {name} leaves out: {', '.join(lacks)} ({one.where})"


def _text(one: Statement, name: str) -> str | None:
    """Return what a template of this name says is sent; None for another, or one whose text says nothing."""
    if one.kind == "$template":
        own, comma, text = " ".join(one.values["value"]).partition(",")
        return text if comma and own.strip() == name else None
    if one.kind != "template" or " ".join(one.values.get("name", [])) != name or one.type not in _KINDS:
        return None
    return " ".join([*one.values.get("string", []), *one.values.get("body", [])])


def weak_tls(action: Statement) -> Iterator[str]:
    """Yield the words by which TLS of the action is told to take what is out of date."""
    for name in _TLS:
        text = " ".join(action.values.get(name, [])).replace("\\n", "\n")
        for found in _WEAK.finditer(text):
            yield f"{name}: {found[0].strip()} ({action.where})"

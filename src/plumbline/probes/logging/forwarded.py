"""Whether everything gets to the site's collector: what rsyslog's configuration and service lack for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plumbline.probes.logging.forwarding import Forwarding, certificates
from plumbline.probes.logging.rainerscript import DEFAULT, Statement
from plumbline.probes.logging.sent_whole import left_out, weak_tls
from plumbline.spec.site import LogCollector
from plumbline.verify.seen import Reading

SYSTEM_ISSUERS = "/etc/ssl/certs/ca-certificates.crt"

_REMOTE = {"omfwd", "omrelp", "omudpspoof", "omgssapi", "omhttp", "omelasticsearch", "omkafka", "omsnmp"}
_REMOTE |= {"omhiredis", "ommongodb", "omrabbitmq", "omamqp1", "omczmq", "omazureeventhubs", "omclickhouse"}
_MEMORY = ("tmpfs", "ramfs", "zram")
_NO_JOURNAL_TWICE = 'if not ($inputname == "imuxsock" or $inputname == "imklog")'
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}

# What a forwarding action may say beside what is judged: it neither drops, delays nor alters entries.
_OF_NO_MATTER = re.compile(
    r"type|name|target|port|protocol|template|tcp_framing|keepalive.*|tls|tls\.(tlscfgcmd|compression)|timeout"
    r"|conn\.timeout|windowsize|rebindinterval|ziplevel|compression\.mode|networknamespace|device|localclientip"
    r"|resendlastmsgonreconnect|gnutlsprioritystring|streamdriver\.(keyfile|certfile|crlfile|tlsverifydepth"
    r"|prioritizesan|checkextendedkeypurpose)|action\.(resume(interval|intervalmax)|reportsuspension.*|copymsg)"
    r"|action\.errorfile.*|queue\.(size|highwatermark|lowwatermark|fulldelaymark|lightdelaymark|maxfilesize"
    r"|checkpointinterval|syncqueuefiles|worker.*|timeout.*|dequeuebatchsize|mindequeuebatchsize.*|cry.*)"
)
_JUDGED = re.compile(
    r"tls\.\w+|streamdriver\w*(\.\w+)?|queue\.(type|filename|spooldirectory|maxdiskspace|saveonshutdown)"
    r"|action\.resumeretrycount"
)
_DROPPING = {
    "$repeatedmsgreduction": "on",
    "$defaultruleset": None,
    "$ruleset": None,
    "$mainmsgqueuediscardmark": None,
    "$mainmsgqueuediscardseverity": None,
    "$imjournalratelimitinterval": None,
}
"""Directives by which messages are dropped, merged, or go elsewhere; where a value is given, by that one."""


@dataclass(frozen=True)
class Way:
    """The action that sends to the collector, with all it takes from global settings."""

    action: Statement
    forwarding: Forwarding

    def value(self, *names: str) -> str:
        """Return the first of some parameters that is set, else of the global ones, in small letters."""
        for name in names:
            if self.action.value(name):
                return self.action.value(name)
        return next((found for name in names if (found := _global(self.forwarding, name))), "")

    def path(self, *names: str) -> str:
        """Return such a parameter as it is written."""
        for name in names:
            if given := self.action.values.get(name):
                return given[0]
        return next((found for name in names if (found := _global(self.forwarding, name, bare=True))), "")

    def wrong(self, name: str, wanted: str, *more: str) -> Iterator[str]:
        """Yield what is told of a parameter that is not as wanted."""
        if (found := self.value(name, *more)) != wanted:
            yield f"{name} = {found or '—'}, {wanted} is wanted ({self.action.where})"


def others(forwarding: Forwarding, collector: LogCollector) -> list[str]:
    """Return the actions that send messages to another than the collector."""
    found = [_told(action) for action in _remote(forwarding) if not _is_to(action, collector)]
    # journald sends by itself since systemd 256; of several lines the last counts, an empty one is none.
    by_journald = [line for line in forwarding.journald if "ForwardToSocket" in line][-1:]
    return found + [line for line in by_journald if line.rpartition("=")[2].strip()]


def missing(forwarding: Forwarding, collector: LogCollector) -> list[str]:
    """Return why messages do not get to the collector by the configuration: no action, or not for all."""
    if not forwarding.is_installed:
        return ["rsyslog is not installed"]
    ways = [action for action in _remote(forwarding) if _is_to(action, collector)]
    if not ways:
        return [f"nothing is sent to {collector.host}:{collector.port} by {collector.protocol}"]
    if len(ways) > 1:
        return [f"sent more than once: {_told(action)}" for action in ways]
    lacks = [*_barred(forwarding, ways[0]), *_dropped(forwarding), *_unfed(forwarding, ways[0])]
    return lacks + list(left_out(forwarding.statements, ways[0]))


def untrusted(forwarding: Forwarding, collector: LogCollector) -> list[str]:
    """Return what of TLS is off: encryption, the collector's name, who issued its certificate."""
    return _of_way(forwarding, collector, lambda way: [*_tls(way, collector), *_issuers(way, collector)])


def unqueued(forwarding: Forwarding, collector: LogCollector) -> list[str]:
    """Return by what messages are lost while the collector is away."""
    return _of_way(forwarding, collector, lambda way: list(_queue(way)))


def queue_sizes(forwarding: Forwarding, collector: LogCollector) -> list[Reading]:
    """Return how many MiB may wait; none where there is no limit, or no queue on disk."""
    found = []
    for action in _remote(forwarding):
        said = action.value("queue.maxdiskspace")
        if _is_to(action, collector) and said:
            told = re.fullmatch(r"([\d_]+)([kmgt]?)", said)
            mib = int(told[1].replace("_", "")) * _UNITS[told[2]] // 2**20 if told else said
            found.append(Reading("queue.maxDiskSpace", mib, action.where))
    return found


def _remote(forwarding: Forwarding) -> list[Statement]:
    return [one for one in forwarding.statements if one.kind == "action" and one.type in _REMOTE]


def _told(action: Statement) -> str:
    server = action.value("target") or action.value("server")
    port = action.value("port") or action.value("serverport")
    return f"{action.type} {server}{f':{port}' if port else ''} ({action.where})"


def _is_to(action: Statement, collector: LogCollector) -> bool:
    kind = "omrelp" if collector.protocol == "relp-tls" else "omfwd"
    target = action.value("target").rstrip(".")
    return action.type == kind and (target, action.value("port")) == (
        collector.host.lower().rstrip("."),
        str(collector.port),
    )


def _barred(forwarding: Forwarding, action: Statement) -> Iterator[str]:
    """Yield filters around the action, and what discards messages before it."""
    found = forwarding.statements
    yield from (f"{condition}: not all are sent ({action.where})" for condition in action.conditions)
    yield from (_discard(one) for one in _discards_before(found, action))
    if action.ruleset == DEFAULT:
        return
    calls = [
        one
        for one in found
        if one.kind == "call" and one.value("name") == action.ruleset.lower() and one.ruleset == DEFAULT
    ]
    if not calls:
        yield f"nothing calls the ruleset {action.ruleset} ({action.where})"
        return
    call = calls[0]
    allowed = (_NO_JOURNAL_TWICE,) if _reads_journal(forwarding) else ()
    if call.conditions != allowed:
        yield from (
            f"{one}: not all are sent ({call.where})" for one in call.conditions if one not in allowed
        )
    yield from (_discard(one) for one in _discards_before(found, call))


def _discards_before(found: list[Statement], here: Statement) -> Iterator[Statement]:
    for one in found[: found.index(here)]:
        dropping = one.kind == "stop" or (one.kind == "action" and one.type == "omdiscard")
        if dropping and one.ruleset == here.ruleset:
            yield one
        if one.kind == "call_indirect" and one.ruleset == here.ruleset:
            yield one


def _discard(one: Statement) -> str:
    return f"{' '.join((*one.conditions, 'discarded before they are sent'))} ({one.where})"


def _dropped(forwarding: Forwarding) -> Iterator[str]:
    """Yield settings by which messages are dropped, merged, or not put where the action is."""
    for one in forwarding.statements:
        value = one.value("value")
        is_default = one.kind in ("$defaultruleset", "$ruleset") and value == DEFAULT.lower()
        if one.kind in _DROPPING and _DROPPING[one.kind] in (None, value) and not is_default:
            yield f"{one.kind} {value} ({one.where})"
        if one.kind == "main_queue" or (one.kind == "ruleset" and one.values.get("queue.type")):
            for name in ("queue.discardmark", "queue.discardseverity", "queue.samplinginterval"):
                if one.value(name):
                    yield f"{name} = {one.value(name)} ({one.where})"


def _reads_journal(forwarding: Forwarding) -> bool:
    return any(
        one.kind in ("module", "$modload") and _loads(one) == "imjournal" for one in forwarding.statements
    )


def _loads(one: Statement) -> str:
    return one.value("load") or one.value("value")


def _unfed(forwarding: Forwarding, action: Statement) -> Iterator[str]:
    """Yield what of the journal or of the audit does not get into rsyslog whole."""
    loaded = {_loads(one): one for one in forwarding.statements if one.kind in ("module", "$modload")}
    journal = loaded.get("imjournal")
    if journal is not None:
        if journal.value("ratelimit.interval") != "0":
            yield f"imjournal drops what comes too fast: ratelimit.interval is not 0 ({journal.where})"
        if not journal.value("statefile"):
            yield f"imjournal forgets where it was: it has no stateFile ({journal.where})"
    elif "imuxsock" not in loaded or not _forwards_to_syslog(forwarding):
        yield "nothing hands the journal's entries to rsyslog: neither imjournal nor ForwardToSyslog=yes"
    if forwarding.audit_log is None or forwarding.audit_plugin:
        return
    for one in forwarding.statements:
        into = one.value("ruleset") or DEFAULT.lower()
        reads = one.kind == "input" and one.type == "imfile"
        if reads and forwarding.audit_log in one.values.get("file", []):
            if into not in (DEFAULT.lower(), action.ruleset.lower()):
                yield f"what auditd writes goes to the ruleset {into} ({one.where})"
            return
    yield f"nothing hands what auditd writes to rsyslog: {forwarding.audit_log}"


def _forwards_to_syslog(forwarding: Forwarding) -> bool:
    told = [
        line.rpartition("=")[2].strip().lower() for line in forwarding.journald if "ForwardToSyslog" in line
    ]
    levels = [
        line.rpartition("=")[2].strip().lower() for line in forwarding.journald if "MaxLevelSyslog" in line
    ]
    return told[-1:] in (["yes"], ["true"], ["1"], ["on"]) and levels[-1:] in (
        [],
        ["debug"],
        ["info"],
        ["7"],
        ["6"],
    )


def _of_way(forwarding: Forwarding, collector: LogCollector, judge: Callable[[Way], list[str]]) -> list[str]:
    ways = [Way(action, forwarding) for action in _remote(forwarding) if _is_to(action, collector)]
    return [told for way in ways for told in judge(way)] or missing_way(ways, collector)


def missing_way(ways: list[Way], collector: LogCollector) -> list[str]:
    """Return that nothing is sent to the collector, where there is no way to it."""
    return [] if ways else [f"nothing is sent to {collector.host}:{collector.port} by {collector.protocol}"]


def _tls(way: Way, collector: LogCollector) -> Iterator[str]:
    peer = collector.peer.lower()
    yield from weak_tls(way.action)
    if collector.protocol == "relp-tls":
        yield from way.wrong("tls", "on")
        yield from way.wrong("tls.authmode", "name")
        yield from way.wrong("tls.permittedpeer", peer)
        for name in ("tls.mycert", "tls.myprivkey"):
            if not way.value(name):
                yield f"{name} = —, without it the collector's name is not looked at ({way.action.where})"
        return
    yield from way.wrong("protocol", "tcp")
    if way.value("streamdriver", "streamdriver.name", "defaultnetstreamdriver") not in ("ossl", "gtls"):
        yield f"streamDriver = —, ossl or gtls is wanted ({way.action.where})"
    yield from way.wrong("streamdrivermode", "1", "streamdriver.mode")
    yield from way.wrong("streamdriverauthmode", "x509/name", "streamdriver.authmode")
    yield from way.wrong("streamdriverpermittedpeers", peer, "streamdriver.permittedpeers")
    yield from way.wrong("streamdriver.permitexpiredcerts", "off", "streamdriverpermitexpiredcerts")


def _issuers(way: Way, collector: LogCollector) -> Iterator[str]:
    names: tuple[str, ...] = ("tls.cacert",)
    if collector.protocol != "relp-tls":
        names = ("streamdriver.cafile", "defaultnetstreamdrivercafile")
    path = way.path(*names)
    if collector.ca is None:
        if path != SYSTEM_ISSUERS:
            yield f"issuers are read from {path or '—'}, not from {SYSTEM_ISSUERS} ({way.action.where})"
        return
    if not path:
        yield f"{names[0]} = —, no issuer is named ({way.action.where})"
    elif path in way.forwarding.bundles:
        yield f"{path}: many issuers are trusted, not the site's alone ({way.action.where})"
    elif way.forwarding.issuers.get(path, frozenset()) != certificates(collector.ca):
        yield f"{path}: the issuers in it are not the site's ({way.action.where})"


def _queue(way: Way) -> Iterator[str]:
    action = way.action
    kind = action.value("queue.type")
    if kind not in ("linkedlist", "fixedarray", "disk"):
        yield f"queue.type = {kind or '—'}, LinkedList, FixedArray or Disk is wanted ({action.where})"
    if not action.value("queue.filename"):
        yield f"queue.filename = —, so the queue is in memory alone ({action.where})"
    if kind != "disk":
        yield from way.wrong("queue.saveonshutdown", "on")
    yield from way.wrong("action.resumeretrycount", "-1")
    directory = way.path("queue.spooldirectory", "workdirectory")
    system = way.forwarding.spools.get(directory, "")
    if not directory or not system:
        yield f"the queue's directory {directory or '—'} is not there ({action.where})"
    elif system in _MEMORY:
        yield f"the queue's directory {directory} is in memory: {system} ({action.where})"
    for name in action.values:
        if not _JUDGED.fullmatch(name) and not _OF_NO_MATTER.fullmatch(name):
            yield f"{name} = {action.value(name)}, by which entries may be lost ({action.where})"


def _global(forwarding: Forwarding, name: str, *, bare: bool = False) -> str:
    found = ""
    for one in forwarding.statements:
        given = one.values.get(name) if one.kind == "global" else None
        if one.kind == f"${name}":
            given = one.values["value"]
        if given:
            found = given[0] if bare else given[0].lower()
    return found

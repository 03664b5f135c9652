"""rsyslog's configuration as statements, and whether everything gets to the collector by it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.logging import forwarded, forwarder
from plumbline.probes.logging.forwarding import Forwarding, parse_forwarding
from plumbline.probes.logging.rainerscript import Statement, statements
from plumbline.spec.site import LogCollector

RECORDED = Path(__file__).parents[2] / "recorded/logging/forwarding-rsyslog-8.2302.txt"
TEXT = RECORDED.read_text()
CA = "\n".join(line.split("\t")[2] for line in TEXT.splitlines() if line.startswith("issuer\t"))
COLLECTOR = LogCollector(host="log.ot.lab.test", port=6514, protocol="relp-tls", ca=CA)
OURS = "/etc/rsyslog.d/00-plumbline-collector.conf"


def recorded() -> Forwarding:
    return parse_forwarding(Output(TEXT.encode(), b"", 0))


def changed(old: str, new: str) -> Forwarding:
    """Return the recorded host with something replaced in its configuration."""
    assert re.search(old, TEXT)
    return parse_forwarding(Output(re.sub(old, new, TEXT).encode(), b"", 0))


def with_lines(*lines: str) -> Forwarding:
    """Return a host with this configuration alone."""
    return replace(recorded(), lines=list(lines))


def one(*lines: str) -> Statement:
    (found,) = statements(lines)
    return found


def test_recorded_host_sends_everything_to_its_collector_alone() -> None:
    host = recorded()
    assert forwarder.stopped(host) == forwarder.unusual_start(host) == host.refused == []
    assert forwarded.missing(host, COLLECTOR) == forwarded.others(host, COLLECTOR) == []
    assert forwarded.untrusted(host, COLLECTOR) == forwarded.unqueued(host, COLLECTOR) == []
    assert forwarder.unconnected(host, COLLECTOR) == []
    assert [size.value for size in forwarded.queue_sizes(host, COLLECTOR)] == [1024]


def test_statements_are_told_with_file_and_line() -> None:
    found = {statement.kind: statement.where for statement in recorded().statements}
    assert found["$workdirectory"] == "/etc/rsyslog.conf:40"
    assert found["call"].startswith(f"{OURS}:")
    emergency = recorded().statements[-1]
    assert (emergency.type, emergency.where) == ("omusrmsg", "/etc/rsyslog.conf:69")


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("*.* @192.0.2.9", {"type": "omfwd", "target": "192.0.2.9", "port": "514", "protocol": "udp"}),
        (
            "*.* @@(o)log.test:6514;RSYSLOG_ForwardFormat",
            {"type": "omfwd", "port": "6514", "protocol": "tcp"},
        ),
        ("*.* @@[2001:db8::1]:514", {"type": "omfwd", "target": "2001:db8::1"}),
        ("*.* :omrelp:log.test:2514", {"type": "omrelp", "target": "log.test", "port": "2514"}),
        ("*.info /var/log/x", {"type": "omfile"}),
        ("mail.* ~", {"type": "omdiscard"}),
        ("*.emerg *", {"type": "omusrmsg"}),
    ],
)
def test_action_of_the_old_language(line: str, values: dict[str, str]) -> None:
    found = one(line)
    assert {name: found.value(name) for name in values} == values


def test_settings_before_an_old_action_are_its_own_and_of_none_after_it() -> None:
    lines = ["$ActionQueueType LinkedList", "$ActionResumeRetryCount -1", "*.* @@a.test", "*.* @@b.test"]
    first, second = [found for found in statements(lines) if found.kind == "action"]
    assert (first.value("queue.type"), first.value("action.resumeretrycount")) == ("linkedlist", "-1")
    assert second.value("queue.type") == ""


@pytest.mark.parametrize(
    ("lines", "conditions"),
    [
        (["if $msg contains 'then' then stop"], ("if $msg contains 'then'",)),
        (['if $a == "x" then {', "  if $b == 1 then {", "stop } }"], ('if $a == "x"', "if $b == 1")),
        (["auth.* stop"], ("auth.*",)),
        ([':msg, contains, "a b" stop'], (':msg, contains, "a b"',)),
        (["*.* stop"], ()),
        (["/* stop", "*/ stop # stop"], ()),
        (["auth.* {", " stop", "}"], ("auth.*",)),
    ],
)
def test_filters_around_a_discard(lines: list[str], conditions: tuple[str, ...]) -> None:
    found = one(*lines)
    assert (found.kind, found.conditions) == ("stop", conditions)


def test_an_else_has_its_condition() -> None:
    found = statements(["if $a == 1 then {", "} else stop"])
    assert [statement.conditions for statement in found] == [("else of if $a == 1",)]


def test_the_action_after_an_ampersand_has_the_filter_before() -> None:
    found = statements([':msg, contains, "x" /var/log/x', "& stop"])
    assert found[1].conditions == (':msg, contains, "x"',)


def test_number_signs_in_quotes_are_no_comments() -> None:
    assert one('action(type="omfile" file="/var/log/a#b") # of no matter').values["file"] == ["/var/log/a#b"]


@pytest.mark.parametrize(
    "text", ['action(type="omfwd"', "if $a == 1 stop", "auth.* {", "!program", "if $a == 1 then"]
)
def test_what_does_not_end_or_is_not_known_is_no_configuration(text: str) -> None:
    with pytest.raises(ParseError):
        statements([text])


def test_output_that_is_cut_is_not_understood() -> None:
    with pytest.raises(ParseError):
        parse_forwarding(Output(TEXT[: len(TEXT) // 2].encode(), b"", 0))


def test_a_file_changed_after_the_start_is_named() -> None:
    host = recorded()
    assert host.started is not None
    later = replace(host, changed={OURS: host.started + 0.5, "/etc/rsyslog.conf": host.started - 0.5})
    assert forwarder.stopped(later) == [f"{OURS}: changed since rsyslogd read it"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('tls="on"', "", "tls = —, on is wanted"),
        ('tls.permittedPeer=\\["[^"]*"\\]', 'tls.permittedPeer=["*"]', "tls.permittedpeer = *"),
        ('tls.authMode="name"', 'tls.authMode="fingerprint"', "tls.authmode = fingerprint"),
        ('tls.myCert="[^"]*"', "", "tls.mycert = —"),
        ("(?m)^issuer\t.*\n", "", "the issuers in it are not the site's"),
        ('tls="on"', r'tls="on" tls.tlscfgcmd="MinProtocol=TLSv1\\\\nOptions=Bugs"', "MinProtocol=TLSv1 ("),
        ('tls="on"', 'tls="on" tls.tlscfgcmd="CipherString=ALL:@SECLEVEL=0"', "@SECLEVEL=0 ("),
        ('tls="on"', 'tls="on" tls.prioritystring="NORMAL:+VERS-TLS1.0"', "+VERS-TLS1.0 ("),
    ],
)
def test_collector_that_is_not_verified(old: str, new: str, told: str) -> None:
    found = forwarded.untrusted(changed(old, new), COLLECTOR)
    assert [line for line in found if told in line], found


@pytest.mark.parametrize(
    "words",
    [
        r'tls.tlscfgcmd="MinProtocol=TLSv1.2\\\\nCipherString=HIGH:!aNULL:!MD5:!RC4:!LOW@SECLEVEL=2"',
        'tls.tlscfgcmd="Protocol=ALL,-SSLv2,-TLSv1"'.replace("ALL,-SSLv2,-TLSv1", "-ALL,TLSv1.3"),
        'tls.prioritystring="SECURE256:-VERS-TLS1.0:-VERS-TLS1.1:+VERS-TLS1.3:-MD5"',
    ],
)
def test_tls_told_to_take_what_is_current_is_no_fault(words: str) -> None:
    assert forwarded.untrusted(changed('tls="on"', f'tls="on" {words}'), COLLECTOR) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('queue.type="LinkedList"', 'queue.type="Direct"', "queue.type = direct"),
        ('queue.filename="plumbline"', "", "queue.filename = —"),
        ('action.resumeRetryCount="-1"', 'action.resumeRetryCount="5"', "action.resumeretrycount = 5"),
        ("spool\t/var/spool/rsyslog\t\\w+", "spool\t/var/spool/rsyslog\ttmpfs", "is in memory: tmpfs"),
        ('queue.size="', 'queue.discardSeverity="4" queue.size="', "queue.discardseverity = 4"),
        ('queue.size="', 'action.execOnlyEveryNthTime="2" queue.size="', "action.execonlyeverynthtime = 2"),
    ],
)
def test_entries_that_do_not_wait(old: str, new: str, told: str) -> None:
    found = forwarded.unqueued(changed(old, new), COLLECTOR)
    assert [line for line in found if told in line], found


SENT = (
    'module(load="imjournal" stateFile="x" ratelimit.interval="0")',
    'input(type="imfile" file="/var/log/audit/audit.log")',
    'action(type="omrelp" target="log.ot.lab.test" port="6514")',
)

CUT = SENT[2].replace(")", ' template="cut")')


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (SENT, None),
        (("auth.* stop", *SENT), "auth.* discarded before they are sent"),
        ((*SENT, "auth.* stop"), None),
        ((*SENT, SENT[2]), "sent more than once"),
        (
            (*SENT[:2], "if $syslogseverity < 4 then {", SENT[2], "}"),
            "if $syslogseverity < 4: not all are sent",
        ),
        (('ruleset(name="x") {', "stop", "}", *SENT), None),
        ((*SENT[:2], 'ruleset(name="x") {', SENT[2], "}"), "nothing calls the ruleset x"),
        ((*SENT[:2], 'ruleset(name="x") {', SENT[2], "}", "call x"), None),
        (("$RepeatedMsgReduction on", *SENT), "$repeatedmsgreduction on"),
        (("$RepeatedMsgReduction off", *SENT), None),
        (SENT[1:], "nothing hands the journal's entries to rsyslog"),
        ((SENT[0], SENT[2]), "nothing hands what auditd writes to rsyslog"),
        (('module(load="imjournal" stateFile="x")', *SENT[1:]), "imjournal drops what comes too fast"),
        (
            ('template(name="cut" type="list") {', 'property(name="msg")', "}", *SENT[:2], CUT),
            "template cut leaves out: time, source, severity (",
        ),
        (
            ('$template cut,"<%PRI%>%TIMESTAMP:::date-rfc3339% %msg%\\n"', *SENT[:2], CUT),
            "template cut leaves out: source (",
        ),
        (
            (
                'template(name="cut" type="string"',
                'string="<%pri%>1 %timestamp:::date-rfc3339% %hostname% %app-name% - - %msg%")',
                *SENT[:2],
                CUT,
            ),
            None,
        ),
        (('template(name="cut" type="string" string="%rawmsg%")', *SENT[:2], CUT), None),
    ],
)
def test_what_gets_to_the_collector(lines: tuple[str, ...], told: str | None) -> None:
    found = forwarded.missing(with_lines(*lines), COLLECTOR)
    assert (found == []) if told is None else [line for line in found if told in line], found


def test_a_start_that_depends_on_something_is_told() -> None:
    file = "/etc/systemd/system/rsyslog.service.d/x.conf"
    rows = f"condition\t{file}:2:ConditionPathExists=/nowhere\n"
    host = changed(r"(?m)^unit\tDropInPaths=.*$", f"unit\tDropInPaths={file}")
    assert forwarder.unusual_start(host) == []
    text = re.sub(r"(?m)^unit\tDropInPaths=.*$", f"unit\tDropInPaths={file}", TEXT)
    held = parse_forwarding(Output(text.replace("end\n", f"{rows}end\n").encode(), b"", 0))
    assert forwarder.unusual_start(held) == [f"{file}:2: ConditionPathExists=/nowhere"]


def test_journald_that_sends_by_itself_is_told() -> None:
    line = "/etc/systemd/journald.conf.d/x.conf:2:ForwardToSocket=192.0.2.9:514"
    host = replace(recorded(), journald=[line])
    assert forwarded.others(host, COLLECTOR) == [line]
    taken_back = replace(host, journald=[line, "/etc/systemd/journald.conf.d/y.conf:2:ForwardToSocket="])
    assert forwarded.others(taken_back, COLLECTOR) == []


@pytest.mark.parametrize(
    ("setting", "right"),
    [
        ('streamDriverAuthMode="x509/name"', True),
        ('streamDriverAuthMode="anon"', False),
        ('streamDriverAuthMode="x509/certvalid"', False),
    ],
)
def test_plain_syslog_over_tls(setting: str, right: bool) -> None:
    collector = LogCollector(host="log.test", port=6514)
    host = with_lines(
        'action(type="omfwd" target="log.test" port="6514" protocol="tcp" streamDriver="ossl" '
        f'streamDriverMode="1" {setting} streamDriverPermittedPeers="log.test" '
        'streamDriver.permitExpiredCerts="off" streamDriver.CAFile="/etc/ssl/certs/ca-certificates.crt")'
    )
    assert (forwarded.untrusted(host, collector) == []) is right


def test_where_rsyslog_is_not_installed_nothing_is_sent() -> None:
    host = replace(recorded(), is_installed=False, lines=[])
    assert forwarded.missing(host, COLLECTOR) == ["rsyslog is not installed"]

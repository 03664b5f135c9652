"""Audit rules: which events they record, for whom, and what of the files a boot loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.files import ConfigFile
from plumbline.probes.logging.audit import AUDIT, Audit
from plumbline.probes.logging.audit_calls import RECORDS
from plumbline.probes.logging.audit_events import Events
from plumbline.probes.logging.audit_files import Loaded, load, merged
from plumbline.probes.logging.audit_rules import Rule, RuleError, parse_list, parse_rule
from plumbline.probes.logging.recorded import ACCOUNTS, ERRORS, LOGGING, LOGOFFS, LOGONS, PASSWORDS, SERVICES

RECORDED = Path(__file__).parents[2] / "recorded" / "logging"
KEEPERS = ["/usr/sbin/chronyd", "/usr/lib/systemd/systemd-timesyncd"]
KERNEL = "6.1.0-56-cloud-amd64"


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


def audit(printed: str) -> Audit:
    return AUDIT.parse(Output(printed.encode(), b"", 0))


@pytest.fixture(scope="module", params=["debian12", "debian13"])
def hardened(request: pytest.FixtureRequest) -> Audit:
    return audit(recorded(f"audit-hardened-{request.param}.txt"))


def all_events(events: Events) -> list[str]:
    return [
        *events.starts("all"),
        *events.ends("all"),
        *events.permissions("sessions", KERNEL),
        *events.clock(),
        *events.files(["/etc/passwd", "/etc/shadow", "/etc/audit", "/etc/localtime", "/etc/sudoers.d"]),
        *events.records(LOGONS + LOGOFFS + ACCOUNTS + PASSWORDS + SERVICES + LOGGING + ERRORS),
    ]


def test_hardened_host_records_everything_now_and_after_boot(hardened: Audit) -> None:
    assert all_events(Events(hardened.live, KEEPERS)) == []
    assert hardened.at_boot is not None
    assert all_events(Events(hardened.at_boot.rules, KEEPERS)) == []
    assert (hardened.at_boot.refused, hardened.at_boot.unread) == ([], [])
    assert hardened.at_boot.settings == {
        "enabled": "1",
        "failure": "1",
        "backlog_limit": "8192",
        "rate_limit": "0",
    }


def told(rules: list[Rule]) -> list[tuple[object, ...]]:
    """Rules but for the ways to write one thing: -1 and unset, a number and the name."""

    def same(text: str) -> str:
        return {"-1": "unset", "452": "fchmodat2", "0x0": "0"}.get(text, text)

    return [
        (
            rule.action,
            rule.watch,
            {same(name) for name in rule.syscalls},
            {(c.field, c.operator, same(c.value)) for c in rule.conditions if c.field != "key"},
        )
        for rule in rules
    ]


def test_what_the_kernel_lists_is_what_the_files_say(hardened: Audit) -> None:
    assert hardened.at_boot is not None
    assert told(hardened.live) == told(hardened.at_boot.rules)


def test_container_has_files_but_no_audit_of_its_own() -> None:
    found = audit(recorded("audit-container-debian12.txt"))
    assert (found.status, found.live) == ({}, [])
    assert found.error is not None
    assert found.at_boot is not None
    assert all_events(Events(found.at_boot.rules, KEEPERS)) == []


def without(rules: str, *words: str) -> str:
    return "\n".join(line for line in rules.splitlines() if not any(word in line for word in words))


def listed(hardened: Audit, *first: str, drop: str = "\0", last: tuple[str, ...] = ()) -> Events:
    """The hardened host's live rules, some dropped, with others before and after."""
    kept = [rule.text for rule in hardened.live if drop not in rule.text]
    return Events(parse_list([*first, *kept, *last]), KEEPERS)


HIDING = {
    "an_administrator": ("-a never,exit -S all -F auid=1000", "starts"),
    "root_whoever_is_behind": ("-a never,exit -F arch=b64 -S execve -F uid=0", "starts"),
    "everybody_but_one": ("-a never,exit -S all -F auid!=1003", "starts"),
    "one_program": ("-a never,exit -F arch=b64 -S exit_group -F exe=/usr/bin/nc", "ends"),
    "one_directory": ("-a never,exit -F dir=/etc/audit", "files"),
    "one_file": ("-a never,exit -F arch=b32 -S openat -F path=/etc/passwd", "files"),
    "every_new_process": ("-a never,task", "starts"),
    "new_processes_of_one": ("-a never,task -F uid=1000", "clock"),
    "the_clock_by_another_program": ("-a never,exit -S clock_settime -F exe=/usr/sbin/ntpdate", "clock"),
    "the_call_s_own_record": ("-a always,exclude -F msgtype=SYSCALL", "permissions"),
    "paths": ("-a always,exclude -F msgtype=PATH", "files"),
    "a_whole_file_system": ("-a never,filesystem -F fstype=0xef53", "files"),
}


@pytest.mark.parametrize(("rule", "what"), HIDING.values(), ids=HIDING)
def test_hiding(hardened: Audit, rule: str, what: str) -> None:
    events = listed(hardened, rule)
    asked = {
        "starts": lambda: events.starts("all"),
        "ends": lambda: events.ends("all"),
        "permissions": lambda: events.permissions("sessions", KERNEL),
        "clock": events.clock,
        "files": lambda: events.files(["/etc/audit", "/etc/passwd"]),
    }
    found = asked[what]()
    assert found
    assert all(f"hidden by {rule}" in line for line in found)


NOT_HIDING = {
    "what_comes_after_the_rule_that_records": ("", "-a never,exit -S all -F auid=1000"),
    "calls_nobody_asks_for": ("-a never,exit -F arch=b64 -S fstat,mmap", ""),
    "record_types_nobody_asks_for": ("-a always,exclude -F msgtype=CWD", ""),
    "the_kernel_s_own_file_systems": ("-a never,filesystem -F fstype=tracefs", ""),
    "the_time_service_s_slewing": (
        "-a never,exit -F arch=b64 -S clock_adjtime -F exe=/usr/sbin/chronyd -F auid=unset",
        "",
    ),
}


@pytest.mark.parametrize(("first", "last"), NOT_HIDING.values(), ids=NOT_HIDING)
def test_not_hiding(hardened: Audit, first: str, last: str) -> None:
    rules = listed(hardened, *([first] if first else []), last=(last,) if last else ())
    assert all_events(rules) == []


PARTIAL = {
    "root_s_own_sessions_are_left_out": (
        "-a always,exit -F arch=b64 -S chmod -F auid>=1000 -F auid!=-1",
        "chmod (b64): not recorded for auid=0 uid=0",
    ),
    "one_person_is_left_out": (
        "-a always,exit -F arch=b64 -S chmod -F auid!=1003 -F auid!=-1",
        "chmod (b64): not recorded for auid=1003 uid=1003",
    ),
    "only_what_failed": (
        "-a always,exit -F arch=b64 -S chmod -F success=0",
        "chmod (b64): no rule records it",
    ),
    "only_one_program": (
        "-a always,exit -F arch=b64 -S chmod -F exe=/usr/bin/chmod",
        "chmod (b64): not recorded for auid=0 uid=0",
    ),
    "only_as_somebody_else": (
        "-a always,exit -F arch=b64 -S chmod -C auid!=uid",
        "chmod (b64): not recorded for auid=0 uid=0",
    ),
}


@pytest.mark.parametrize(("rule", "told"), PARTIAL.values(), ids=PARTIAL)
def test_rule_that_records_a_part(hardened: Audit, rule: str, told: str) -> None:
    kept = [r.text.replace("chmod,fchmod", "fchmod") for r in hardened.live]
    assert told in Events(parse_list([*kept, rule])).permissions("sessions", KERNEL)


def test_rules_that_record_the_parts_record_the_whole() -> None:
    parts = ("-F auid>=1000 -F auid!=-1", "-F auid<1000", "-F auid=unset")
    rules = [f"-a always,exit -F arch={a} -S execve,execveat {p}" for p in parts for a in ("b64", "b32")]
    assert Events(parse_list(rules)).starts("all") == []
    assert Events(parse_list(rules[:-2])).starts("all") != []
    assert Events(parse_list(rules[:-2])).starts("sessions") == []


def test_end_of_a_process_has_no_success() -> None:
    rules = [f"-a always,exit -F arch={a} -S exit_group -F success=1" for a in ("b64", "b32")]
    assert Events(parse_list(rules)).ends("all") == ["exit_group: no rule records it"]


@pytest.mark.parametrize(
    "rule",
    [
        "-w /etc/passwd -p w -k x",
        "-w /etc/passwd -p r -k x",
        "-a always,exit -F arch=b64 -S all -F path=/etc/passwd -F perm=wa",
        "-a always,exit -F arch=b64 -S openat -F path=/etc/passwd -F perm=wa",
        "-a always,exit -S all -F path=/etc/passwd -F perm=wa -F auid>=1000",
        "-a always,exit -S all -F dir=/etc/pass -F perm=wa",
        "-w /etc/passwd- -p wa",
    ],
)
def test_watch_that_is_not_enough(rule: str) -> None:
    assert Events(parse_list([rule])).files(["/etc/passwd"]) != []


@pytest.mark.parametrize(
    "rules",
    [
        ["-w /etc/passwd -p wa -k x"],
        ["-w /etc/passwd"],
        ["-w /etc -p wa"],
        ["-a always,exit -S all -F path=/etc/passwd -F perm=rwxa"],
        ["-a always,exit -S all -F dir=/etc/ -F perm=wa"],
        [f"-a always,exit -F arch={a} -S all -F path=/etc/passwd -F perm=wa" for a in ("b64", "b32")],
        ["-w /etc/passwd -p w", "-w /etc/passwd -p a"],
    ],
)
def test_watch_that_is_enough(rules: list[str]) -> None:
    assert Events(parse_list(rules)).files(["/etc/passwd"]) == []


def test_path_of_a_directory_does_not_watch_what_is_in_it() -> None:
    assert Events(parse_list(["-a always,exit -S all -F path=/etc -F perm=wa"])).files(["/etc/passwd"]) != []


def test_call_may_be_named_by_its_number() -> None:
    rules = [
        "-a always,exit -F arch=c000003e -S 59,322",
        "-a always,exit -F arch=b32 -S 11 -S 358",
    ]
    assert Events(parse_list(rules)).starts("all") == []


def test_newer_kernels_have_one_more_call(hardened: Audit) -> None:
    rules = Events(parse_list([r.text for r in hardened.live if "452" not in r.text and "at2" not in r.text]))
    assert rules.permissions("sessions", "6.1.0") == []
    assert rules.permissions("sessions", "6.12.4") == ["fchmodat2: no rule records it"]


EXCLUDED = {
    "by_name": (["-a always,exclude -F msgtype=USER_LOGIN"], ["USER_LOGIN"]),
    "by_number": (["-a always,exclude -F msgtype=1112"], ["USER_LOGIN"]),
    "by_range": (
        ["-a always,exclude -F msgtype>=USER_AUTH -F msgtype<=USER_ACCT"],
        ["USER_AUTH", "USER_ACCT"],
    ),
    "all_but_one": (["-a always,exclude -F msgtype!=USER_AUTH"], ["USER_ACCT", "USER_LOGIN"]),
    "of_one_person": (["-a always,exclude -F msgtype=USER_LOGIN -F auid=1000"], ["USER_LOGIN"]),
    "by_the_list_of_users": (["-a never,user -F auid=1000"], ["USER_AUTH", "USER_ACCT", "USER_LOGIN"]),
    "kept_before_it_is_dropped": (
        ["-a never,exclude -F msgtype=USER_LOGIN", "-a always,exclude -F msgtype=USER_LOGIN"],
        [],
    ),
    "another_type": (["-a always,exclude -F msgtype=CRYPTO_KEY_USER"], []),
    "allowed_by_the_list_of_users": (["-a always,user -F uid=0"], []),
}


@pytest.mark.parametrize(("rules", "dropped"), EXCLUDED.values(), ids=EXCLUDED)
def test_records(rules: list[str], dropped: list[str]) -> None:
    found = Events(parse_list(rules)).records(["USER_AUTH", "USER_ACCT", "USER_LOGIN"])
    assert [line.partition(":")[0] for line in found] == dropped


def test_records_asked_for_are_known() -> None:
    assert set(LOGONS + LOGOFFS + ACCOUNTS + PASSWORDS + SERVICES + LOGGING + ERRORS) <= set(RECORDS)


def files(**content: str) -> tuple[dict[str, ConfigFile], list[str]]:
    names = [f"{name.lstrip('_').replace('_', '-')}.rules" for name in content]
    made = {
        f"/etc/audit/rules.d/{name}": ConfigFile(f"/etc/audit/rules.d/{name}", tuple(text.splitlines()))
        for name, text in zip(names, content.values(), strict=True)
    }
    return made, names


def loaded(missing: tuple[str, ...] = (), **content: str) -> Loaded:
    return load(merged(*files(**content)), missing)


def watches(found: Loaded) -> list[str | None]:
    return [rule.watch for rule in found.rules]


def test_delete_all_of_a_later_file_goes_to_the_start() -> None:
    found = loaded(_10_a="-w /a -p wa", zz="-D\n-w /b -p wa")
    assert watches(found) == ["/a", "/b"]


def test_delete_of_a_key_stays_where_it_is() -> None:
    found = loaded(
        _10_a="-w /a -p wa -k mine\n-a always,exit -S open -F key=mine", zz="-D -k mine\n-w /b -p wa"
    )
    assert watches(found) == ["/b"]


def test_single_rules_are_taken_back() -> None:
    found = loaded(
        _10_a="-w /a -p wa -k x\n-a always,exit -F arch=b64 -S open,close -k y",
        zz="-W /a -p wa\n-d always,exit -F arch=b64 -S close,open",
    )
    assert (found.rules, found.refused) == ([], [])


def test_later_file_wins() -> None:
    found = loaded(_10_a="-e 2\n-b 8192\n-f 1\n-r 0", zz="-e 0\n-b 64\n-f 0\n-r 10")
    told = {name: (said.bare, said.where) for name, said in found.settings.items()}
    assert told["enabled"] == ("0", "/etc/audit/rules.d/zz.rules:1")
    assert [said for said, _ in told.values()] == ["64", "0", "10", "0"]


def test_prepended_rule_comes_first() -> None:
    found = loaded(_10_a="-w /a -p wa", zz="-A never,exit -F uid=0")
    assert [rule.action for rule in found.rules] == ["never", "always"]


@pytest.mark.parametrize(
    "wrong", ["-w /nowhere/x -p wa", "-a always,exit -F nonsense", "-x", "-a always -S open"]
)
def test_line_that_is_refused_ends_the_loading(wrong: str) -> None:
    found = loaded(("/nowhere/x",), _10_a=f"-w /a -p wa\n{wrong}\n-w /b -p wa", zz="-w /c -p wa")
    assert watches(found) == ["/a"]
    assert len(found.refused) == 1
    assert found.refused[0].startswith("/etc/audit/rules.d/10-a.rules:2: ")
    assert [line.text for line in found.unread] == ["-w /b -p wa", "-w /c -p wa"]


def test_loading_goes_on_where_it_is_told_to() -> None:
    found = loaded(("/nowhere/x",), _10_a="-i\n-w /nowhere/x -p wa\n-w /a -p wa", zz="-x\n-w /b -p wa")
    assert watches(found) == ["/a", "/b"]
    assert [line.partition(" (")[0] for line in found.refused] == ["/etc/audit/rules.d/zz.rules:1: -x"]


def test_rules_after_the_lock_are_refused() -> None:
    text = "-e 2\n-w /a -p wa"
    file = ConfigFile("/etc/audit/audit.rules", tuple(text.splitlines()))
    from plumbline.probes.logging.audit_files import lines_of

    assert load(lines_of(file), ()).rules == []
    assert watches(loaded(_10_a=text)) == ["/a"], "augenrules puts the lock last"


@pytest.mark.parametrize(
    "text", ["", "-D", "-w", "-a always,exit -S", "-a often,exit", "-a always,exit -F uid~0"]
)
def test_no_rule(text: str) -> None:
    with pytest.raises(RuleError):
        parse_rule(text)


DROP_IN = "unitline\t/etc/systemd/system/auditd.service.d/x.conf\t{}\t{}\n"


def with_drop_in(printed: str, *lines: str) -> Audit:
    rows = "".join(DROP_IN.format(number, line) for number, line in enumerate(("[Service]", *lines), 1))
    return audit(printed.replace("unitline\t", rows + "unitline\t", 1))


def test_nothing_loads_rules_where_the_command_was_taken_back() -> None:
    found = with_drop_in(recorded("audit-hardened-debian12.txt"), "ExecStartPost=")
    assert found.at_boot is None


def test_rules_of_another_file_are_read_where_it_is_loaded() -> None:
    printed = recorded("audit-container-debian12.txt")
    found = with_drop_in(printed, "ExecStartPost=", "ExecStartPost=-/sbin/auditctl -R /etc/audit/audit.rules")
    assert found.at_boot is not None
    assert found.at_boot.rules == []


def test_service_whose_output_is_thrown_away_is_seen() -> None:
    found = with_drop_in(
        recorded("audit-hardened-debian12.txt"), "LogLevelMax=warning", "StandardOutput=null"
    )
    place = "/etc/systemd/system/auditd.service.d/x.conf"
    assert found.silenced == [f"{place}:2: LogLevelMax=warning", f"{place}:3: StandardOutput=null"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("status\tenabled 1\n", ""),
        ("status\tlost 0\n", "status\tlost many\n"),
        ("rule\t-w /etc/passwd -p wa -k accounts", "rule\t-w /etc/passwd -z"),
        ("unit\tId=auditd.service\n", ""),
        ("cmdline\t", "cmdline\tx\ncmdline\t"),
        ("\nend\n", "\n"),
    ],
)
def test_output_that_is_not_understood(old: str, new: str) -> None:
    printed = recorded("audit-hardened-debian12.txt")
    assert old in printed
    with pytest.raises((ParseError, ValueError, KeyError)):
        audit(printed.replace(old, new, 1))

"""Where messages go and who reads them: what real hosts printed, and that with something changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.files import ConfigFile
from plumbline.probes.logging import daemon
from plumbline.probes.logging.files import FILES, LogFiles
from plumbline.probes.logging.journal import JOURNAL, Journal
from plumbline.probes.logging.rotation import of_logrotate, of_rsyslog, of_tmpfiles
from plumbline.probes.logging.secrets import SECRETS, Secrets

RECORDED = Path(__file__).parents[2] / "recorded" / "logging"
RELEASES = ["debian12", "debian13"]
PUBLIC = ["/var/log/dpkg.log*", "/var/log/apt/*", "/var/log/alternatives.log"]
GROUPS = ["root", "adm", "systemd-journal", "utmp", "syslog"]


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


def output(text: str) -> Output:
    return Output(text.encode(), b"", 0)


def journal(*rows: str, release: str = "debian12") -> Journal:
    """The hardened host, with further rows before its own."""
    return JOURNAL.parse(
        output("".join(f"{row}\n" for row in rows) + recorded(f"journal-hardened-{release}.txt"))
    )


def drop_in(*lines: str, name: str = "zzz.conf", top: str = "/etc") -> list[str]:
    path = f"{top}/systemd/journald.conf.d/{name}"
    text = ("[Journal]", *lines)
    return [f"file\tfile\t{path}", *(f"text\t{path}\t{n}\t{line}" for n, line in enumerate(text, 1))]


@pytest.mark.parametrize("release", RELEASES)
def test_hardened_journal(release: str) -> None:
    found = journal(release=release)
    assert found.units["systemd-journald.service"] == "active"
    assert "system.journal" in [path.rpartition("/")[2] for path in found.open]
    assert found.setting("Storage").value == "persistent"
    assert (found.level("MaxLevelStore").value, found.rate().value) == (7, 333)
    assert found.size("SystemMaxUse").value is None
    assert found.volatile_mounts == []
    assert found.sshd_level == "INFO"


def test_later_file_wins() -> None:
    found = journal(*drop_in("Storage=volatile")).setting("Storage")
    assert str(found) == "Storage = volatile (/etc/systemd/journald.conf.d/zzz.conf:2)"
    assert journal(*drop_in("Storage=volatile", name="a.conf")).setting("Storage").value == "persistent"


def test_file_of_the_same_name_nearer_hides_the_other() -> None:
    rows = drop_in("Storage=none", name="zz-plumbline.conf", top="/usr/lib")
    assert journal(*rows).setting("Storage").value == "persistent"


def test_empty_assignment_takes_back() -> None:
    assert journal(*drop_in("Storage=")).setting("Storage").value is None


@pytest.mark.parametrize(
    ("lines", "rate"),
    [
        (["RateLimitBurst=0"], 0),
        (["RateLimitIntervalSec=0"], 0),
        (["RateLimitIntervalSec=1min"], 166),
        (["RateLimitBurst=1"], 1),
        (["RateLimitIntervalSec=soon"], "soon"),
    ],
)
def test_rate(lines: list[str], rate: int | str) -> None:
    assert journal(*drop_in(*lines)).rate().value == rate


@pytest.mark.parametrize(("text", "level"), [("warning", 4), ("3", 3), ("Debug", 7), ("loud", None)])
def test_level(text: str, level: int | None) -> None:
    assert journal(*drop_in(f"MaxLevelStore={text}")).level("MaxLevelStore").value == level


@pytest.mark.parametrize(("text", "mib"), [("8M", 8), ("2G", 2048), ("1.5G", 1536), ("many", "many")])
def test_size(text: str, mib: int | str) -> None:
    assert journal(*drop_in(f"SystemMaxUse={text}")).size("SystemMaxUse").value == mib


@pytest.mark.parametrize(
    ("row", "volatile"),
    [
        ("fstab\t/etc/fstab:9:tmpfs /var/log tmpfs size=10m 0 0", True),
        ("fstab\t/etc/fstab:9:#tmpfs /var/log tmpfs size=10m 0 0", False),
        ("fstab\t/etc/fstab:9:/dev/sda3 /var ext4 defaults 0 2", False),
        ("mount\t/etc/systemd/system/var-log.mount:3:Type=tmpfs", True),
    ],
)
def test_mounts_in_memory(row: str, volatile: bool) -> None:
    assert bool(journal(row).volatile_mounts) is volatile


def test_rsyslog_that_keeps_everything() -> None:
    everything = "rsyslog\t/etc/rsyslog.conf:60:*.*;auth,authpriv.none\t\t-/var/log/syslog"
    part = "rsyslog\t/etc/rsyslog.conf:61:auth,authpriv.*\t\t\t/var/log/auth.log"
    assert journal(everything).writes_everything == [everything.partition("\t")[2]]
    assert journal(part).writes_everything == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("unit\trsyslog.service\tinactive\n", ""),
        ("system\text4 ", "system\t\nsystem\text4 "),
        ("\nend\n", "\n"),
    ],
)
def test_journal_that_is_not_understood(old: str, new: str) -> None:
    text = recorded("journal-hardened-debian12.txt")
    assert old in text
    with pytest.raises((ParseError, ValueError)):
        JOURNAL.parse(output(text.replace(old, new, 1)))


def files(*rows: str, release: str = "debian12") -> LogFiles:
    return FILES.parse(
        output("".join(f"{row}\n" for row in rows) + recorded(f"files-hardened-{release}.txt"))
    )


@pytest.mark.parametrize("release", RELEASES)
def test_hardened_files(release: str) -> None:
    found = files(release=release)
    assert (found.open_to_all(PUBLIC), found.of_people(GROUPS), found.granted(GROUPS)) == ([], [], [])
    assert (found.readers(GROUPS), found.unread_acls, found.is_cut) == ([], 0, False)


OPEN = {
    "everybody_reads": ("f\t644\t0\troot\troot\t/var/log/x.log", True),
    "everybody_writes": ("f\t602\t0\troot\troot\t/var/log/x.log", True),
    "public_log": ("f\t644\t0\troot\troot\t/var/log/dpkg.log.1", False),
    "public_log_everybody_writes": ("f\t666\t0\troot\troot\t/var/log/dpkg.log", True),
    "directory_everybody_lists": ("d\t755\t33\twww-data\tadm\t/var/log/web", False),
    "directory_everybody_writes_to": ("d\t777\t0\troot\troot\t/var/log/web", True),
    "directory_where_all_keep_their_own": ("d\t1777\t0\troot\troot\t/var/log/web", False),
    "name_with_a_tab": ("f\t644\t0\troot\troot\t/var/log/a\tb", True),
}


@pytest.mark.parametrize(("row", "is_open"), OPEN.values(), ids=OPEN)
def test_open_to_all(row: str, is_open: bool) -> None:
    assert bool(files(f"file\t{row}").open_to_all(PUBLIC)) is is_open


PEOPLE = {
    "owned_by_a_person": ("f\t600\t1001\tplain\tplain\t/var/log/x.log", True),
    "owned_by_a_service": ("f\t600\t33\twww-data\twww-data\t/var/log/x.log", False),
    "of_a_group_with_people": ("f\t640\t0\troot\tusers\t/var/log/x.log", True),
    "of_a_group_that_may_not_read": ("f\t600\t0\troot\tusers\t/var/log/x.log", False),
    "of_the_logs_own_group": ("f\t660\t0\troot\tutmp\t/var/log/x.log", False),
}


@pytest.mark.parametrize(("row", "is_seen"), PEOPLE.values(), ids=PEOPLE)
def test_of_people(row: str, is_seen: bool) -> None:
    assert bool(files(f"file\t{row}").of_people(GROUPS)) is is_seen


LISTS = {
    "person": ("user:plain:r--\t/var/log/x.log", True),
    "person_without_rights": ("user:plain:---\t/var/log/x.log", False),
    "person_whose_rights_the_mask_takes": ("user:plain:rw-=---\t/var/log/x.log", False),
    "group_that_reads_logs": ("group:adm:r-x\t/var/log/journal", False),
    "other_group": ("group:users:r-x\t/var/log/journal", True),
    "own_journal": ("user:plain:r--\t/var/log/journal/0/user-1001.journal", False),
    "own_journal_to_change": ("user:plain:rw-\t/var/log/journal/0/user-1001.journal", True),
    "another_s_journal": ("user:plain:r--\t/var/log/journal/0/user-1000.journal", True),
}


@pytest.mark.parametrize(("entry", "is_seen"), LISTS.values(), ids=LISTS)
def test_access_lists(entry: str, is_seen: bool) -> None:
    assert bool(files(f"acl\t{entry}").granted(GROUPS)) is is_seen


def test_members_of_groups_that_read_logs() -> None:
    text = recorded("files-hardened-debian12.txt").replace(
        "group\tadm\t4\t\n", "group\tadm\t4\tplain,syslog\n"
    )
    found = FILES.parse(output(text.replace("account\tplain\t1001\t100\n", "account\tplain\t1001\t43\n")))
    assert found.readers(GROUPS) == ["plain (adm)", "syslog (adm)", "plain (utmp)"]


def test_more_files_than_are_told_is_said() -> None:
    rows = [f"file\tf\t640\t33\twww-data\tadm\t/var/log/{n}.log" for n in range(2001)]
    assert files(*rows).is_cut


LOGROTATE = """\
# global
create
/var/log/a.log
/var/log/b/*.log {
    create 0644 root adm
    postrotate
        install create 0666 x
    endscript
}
/var/log/c.log { weekly
  create 640 root adm
}
"/var/log/d.log" { create 666 }
"""


def test_rotation() -> None:
    file = ConfigFile("/etc/logrotate.d/x", tuple(LOGROTATE.splitlines()))
    assert [str(given) for given in of_logrotate([file])] == [
        "/var/log/a.log 0644 (/etc/logrotate.d/x:5)",
        "/var/log/b/*.log 0644 (/etc/logrotate.d/x:5)",
        "/var/log/c.log 0640 (/etc/logrotate.d/x:11)",
        "/var/log/d.log 0666 (/etc/logrotate.d/x:13)",
    ]


def test_earlier_name_wins_in_tmpfiles() -> None:
    lines = [
        "/usr/lib/tmpfiles.d/var.conf:15:f /var/log/wtmp 0664 root utmp -",
        "/etc/tmpfiles.d/00-own.conf:1:f /var/log/wtmp 0640 root utmp -",
        "/etc/tmpfiles.d/x.conf:2:z /var/log/x - - - -",
        "/etc/tmpfiles.d/x.conf:3:d /var/log/y 0777 - - -",
    ]
    assert [str(given) for given in of_tmpfiles(lines)] == [
        "/var/log/wtmp 0640 (/etc/tmpfiles.d/00-own.conf:1)"
    ]


@pytest.mark.parametrize(
    "text",
    ["$FileCreateMode 0644", 'module(load="builtin:omfile" fileCreateMode="0644")', "$FileCreateMode 644"],
)
def test_modes_of_rsyslog(text: str) -> None:
    assert [given.mode for given in of_rsyslog([f"/etc/rsyslog.conf:3:{text}"])] == [0o644]


def auditd(text: str) -> ConfigFile:
    return ConfigFile("/etc/audit/auditd.conf", tuple(text.splitlines()))


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("max_log_file = 8\nnum_logs = 5\nmax_log_file_action = ROTATE", 40),
        ("max_log_file = 8\nnum_logs = 1\nmax_log_file_action = rotate", 8),
        ("max_log_file = 8\nnum_logs = 5\nnum_logs = 2\nmax_log_file_action = rotate", 16),
        ("max_log_file = 8\nmax_log_file_action = KEEP_LOGS", None),
    ],
)
def test_how_much_auditd_keeps(text: str, mib: int | None) -> None:
    kept = daemon.kept_mib(auditd(text))
    assert (kept.value if kept else None) == mib


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("write_logs = no", "write_logs = no (/etc/audit/auditd.conf:1)"),
        ("local_events = no", "local_events = no (/etc/audit/auditd.conf:1)"),
        ("log_format = NOLOG", "log_format = nolog (/etc/audit/auditd.conf:1)"),
        ("max_log_file_action = SUSPEND", "max_log_file_action = suspend (/etc/audit/auditd.conf:1)"),
    ],
)
def test_what_auditd_does_not_keep(text: str, wrong: str) -> None:
    assert daemon.not_kept(auditd(text)) == [wrong]


def secrets(text: str) -> Secrets:
    return SECRETS.parse(output(text))


def test_secrets_are_told_by_place_and_kind() -> None:
    found = secrets("file\t/var/log/a:3\tpassword\njournal\t17.5 tool[7]\ttoken\nprocess\t12\tsh\nend\n")
    assert found.lines == ["/var/log/a:3: password", "journal, 17.5 tool[7]: token"]
    assert (found.processes, found.is_cut) == (["process 12 (sh)"], False)


@pytest.mark.parametrize("text", ["cut\tfiles\nend\n", "file\tcut:0\ttoken\nend\n"])
def test_search_that_was_cut(text: str) -> None:
    assert secrets(text) == Secrets([], [], True)


@pytest.mark.parametrize(
    "text", ["", "file\t/var/log/a:3\tpassword\n", "file\t\tpassword\nend\n", "x\ty\nend\n"]
)
def test_secrets_that_are_not_understood(text: str) -> None:
    with pytest.raises(ParseError):
        secrets(text)

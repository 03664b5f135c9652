"""Logging: every security event of chapter 16 leaves an entry that stays, for administrators alone."""

from plumbline.probes.logging import forwarded, forwarder, recorded
from plumbline.verify import Unknown, control, not_applicable
from plumbline.verify.seen import Each

EVENTS = "security-events-logged"


@control(EVENTS)
def test_the_audit_is_installed(host):
    """The programs of the audit are installed."""
    assert host.logging.missing_programs == []


@control(EVENTS)
def test_the_audit_runs(host, accepts):
    """The kernel records events now, and auditd receives them."""
    assert host.logging.audit_off_now(accepts("audit_enabled")) == []


@control(EVENTS)
def test_the_audit_starts_at_boot(host, accepts):
    """auditd starts at boot, loads all its rules, and nothing switches the audit off."""
    assert host.logging.audit_off_at_boot(accepts("audit_enabled")) == []


@control(EVENTS)
def test_no_entry_is_lost(host, accepts):
    """The audit loses no entry now, and has lost none since the boot."""
    assert host.logging.lossy_now(accepts("failure"), accepts("backlog_limit")) == []


@control(EVENTS)
def test_no_entry_will_be_lost(host, accepts):
    """The audit will lose no entry after the next boot."""
    assert host.logging.lossy_at_boot(accepts("failure"), accepts("backlog_limit")) == []


@control(EVENTS)
def test_the_audit_keeps_its_entries(host):
    """auditd writes what it receives, and does not stop while there is space."""
    assert host.logging.audit_not_kept == []


@control(EVENTS)
def test_the_audit_log_is_large_enough(host, accepts):
    """auditd keeps as much as accepted before it drops the oldest."""
    kept = host.logging.audit_kept_mib
    readings = [kept] if kept else []
    assert readings in Each(accepts("audit_log_mib"))
    host.logging.only_with_own_kernel()


@control(EVENTS)
def test_logons_are_recorded_now(host):
    """Logons, accepted and refused, and logoffs leave an entry now."""
    assert host.logging.unrecorded_now(_logons) == []


@control(EVENTS)
def test_logons_will_be_recorded(host):
    """Logons, accepted and refused, and logoffs will leave an entry after the next boot."""
    assert host.logging.unrecorded_at_boot(_logons) == []


def _logons(events):
    return events.records(recorded.LOGONS + recorded.LOGOFFS)


@control(EVENTS)
def test_account_changes_are_recorded_now(host, accepts):
    """Changes of accounts and roles leave an entry now."""
    assert host.logging.unrecorded_now(_accounts(host, accepts)) == []


@control(EVENTS)
def test_account_changes_will_be_recorded(host, accepts):
    """Changes of accounts and roles will leave an entry after the next boot."""
    assert host.logging.unrecorded_at_boot(_accounts(host, accepts)) == []


def _accounts(host, accepts):
    files = host.logging.watched(accepts("account_files").values)
    return lambda events: events.files(files) + events.records(recorded.ACCOUNTS)


@control(EVENTS)
def test_password_changes_are_recorded_now(host):
    """Changes of passwords leave an entry now."""
    assert host.logging.unrecorded_now(_passwords) == []


@control(EVENTS)
def test_password_changes_will_be_recorded(host):
    """Changes of passwords will leave an entry after the next boot."""
    assert host.logging.unrecorded_at_boot(_passwords) == []


def _passwords(events):
    return events.files(["/etc/shadow"]) + events.records(recorded.PASSWORDS)


@control(EVENTS)
def test_certificate_changes_are_recorded_now(host, accepts, value):
    """Changes of certificates and their keys leave an entry now."""
    assert host.logging.unrecorded_now(_certificates(host, accepts, value)) == []


@control(EVENTS)
def test_certificate_changes_will_be_recorded(host, accepts, value):
    """Changes of certificates and their keys will leave an entry after the next boot."""
    assert host.logging.unrecorded_at_boot(_certificates(host, accepts, value)) == []


def _certificates(host, accepts, value):
    files = host.logging.watched([*accepts("certificate_files").values, *value("certificate_stores")])
    return lambda events: events.files(files)


@control(EVENTS)
def test_permission_changes_are_recorded_now(host, accepts, value):
    """Changes of permissions leave an entry now."""
    assert host.logging.unrecorded_now(_permissions(host, accepts, value)) == []


@control(EVENTS)
def test_permission_changes_will_be_recorded(host, accepts, value):
    """Changes of permissions will leave an entry after the next boot."""
    assert host.logging.unrecorded_at_boot(_permissions(host, accepts, value)) == []


def _permissions(host, accepts, value):
    files, kernel = host.logging.watched(accepts("permission_files").values), host.system.facts.kernel
    return lambda events: events.permissions(value("permission_scope"), kernel) + events.files(files)


@control(EVENTS)
def test_processes_are_recorded_now(host, value):
    """The start and the end of every process leave an entry now."""
    assert host.logging.unrecorded_now(_processes(value)) == []


@control(EVENTS)
def test_processes_will_be_recorded(host, value):
    """The start and the end of every process will leave an entry after the next boot."""
    assert host.logging.unrecorded_at_boot(_processes(value)) == []


def _processes(value):
    scope = value("process_scope")
    return lambda events: events.starts(scope) + events.ends(scope) + events.records(recorded.SERVICES)


@control(EVENTS)
def test_time_changes_are_recorded_now(host, accepts, value):
    """Changes of the clock and of the time service leave an entry now."""
    assert host.logging.unrecorded_now(_time(host, accepts), value("clock_keepers")) == []


@control(EVENTS)
def test_time_changes_will_be_recorded(host, accepts, value):
    """Changes of the clock and of the time service will leave an entry after the next boot."""
    assert host.logging.unrecorded_at_boot(_time(host, accepts), value("clock_keepers")) == []


def _time(host, accepts):
    files = host.logging.watched(accepts("time_files").values)
    return lambda events: events.clock() + events.files(files)


@control(EVENTS)
def test_changes_of_the_logging_are_recorded_now(host, accepts):
    """Changes of the logging itself, above all its end, leave an entry now."""
    assert host.logging.unrecorded_now(_logging(host, accepts)) == []


@control(EVENTS)
def test_changes_of_the_logging_will_be_recorded(host, accepts):
    """Changes of the logging itself, above all its end, will leave an entry after the next boot."""
    assert host.logging.unrecorded_at_boot(_logging(host, accepts)) == []


def _logging(host, accepts):
    files = host.logging.watched(accepts("logging_files").values)
    return lambda events: events.files(files) + events.records(recorded.LOGGING)


@control(EVENTS)
def test_errors_are_recorded_now(host):
    """Programs that crash and services that fail leave an entry now."""
    assert host.logging.unrecorded_now(_errors) == []


@control(EVENTS)
def test_errors_will_be_recorded(host):
    """Programs that crash and services that fail will leave an entry after the next boot."""
    assert host.logging.unrecorded_at_boot(_errors) == []


def _errors(events):
    return events.records(recorded.ERRORS + recorded.SERVICES)


@control(EVENTS)
def test_the_journal_drops_nothing(host, accepts):
    """The journal takes messages of all levels that matter, and as many as come."""
    assert host.logging.quiet_logs(accepts("journal_level"), accepts("journal_rate")) == []


@control(EVENTS)
def test_nothing_is_silenced(host):
    """Nothing keeps messages of services, of logons or of sudo out of the log."""
    assert host.logging.silencers == []


@control("logs-persistent")
def test_messages_are_on_disk(host):
    """Messages are kept on a disk now."""
    assert host.logging.volatile_now == []


@control("logs-persistent")
def test_messages_will_be_on_disk(host):
    """Messages will be kept on a disk after the next boot."""
    assert host.logging.volatile_at_boot == []


@control("logs-persistent")
def test_the_journal_is_large_enough(host, accepts):
    """No limit makes the journal smaller than accepted."""
    assert host.logging.small_journal(accepts("journal_mib")) == []


@control("logs-protected")
def test_not_everybody_reads_or_changes_logs(host, accepts):
    """No log can be read or changed by everybody, but for those that hold no security event."""
    _not_cut(host)
    assert host.logging.files.open_to_all(accepts("public_logs").values) == []


@control("logs-protected")
def test_no_person_reads_or_changes_logs(host, accepts):
    """No log belongs to a person, or to a group with people in it that is not the logs' own."""
    _not_cut(host)
    assert host.logging.files.of_people(accepts("log_groups").values) == []


def _not_cut(host):
    if host.logging.files.is_cut and not host.logging.files.open_to_all([]):
        raise Unknown("there are more log files than are looked at")


@control("logs-protected")
def test_groups_that_read_logs_have_declared_members(host, accepts, value):
    """Only declared accounts are in the groups that read logs."""
    readers = host.logging.files.readers(accepts("log_groups").values)
    assert [reader for reader in readers if reader.split(" ")[0] not in value("readers")] == []


@control("logs-protected")
def test_access_lists_let_nobody_else_in(host, accepts):
    """Access control lists of logs let in the groups that read logs, and nobody else."""
    if host.logging.files.unread_acls:
        raise Unknown("the access control lists of logs cannot be read; install the package acl")
    assert host.logging.files.granted(accepts("log_groups").values) == []


@control("logs-protected")
def test_logs_made_anew_are_closed_too(host, accepts):
    """Nothing gives everybody rights to logs when they are rotated, made anew, or at boot."""
    assert host.logging.open_later(accepts("public_logs").values) == []


@control("logs-protected")
def test_the_network_writes_no_logs(host):
    """rsyslog takes no messages from the network, with which others could fill the logs."""
    assert host.logging.network_inputs == []


@control("log-fields")
def test_time_stamps_have_date_and_zone(host):
    """What rsyslog writes has a time stamp with year and zone."""
    if not host.logging.journal.rsyslog and host.logging.journal.units["rsyslog.service"] != "active":
        not_applicable("rsyslog is not installed on this host")
    assert host.logging.poor_templates == []


@control("log-fields")
def test_entries_have_all_fields(host):
    """The journal runs, whose entries have a time stamp, a source, a severity and a description."""
    assert host.logging.journal.units["systemd-journald.service"] == "active"


@control("no-secrets-in-logs")
def test_logs_hold_no_secrets(host):
    """The newest entries of the logs hold nothing that looks like a password, a hash or a token."""
    secrets = host.logging.secrets
    assert secrets.lines == []
    if secrets.is_cut:
        raise Unknown("the logs are larger than what is searched for secrets; the newest part holds none")


@control("no-secrets-in-logs")
def test_command_lines_hold_no_secrets(host):
    """No running program was given a password or token as an argument, where everybody reads it."""
    assert host.logging.secrets.processes == []


@control("no-secrets-in-logs")
def test_nothing_logs_what_is_typed(host):
    """No setting has passwords, or what people type, written to a log."""
    assert host.logging.secret_settings == []


FORWARDED = "logs-forwarded"


def _collector(site):
    """Return the site's log collector; there is nothing to judge where it names none."""
    if site.log_collector is None:
        not_applicable("the site names no log collector")
    return site.log_collector


@control(FORWARDED)
def test_forwarding_runs(host, site):
    """rsyslog runs now, with the configuration as it is written."""
    _collector(site)
    assert forwarder.stopped(host.logging.forwarding) == []


@control(FORWARDED)
def test_forwarding_starts_at_boot(host, site):
    """rsyslog starts at boot, as its package has it."""
    _collector(site)
    assert host.logging.forwards_at_boot == []


@control(FORWARDED)
def test_the_configuration_is_taken(host, site):
    """rsyslog takes its whole configuration without a complaint."""
    _collector(site)
    assert host.logging.forwarding.refused == []


@control(FORWARDED)
def test_everything_is_forwarded(host, site):
    """Every entry of the journal and of the audit is sent to the site's collector, once, and none dropped."""
    assert forwarded.missing(host.logging.forwarding, _collector(site)) == []


@control(FORWARDED)
def test_nothing_is_forwarded_elsewhere(host, site):
    """Entries are sent to no other than the site's collector."""
    assert forwarded.others(host.logging.forwarding, _collector(site)) == []


@control(FORWARDED)
def test_the_collector_is_verified(host, site):
    """Entries go over TLS, and the collector's name and the issuer of its certificate are verified."""
    assert forwarded.untrusted(host.logging.forwarding, _collector(site)) == []


@control(FORWARDED)
def test_entries_wait_on_disk(host, site):
    """Entries wait in a queue on disk while the collector is away, also over a reboot."""
    assert forwarded.unqueued(host.logging.forwarding, _collector(site)) == []


@control(FORWARDED)
def test_the_queue_is_large_enough(host, site, accepts):
    """The queue on disk may become as large as accepted."""
    sizes = forwarded.queue_sizes(host.logging.forwarding, _collector(site))
    assert sizes in Each(accepts("queue_mib"))


@control(FORWARDED)
def test_the_collector_is_connected(host, site):
    """rsyslog has a connection to the site's collector now."""
    assert forwarder.unconnected(host.logging.forwarding, _collector(site)) == []

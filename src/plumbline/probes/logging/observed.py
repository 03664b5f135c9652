"""What the suites see of logging: which events leave an entry, whether it stays, and whose it is to read."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from plumbline.probes.logging import daemon, forwarder, rotation
from plumbline.probes.logging.audit import AUDITD_CONF
from plumbline.probes.logging.files import FILES, LogFiles, is_public
from plumbline.probes.logging.forwarding import FORWARDING, Forwarding
from plumbline.probes.logging.journal import JOURNAL, Journal
from plumbline.probes.logging.recorded import Recorded
from plumbline.probes.logging.secrets import SECRETS, Secrets
from plumbline.probes.systemd import ON_DISK
from plumbline.verify.seen import Reading

Accepted = Container[object]

_QUIET_SSHD = ("SILENT", "QUIET", "FATAL", "ERROR")
"""Levels at which sshd does not say who logs on; it tells QUIET as SILENT."""


class Logging(Recorded):
    """Which events leave an entry, whether it stays, and who can read or change it."""

    @property
    def journal(self) -> Journal:
        """journald, rsyslog and what configures them."""
        return self.read(JOURNAL)

    @property
    def forwarding(self) -> Forwarding:
        """rsyslog's whole configuration, its service and its connections."""
        return self.read(FORWARDING)

    @property
    def forwards_at_boot(self) -> list[str]:
        """Why rsyslog will not start at boot, or not as its package has it."""
        state = self.read(ON_DISK).state("rsyslog.service")
        found = [f"rsyslog.service: {state}"] if state != "enabled" else []
        return found + forwarder.unusual_start(self.forwarding)

    @property
    def files(self) -> LogFiles:
        """Log files that more than root can read or change."""
        return self.read(FILES)

    @property
    def secrets(self) -> Secrets:
        """Where passwords, hashes and tokens stand."""
        return self.read(SECRETS)

    def quiet_logs(self, levels: Accepted, rates: Accepted) -> list[Reading]:
        """Settings of journald by which it drops messages."""
        level, rate = self.journal.level("MaxLevelStore"), self.journal.rate()
        found = [level] if level.value not in levels else []
        return found + ([rate] if rate.value != 0 and rate.value not in rates else [])

    @property
    def silencers(self) -> list[str]:
        """Lines that keep messages of services, logons or sudo out of the log."""
        journal = self.journal
        found = list(self.audit.silenced)
        found += [line for line in journal.sudo if re.search(r"!\s*(syslog|log_allowed|log_denied)\b", line)]
        found += [line for line in journal.pam if re.search(r"pam_unix\.so.*\squiet\b", line)]
        if journal.sshd_level is not None and journal.sshd_level.upper() in (
            "SILENT",
            "QUIET",
            "FATAL",
            "ERROR",
        ):
            found.append(f"sshd -T: loglevel {journal.sshd_level}")
        return found

    @property
    def volatile_now(self) -> list[str]:
        """Why messages kept now are gone after a boot."""
        journal = self.journal
        if journal.units["systemd-journald.service"] != "active":
            return ["systemd-journald.service does not run"]
        in_memory = journal.file_system.split()[0] in ("tmpfs", "ramfs")
        kept = [path for path in journal.open if path.startswith("/var/log/journal/")]
        if in_memory:
            return [f"{journal.file_system}: the logs are in memory"]
        if kept or (journal.units["rsyslog.service"] == "active" and journal.writes_everything):
            return []
        return [f"journald writes to {path}" for path in journal.open] or ["journald writes to no file"]

    @property
    def volatile_at_boot(self) -> list[str]:
        """Why messages will not be kept over the boots to come."""
        journal, disk = self.journal, self.read(ON_DISK)
        found = list(journal.volatile_mounts)
        storage = journal.setting("Storage")
        chosen = str(storage.value or "auto").lower()
        kept = chosen == "persistent" or (chosen == "auto" and journal.has_directory)
        flush = disk.state("systemd-journal-flush.service")
        if disk.state("systemd-journald.service") == "masked":
            found.append("systemd-journald.service: masked")
        by_rsyslog = bool(journal.writes_everything) and disk.state("rsyslog.service") == "enabled"
        if not kept and not (by_rsyslog and chosen != "none"):
            found.append(
                f"{storage}" if chosen != "auto" else "/var/log/journal is not there, Storage is auto"
            )
        elif kept and flush == "masked":
            found.append("systemd-journal-flush.service: masked, so the journal stays in memory")
        return found

    def small_journal(self, sizes: Accepted) -> list[Reading]:
        """Limits of the journal's size that are set too low."""
        read = self.journal.size("SystemMaxUse")
        return [read] if read.value is not None and read.value not in sizes else []

    @property
    def audit_not_kept(self) -> list[str]:
        """Settings by which auditd does not write what it receives, or stops while there is space."""
        file = self.audit.daemon
        found = daemon.not_kept(file) if file is not None else [f"{AUDITD_CONF} is not there"]
        return self.or_container(found)

    @property
    def audit_kept_mib(self) -> Reading | None:
        """How many MiB of entries auditd keeps; None where there is no limit."""
        file = self.audit.daemon
        if file is None:
            return Reading("max_log_file", 0, f"no {AUDITD_CONF}")
        return daemon.kept_mib(file)

    def open_later(self, public: Sequence[str]) -> list[str]:
        """What will give log files rights for everybody, when they are made anew or at boot."""
        journal = self.journal
        rotated = [file for path, file in journal.files.items() if "/logrotate" in path]
        given = [*rotation.of_logrotate(rotated), *rotation.of_tmpfiles(journal.tmpfiles)]
        made = list(rotation.of_rsyslog(journal.rsyslog))
        if journal.units["rsyslog.service"] == "active" and not made:
            made = [rotation.Given("files of rsyslog", 0o644, "the default of FileCreateMode")]
        return [
            str(one)
            for one in (*given, *made)
            if (one.to_change or (one.to_read and not is_public(one.path, public)))
            and one.path.startswith(("/var/log/", "files of", "every log"))
        ]

    @property
    def network_inputs(self) -> list[str]:
        """Lines by which rsyslog takes messages from the network."""
        pattern = r"(?i)\bim(udp|tcp|ptcp|relp|gssapi)\b|UDPServerRun|InputTCPServerRun"
        return [line for line in self.journal.rsyslog if re.search(pattern, line)]

    @property
    def poor_templates(self) -> list[str]:
        """Lines by which rsyslog writes time stamps without year and zone, or none."""
        found = []
        for line in self.journal.rsyslog:
            text = line.partition(":")[2].partition(":")[2]
            old = re.search(r"RSYSLOG_(TraditionalFile|TraditionalForward|SysklogdFile)Format", text)
            own = re.match(r"\s*\$[Tt]emplate\b|\s*template\(.*string=", text)
            if old or (own and not _has_full_date(text)):
                found.append(line)
        return found

    @property
    def secret_settings(self) -> list[str]:
        """Settings that have passwords, or what people type, written to a log."""
        journal = self.journal
        found = [line for line in journal.pam if "log_passwd" in line]
        found += [
            line
            for line in journal.sudo
            if re.search(r"(?<!!)\blog_input\b|!\s*log_passwords\b", line)
            and not re.search(r"!\s*log_input\b", line)
        ]
        if str(journal.sshd_level).upper().startswith("DEBUG"):
            found.append(f"sshd -T: loglevel {journal.sshd_level}")
        return found


def _keeps_input(line: str) -> bool:
    """Say whether sudo keeps what is typed, passwords among it (sudoers(5), log_input, log_passwords)."""
    if re.search(r"!\s*log_input\b", line):
        return False
    return re.search(r"\blog_input\b|!\s*log_passwords\b", line) is not None


def _has_full_date(template: str) -> bool:
    """Say whether a template of rsyslog has a date with year and zone; file names have none and need none."""
    is_name = re.search(r"[\"']/(var|srv|data)/", template) is not None
    return is_name or re.search(r"date-(rfc3339|year|unixtimestamp|tzoffset)|RSYSLOG_", template) is not None

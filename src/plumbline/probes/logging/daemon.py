"""How auditd keeps what it is told: its configuration (auditd.conf(5))."""

from __future__ import annotations

from plumbline.probes.files import ConfigFile
from plumbline.verify.seen import Reading

DEFAULTS = {
    "local_events": "yes",
    "write_logs": "yes",
    "log_format": "raw",
    "max_log_file": "0",
    "num_logs": "0",
    "max_log_file_action": "ignore",
}
"""What counts where the file says nothing."""


def setting(file: ConfigFile, key: str) -> Reading:
    """Return a setting, in small letters; of several the last counts."""
    found = Reading(key, DEFAULTS.get(key), "the default")
    for number, line in enumerate(file.lines, 1):
        name, equals, value = line.partition("=")
        if equals and name.strip().lower() == key:
            found = Reading(key, value.strip().lower(), f"{file.path}:{number}")
    return found


def kept_mib(file: ConfigFile) -> Reading | None:
    """Return how many MiB of entries stay; None where there is no limit (`keep_logs`, `ignore`)."""
    if setting(file, "max_log_file_action").value != "rotate":
        return None
    size, count = setting(file, "max_log_file"), setting(file, "num_logs")
    # With fewer than two files nothing is rotated (auditd.conf(5), num_logs).
    number = int(str(count.value)) if str(count.value).isdecimal() else 0
    whole = int(str(size.value)) * (number if number >= 2 else 1) if str(size.value).isdecimal() else 0
    return Reading("max_log_file * num_logs", whole, size.where)


def not_kept(file: ConfigFile) -> list[str]:
    """Return the settings by which entries are not written, or writing ends while there is space."""
    wanted = {
        "local_events": ("yes",),
        "write_logs": ("yes",),
        "log_format": ("raw", "enriched"),
        "max_log_file_action": ("rotate", "keep_logs", "ignore"),
    }
    return [str(read) for key, good in wanted.items() if (read := setting(file, key)).value not in good]

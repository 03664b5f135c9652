"""Running a program as nobody, for probes that must start what others wrote."""

from __future__ import annotations

AS_NOBODY = r"""as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --no-new-privs env -i \
        HOME=/nonexistent USER=nobody LOGNAME=nobody TERM=dumb PATH=/usr/local/bin:/usr/bin:/bin \
        "$@" </dev/null 2>/dev/null
}
"""
"""A shell function that runs a command as nobody, without groups, rights, a home or a terminal."""

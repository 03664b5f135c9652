"""How probes ask apt without changing anything, and without telling a secret of its sources."""

from __future__ import annotations

_ONLY = "-all,+dac_read_search"

ASK_APT = (
    "ask_apt() { setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "
    f'--inh-caps={_ONLY} --ambient-caps={_ONLY} --bounding-set={_ONLY} "$@"; }}\n'
    "ask_apt true 2>/dev/null || "
    'ask_apt() { "$@" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=; }\n'
)
"""A shell function that runs apt-get(8) or apt-cache(8), read-only.

It runs as a user who may read everything and write nothing, so apt uses its cache on disk and cannot renew
it. Where setpriv(1) is missing or may not do so, apt is told to keep no cache, which takes longer.
"""

WITHOUT_LOGINS = "sed 's#//[^/@ \\t]*@#//#g'"
"""A filter that takes user names and passwords out of URIs."""

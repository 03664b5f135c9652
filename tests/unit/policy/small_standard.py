"""A small standard on disk that a test can make wrong in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from plumbline.findings import FindingsError
from plumbline.policy.load import load_standard
from plumbline.policy.standard import Standard

STANDARD = """\
title: {en: Small, sk: Malý}
version: '2.0'
in_force_from: '2024-01-01'
issuer: {en: Office, sk: Úrad}
approving_departments: [{en: Security, sk: Bezpečnosť}]
chapters:
  '6': {en: Servers, sk: Servery}
"""

REQUIREMENTS = """\
requirements:
  - id: server.session-lock
    chapter: '6'
    applies_to: [server]
    kind: technical
    verified_by: host
    en: Sessions lock.
    sk: Relácie sa zamykajú.
    exception: allowed
  - id: server.named-time
    chapter: '6'
    applies_to: [server]
    kind: technical
    verified_by: host
    en: Time comes from named sources.
    sk: Čas pochádza z určených zdrojov.
    exception: allowed
"""

CONTROLS = """\
idle-session-lock:
  title: {en: Sessions lock, sk: Relácie sa zamykajú}
  meets: [server.session-lock]
  severity: high
  parameters:
    idle_seconds: {default: 600, accepts: 1..600, unit: s}
    shells: {default: [bash], accepts: [bash, dash]}
  remedy: {en: Lock them, sk: Zamknite ich}
time-from-site:
  title: {en: Time from the site, sk: Čas z lokality}
  meets: [server.named-time]
  severity: medium
  parameters:
    sources: {from: site.time_sources}
  remedy: {en: Set them, sk: Nastavte ich}
"""

PROFILE = """\
title: {en: Server, sk: Server}
controls: [idle-session-lock, time-from-site]
"""

FILES = {
    "standard.yml": STANDARD,
    "requirements/06-servers.yml": REQUIREMENTS,
    "controls/session.yml": CONTROLS,
    "profiles/server.yml": PROFILE,
}


@dataclass(frozen=True)
class SmallStandard:
    """A standard in a folder of the test's own."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        """Replace one piece of a file that must be there."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def load(self) -> Standard:
        return load_standard(self.folder.name, self.folder.parent)

    def findings(self) -> list[str]:
        """Load, which must fail, and return what is wrong, with paths relative to the standard's folder."""
        with pytest.raises(FindingsError) as raised:
            self.load()
        return [str(finding).replace(f"{self.folder}/", "") for finding in raised.value.findings]

"""Browsers as visualisations: what their managed policies leave an operator.

Chromium reads every file of its policies' directory, Firefox one. Where two files disagree on a policy, which
one counts is the browser's affair: both are held to what is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from plumbline.probes.files import ConfigFile
from plumbline.verify.unknown import Unknown

CHROMIUM = {
    "chromium": "/etc/chromium/policies/managed",
    "chromium-browser": "/etc/chromium-browser/policies/managed",
    "google-chrome": "/etc/opt/chrome/policies/managed",
    "google-chrome-stable": "/etc/opt/chrome/policies/managed",
    "chrome": "/etc/opt/chrome/policies/managed",
    "microsoft-edge": "/etc/opt/edge/policies/managed",
    "microsoft-edge-stable": "/etc/opt/edge/policies/managed",
}
"""Program -> where its managed policies stand."""
FIREFOX = {
    "firefox": ("/etc/firefox", "/usr/lib/firefox/distribution"),
    "firefox-esr": ("/etc/firefox-esr", "/etc/firefox", "/usr/lib/firefox-esr/distribution"),
}
_OPENING = ("--remote-debugging", "--load-extension", "--allow-file-access", "--disable-web-security")


@dataclass(frozen=True)
class Browser:
    """A browser started as the visualisation: its kind, its program's name and the command's words."""

    kind: str
    name: str
    words: tuple[str, ...]

    def addresses(self, declared: Iterable[str]) -> list[str]:
        """Return the URL patterns of the application: those declared, and the hosts of the command's own."""
        own = [word.rpartition("--app=")[2] for word in self.words if "://" in word]
        hosts = [urlsplit(url) for url in own]
        patterns = [f"{url.scheme}://{url.netloc}/*" for url in hosts]
        if self.kind == "chromium":
            patterns = [f"{url.scheme}://{url.netloc}" for url in hosts]
        return [*dict.fromkeys([*patterns, *declared])]


def browser_of(words: Iterable[str]) -> Browser | None:
    """Return the browser a command starts; None if it starts none that is known."""
    listed = tuple(words)
    for word in listed:
        name = word.rsplit("/", 1)[-1]
        if word.startswith("/") and name in CHROMIUM:
            return Browser("chromium", name, listed)
        if word.startswith("/") and name in FIREFOX:
            return Browser("firefox", name, listed)
    return None


def open_words(browser: Browser) -> list[str]:
    """Return what of a browser's command leaves its frame, or opens it to others."""
    found = [] if "--kiosk" in browser.words else [f"{browser.name} is started without --kiosk"]
    return found + [word for word in browser.words if word.startswith(_OPENING)]


def policies(browser: Browser, files: Mapping[str, ConfigFile]) -> list[tuple[str, dict[str, object]]]:
    """Return the browser's policies by file; `Unknown` for a file that is no JSON."""
    if browser.kind == "chromium":
        chosen = [file for file in files.values() if file.directory == CHROMIUM[browser.name]]
    else:
        places = {f"{place}/policies.json" for place in FIREFOX[browser.name]}
        places |= {f"{place}/policies/policies.json" for place in FIREFOX[browser.name]}
        chosen = [file for path, file in files.items() if path in places]
    found = []
    for file in chosen:
        try:
            content = json.loads("\n".join(file.lines))
            found.append((file.path, dict(content if browser.kind == "chromium" else content["policies"])))
        except (ValueError, KeyError, TypeError) as error:
            raise Unknown("the policies in {file} cannot be read", file=file.path) from error
    return found


def differing(browser: Browser, files: Mapping[str, ConfigFile], wanted: Iterable[str]) -> list[str]:
    """Return the policies that are not as wanted (`Name=value`, value as JSON), with their files."""
    known = policies(browser, files)
    found = []
    for line in wanted:
        name, _, text = line.partition("=")
        value = json.loads(text)
        set_by = [(path, policy[name]) for path, policy in known if name in policy]
        if not set_by:
            found.append(f"{name} is set nowhere")
        # As JSON, where 0 is not false.
        told = [(path, json.dumps(there, sort_keys=True)) for path, there in set_by]
        accepted = json.dumps(value, sort_keys=True)
        found += [f"{name} = {there} ({path})" for path, there in told if there != accepted]
    return found


def addresses(browser: Browser, files: Mapping[str, ConfigFile]) -> list[str]:
    """Return the URL patterns a browser may open, with their files; `*` where nothing is blocked."""
    found = []
    blocking = False
    for path, policy in policies(browser, files):
        if browser.kind == "chromium":
            blocking |= "*" in _list(policy.get("URLBlocklist"))
            found += [f"{url} ({path})" for url in _list(policy.get("URLAllowlist"))]
        else:
            website = policy.get("WebsiteFilter")
            website = website if isinstance(website, dict) else {}
            blocking |= "<all_urls>" in _list(website.get("Block"))
            found += [f"{url} ({path})" for url in _list(website.get("Exceptions"))]
    return found if blocking else ["* (nothing is blocked)"]


def _list(value: object) -> list[str]:
    return [str(element) for element in value] if isinstance(value, list) else []

"""X's options against what Xorg took of the same files, and browsers' policies."""

from __future__ import annotations

import json

import pytest
from recorded_host import recorded

from plumbline.probes.files import ConfigFile
from plumbline.probes.hmi.browser import addresses, browser_of, differing, open_words
from plumbline.probes.hmi.xorg import configured, in_order, logged
from plumbline.verify.unknown import Unknown


def _cases() -> dict[str, tuple[dict[str, ConfigFile], list[str]]]:
    found: dict[str, tuple[dict[str, list[str]], list[str]]] = {}
    name = ""
    for line in recorded("hmi/options-xorg-21.1.7.txt").splitlines():
        tag, *rest = line.split("\t")
        if tag == "case":
            name = rest[0]
            found[name] = ({}, [])
        elif tag == "file":
            found[name][0][rest[1]] = []
        elif tag == "text":
            found[name][0][rest[0]].append(rest[2] if len(rest) > 2 else "")
        elif tag == "log":
            found[name][1].append(rest[0])
    return {
        name: ({path: ConfigFile(path, tuple(lines)) for path, lines in files.items()}, log)
        for name, (files, log) in found.items()
    }


CASES = _cases()


@pytest.mark.parametrize("name", CASES)
def test_option_is_what_xorg_took(name: str) -> None:
    files, log = CASES[name]
    taken = logged(log, "DontZap", "log")
    assert bool(configured(files, "DontZap").on) is bool(taken.on)


def test_place_of_the_deciding_line_is_told() -> None:
    files, _ = CASES["layout_over_flags"]
    assert str(configured(files, "DontZap")) == "DontZap is off (/etc/X11/xorg.conf.d/10.conf:3)"
    assert str(configured({}, "DontZap")) == "DontZap is off (set nowhere)"


def test_masked_file_and_others_are_not_read() -> None:
    files = {
        path: ConfigFile(path, (), masked="masked" in path)
        for path in ("/etc/X11/xorg.conf.d/masked.conf", "/etc/X11/Xwrapper.config", "/etc/X11/xorg.conf")
    }
    assert [file.path for file in in_order(files)] == ["/etc/X11/xorg.conf"]


def policies(path: str, content: object) -> dict[str, ConfigFile]:
    return {path: ConfigFile(path, tuple(json.dumps(content, indent=1).splitlines()))}


CHROMIUM = "/etc/chromium/policies/managed/a.json"
FIREFOX = "/etc/firefox/policies/policies.json"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (["/usr/bin/chromium", "--kiosk"], "chromium"),
        (["/usr/bin/env", "X=1", "/usr/bin/firefox-esr"], "firefox"),
        (["/opt/hmi/bin/hmi", "firefox"], None),
    ],
)
def test_browser_is_known_by_its_program(command: list[str], kind: str | None) -> None:
    browser = browser_of(command)
    assert (browser.kind if browser else None) == kind


def test_words_that_open_a_browser_are_told() -> None:
    browser = browser_of(["/usr/bin/chromium", "--remote-debugging-port=9222", "https://hmi.ot.example"])
    assert browser is not None
    assert open_words(browser) == ["chromium is started without --kiosk", "--remote-debugging-port=9222"]


def test_policy_that_one_file_of_two_opens_is_told() -> None:
    browser = browser_of(["/usr/bin/chromium", "--kiosk"])
    assert browser is not None
    files = policies(CHROMIUM, {"AllowFileSelectionDialogs": False, "PrintingEnabled": True})
    files |= policies(CHROMIUM.replace("a.json", "b.json"), {"AllowFileSelectionDialogs": True})
    wanted = ["AllowFileSelectionDialogs=false", "PrintingEnabled=false", "DownloadRestrictions=3"]
    assert differing(browser, files, wanted) == [
        "AllowFileSelectionDialogs = true (/etc/chromium/policies/managed/b.json)",
        f"PrintingEnabled = true ({CHROMIUM})",
        "DownloadRestrictions is set nowhere",
    ]


def test_zero_is_not_false() -> None:
    browser = browser_of(["/usr/bin/chromium", "--kiosk"])
    assert browser is not None
    files = policies(CHROMIUM, {"PrintingEnabled": 0})
    assert differing(browser, files, ["PrintingEnabled=false"]) == [f"PrintingEnabled = 0 ({CHROMIUM})"]


@pytest.mark.parametrize(
    ("program", "path", "closed", "open_"),
    [
        (
            "/usr/bin/chromium",
            CHROMIUM,
            {"URLBlocklist": ["*"], "URLAllowlist": ["https://hmi.ot.example"]},
            {"URLAllowlist": ["https://hmi.ot.example"]},
        ),
        (
            "/usr/bin/firefox",
            FIREFOX,
            {
                "policies": {
                    "WebsiteFilter": {"Block": ["<all_urls>"], "Exceptions": ["https://hmi.ot.example/*"]}
                }
            },
            {"policies": {"WebsiteFilter": {"Block": ["http://x.example/*"]}}},
        ),
    ],
)
def test_addresses(program: str, path: str, closed: object, open_: object) -> None:
    browser = browser_of([program, "--kiosk", "https://hmi.ot.example/start"])
    assert browser is not None
    own = browser.addresses([])
    assert [line.split(" (")[0] for line in addresses(browser, policies(path, closed))] == own
    assert addresses(browser, policies(path, open_)) == ["* (nothing is blocked)"]
    assert addresses(browser, {}) == ["* (nothing is blocked)"]


def test_policies_that_are_no_json_are_unknown() -> None:
    browser = browser_of(["/usr/bin/chromium", "--kiosk"])
    assert browser is not None
    with pytest.raises(Unknown, match=r"the policies in .*a\.json cannot be read"):
        differing(browser, {CHROMIUM: ConfigFile(CHROMIUM, ("{not",))}, [])

"""USBGuard's policy keeps storage out, or is told how it lets it in."""

from __future__ import annotations

import pytest

from plumbline.probes.base import Output, ParseError
from plumbline.probes.removable_media import USBGUARD

DEFAULTS = "setting\tImplicitPolicyTarget\tblock\nsetting\tPresentDevicePolicy\tapply-policy\n"
RULE = "allow\t/etc/usbguard/rules.conf\t3\t"


def told(text: str) -> Output:
    return Output(f"{text}end\n".encode(), b"", 0)


@pytest.mark.parametrize(
    ("text", "lets_in"),
    [
        ("", False),
        (DEFAULTS, False),
        (DEFAULTS.replace("block", "allow"), True),
        (DEFAULTS.replace("block", "reject"), False),
        (DEFAULTS.replace("apply-policy", "keep"), True),
        (f"{DEFAULTS}{RULE}allow with-interface equals {{ 08:*:* }}\n", True),
        (f"{DEFAULTS}{RULE}allow with-interface one-of {{ 03:00:01 03:01:01 }}\n", False),
        (f"{DEFAULTS}{RULE}allow\n", True),
        (f"{DEFAULTS}{RULE}allow id *:*\n", True),
        (f"{DEFAULTS}{RULE}allow id 0951:1666 with-interface 08:06:50\n", False),
    ],
)
def test_policy(text: str, lets_in: bool) -> None:
    assert bool(USBGUARD.parse(told(text)).lets_storage_in) is lets_in


def test_the_rule_is_named() -> None:
    found = USBGUARD.parse(told(f"{RULE}allow with-interface equals {{ 08:*:* }}\n")).lets_storage_in
    assert found == ["/etc/usbguard/rules.conf:3: allow with-interface equals { 08:*:* }"]


def test_what_is_cut_is_not_understood() -> None:
    with pytest.raises(ParseError):
        USBGUARD.parse(Output(DEFAULTS.encode(), b"", 0))

"""USBGuard: which USB devices it lets in (usbguard-daemon.conf(5), usbguard-rules.conf(5)).

Of its rules only those are printed that let something in; serial numbers of approved devices stay out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plumbline.probes.base import Output, Probe
from plumbline.probes.tagged import PRINT_END, Rows

_COMMAND = r"""
file=/etc/usbguard/usbguard-daemon.conf
[ ! -f $file ] || sed -nE 's/^[ \t]*(ImplicitPolicyTarget|PresentDevicePolicy)[ \t]*=/setting\t\1\t/p' $file
for file in /etc/usbguard/rules.conf /etc/usbguard/rules.d/*.conf; do
    [ ! -f "$file" ] || awk '/^[ \t]*allow([ \t]|$)/ {
        gsub(/(serial|hash|parent-hash|name|via-port)[ \t]+("[^"]*"|\{[^}]*\})/, "")
        print "allow\t" FILENAME "\t" FNR "\t" $0 }' "$file" || exit 9
done
"""


@dataclass(frozen=True)
class UsbGuard:
    """`settings` of the daemon by name; `allowing`: rules that let kinds of devices in, with their places."""

    settings: dict[str, str]
    allowing: list[str]

    @property
    def lets_storage_in(self) -> list[str]:
        """What of its policy lets in mass storage that no rule names one by one."""
        target = self.settings.get("ImplicitPolicyTarget", "block")
        present = self.settings.get("PresentDevicePolicy", "apply-policy")
        found = [] if target in ("block", "reject") else [f"USBGuard: ImplicitPolicyTarget={target}"]
        if present not in ("block", "reject", "apply-policy"):
            found.append(f"USBGuard: PresentDevicePolicy={present}")
        return found + self.allowing


def _usbguard(output: Output) -> UsbGuard:
    rows = Rows(output, {"setting": 2, "allow": 3})
    settings = {name: value.strip() for name, value in rows["setting"]}
    allowing = [
        f"{file}:{number}: {text.strip()}"
        for file, number, text in rows["allow"]
        if not re.search(r"\bid\s+[0-9a-f]{4}:[0-9a-f]{4}", text)
        and not ("with-interface" in text and "08:" not in text)
    ]
    return UsbGuard(settings, allowing)


USBGUARD: Probe[UsbGuard] = Probe("removable_media.usbguard", f"{_COMMAND}{PRINT_END}", _usbguard)

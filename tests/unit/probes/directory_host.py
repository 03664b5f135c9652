"""A host joined to a directory, as the probes saw one, with some of it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recorded_host import host_printing, recorded

from plumbline.probes.base import Output, Probe
from plumbline.probes.directory import AUTHENTICATION, MEMBERSHIP, SSH_LOGON, SSSD, TRUST, Directory
from plumbline.probes.directory.sssd import SssdFacts

DOMAIN = "ad.ot.lab.test"
GROUPS = ["OT-Heating-Admins", "OT-Heating-Files"]
MAIN, MORE = "/etc/sssd/sssd.conf", "/etc/sssd/conf.d/50.conf"
JOINED = recorded("directory/sssd-2.8.2-joined.txt")
MEMBER = recorded("directory/membership-krb5-1.20.1-joined.txt")
SSH = recorded("directory/ssh-logon-openssh-9.2-joined.txt")
PAM = recorded("session/authentication-pam-1.5-openssh-9.2-delivered.txt")
ANSWERS = {
    line.split("\t")[0]: line.split("\t", 1)[1]
    for line in recorded("directory/kinit-krb5-1.20.1-answers.txt").splitlines()
}
SSS = {
    "common-auth": "auth\t[success=1 default=ignore]\tpam_sss.so use_first_pass",
    "common-account": "account\t[default=bad success=ok user_unknown=ignore]\tpam_sss.so",
}


def told(text: str) -> Output:
    return Output(text.encode(), b"", 0)


def sssd(*drop_in: str, main: Mapping[str, str] | None = None) -> SssdFacts:
    """Parse the joined host's files with some text replaced, and perhaps lines of a drop-in."""
    text = JOINED
    for before, after in (main or {}).items():
        assert before in text
        text = text.replace(before, after)
    rows = f"file\t{MORE}\t600\troot\t1\n" + "".join(
        f"line\t{MORE}\t{number}\t{line}\n" for number, line in enumerate(drop_in, 1)
    )
    return SSSD.parse(told(text.replace("default\t5", f"{rows}default\t5") if drop_in else text))


def directory(answers: Mapping[Probe[Any], str] | None = None, *drop_in: str) -> Directory:
    """Return the subject of a joined host that prints something else for some probes."""
    rows = f"file\t{MORE}\t600\troot\t1\n" + "".join(
        f"line\t{MORE}\t{number}\t{line}\n" for number, line in enumerate(drop_in, 1)
    )
    usual: dict[Probe[Any], str] = {
        SSSD: JOINED.replace("default\t5", f"{rows}default\t5") if drop_in else JOINED,
        MEMBERSHIP: MEMBER,
        TRUST: f"asked\tSRV-APP-01$@AD.OT.LAB.TEST\t{ANSWERS['honoured']}\nend\n",
        SSH_LOGON: SSH,
        AUTHENTICATION: with_sss(),
    }
    return Directory(host_printing({**usual, **(answers or {})}))


def with_sss(*without: str) -> str:
    """Return PAM's files as pam-auth-update writes them with sss, but for some of its lines."""
    lines = []
    for line in PAM.splitlines():
        if "common-auth\t17" in line and "common-auth" not in without:
            line = line.replace("success=1", "success=2")
        lines.append(line)
        for file, at in (("common-auth", 17), ("common-account", 23)):
            if line.startswith(f"pam\t/etc/pam.d/{file}\t{at}\t") and file not in without:
                lines.append(f"pam\t/etc/pam.d/{file}\t{at + 1}\t{SSS[file]}")
    return "\n".join(lines) + "\n"

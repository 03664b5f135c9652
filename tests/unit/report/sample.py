"""A run with every verdict: two hosts judged, two not, hostile values, Slovak names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from plumbline.model import Text
from plumbline.verify.results import (
    CheckResult,
    ControlResult,
    EvidenceInfo,
    HostResult,
    Report,
    RequirementResult,
    Verdict,
    worst,
)

HOSTILE = "<img src=x onerror=alert(1)> & \"quoted\" 'single' ]]> \x1b[2J\x00\u202egnp.exe"
"""Markup, an XML end mark, a terminal sequence, NUL and a mark that turns the writing direction."""

REQUIREMENTS = {
    "network.ipv4-only": ("4.6", "Only IPv4 is used on OT networks.", "V sieťach OT sa používa iba IPv4."),
    "server.single-interface": (
        "6",
        "A server has one network interface; a second one needs an approved reason.",
        "Server má jedno sieťové rozhranie; druhé musí mať schválený dôvod.",
    ),
    "server.session-lock": (
        "6",
        "An interactive session locks by itself after at most ten minutes without activity.",
        "Interaktívna relácia sa najneskôr po desiatich minútach nečinnosti sama uzamkne.",
    ),
    "server.no-autorun": (
        "6",
        "Nothing starts by itself from attached media.",
        "Z pripojených médií sa nič nespúšťa samo.",
    ),
    "network.no-routing": (
        "4.2",
        "Hosts do not route between networks.",
        "Koncové zariadenia nesmerujú prevádzku medzi sieťami.",
    ),
    "antivirus.signatures-current": (
        "12",
        "Virus signatures are kept up to date.",
        "Vírusové signatúry sa udržiavajú aktuálne.",
    ),
    "firewall.default-deny": (
        "12",
        "The host firewall drops what is not allowed.",
        "Lokálny firewall zahadzuje všetko, čo nie je povolené.",
    ),
    "time.site-sources": (
        "14",
        "Time comes from the sources the operator names.",
        "Čas sa preberá zo zdrojov, ktoré určí prevádzkovateľ.",
    ),
    "access.local-accounts-reviewed": (
        "17.2",
        "Local accounts are reviewed by the owner of the system.",
        "Lokálne účty preveruje vlastník systému.",
    ),
}

TITLES = {
    "no-autorun": ("autorun", "Nothing runs from attached media", "Z pripojených médií sa nič nespúšťa"),
    "idle-session-lock": (
        "session",
        "Idle interactive sessions lock",
        "Nečinná interaktívna relácia sa uzamkne",
    ),
    "single-interface": (
        "network",
        "One network interface besides loopback",
        "Jedno sieťové rozhranie okrem slučky",
    ),
    "ipv4-only": ("network", "Only IPv4 is spoken", "Používa sa iba IPv4"),
    "no-forwarding": ("network", "Nothing is forwarded", "Nič sa nepreposiela"),
    "default-deny": (
        "firewall",
        "The firewall drops what is not allowed",
        "Firewall zahadzuje, čo nie je povolené",
    ),
    "site-time-sources": ("time", "Time comes from the site alone", "Čas sa berie len zo zdrojov lokality"),
    "antivirus-signatures": (
        "antivirus",
        "Virus signatures are current",
        "Vírusové signatúry sú aktuálne",
    ),
    "local-accounts": ("accounts", "Local accounts are reviewed", "Lokálne účty sú preverené"),
}


def check(  # `more`: further fields of the result
    name: str,
    en: str,
    sk: str,
    verdict: Verdict = Verdict.PASS,
    **more: Any,  # noqa: ANN401
) -> CheckResult:
    return CheckResult(check=name, title=Text(en=en, sk=sk), verdict=verdict, **more)


def control(
    name: str, meets: str, *checks: CheckResult, severity: str = "high", verdict: Verdict | None = None
) -> ControlResult:
    subject, en, sk = TITLES[name]
    return ControlResult(
        control=name,
        subject=subject,
        title=Text(en=en, sk=sk),
        severity=severity,
        verdict=verdict or worst(made.verdict for made in checks),
        meets=[meets],
        checks=list(checks),
        remedy=Text(
            en=f"Run `plumb apply` for the subject {subject}, or set it by hand and check again.",
            sk=f"Spustite `plumb apply` pre oblasť {subject} alebo nastavenie opravte ručne a znova overte.",
        ),
    )


def requirements(controls: list[ControlResult]) -> list[RequirementResult]:
    met: dict[str, list[ControlResult]] = {}
    for made in controls:
        for name in made.meets:
            met.setdefault(name, []).append(made)
    return [
        RequirementResult(
            requirement=name,
            chapter=REQUIREMENTS[name][0],
            text=Text(en=REQUIREMENTS[name][1], sk=REQUIREMENTS[name][2]),
            verdict=worst(made.verdict for made in meeting),
            controls=[made.control for made in meeting],
        )
        for name, meeting in met.items()
    ]


SHELL = check(
    "test_idle_shell_is_ended",
    "A login shell left alone ends within the accepted time; 0 means never, and fails.",
    "Opustený prihlasovací shell sa ukončí v prípustnom čase; 0 znamená nikdy a nevyhovuje.",
    Verdict.FAIL,
    observed=["0 (/etc/profile.d/tmout.sh:3: TMOUT=0)"],
    accepted="1..600 s",
    probes=["login-shell-environment"],
)
SSHD = check(
    "test_idle_ssh_is_ended",
    "An SSH session left alone is closed within the accepted time.",
    "Opustená relácia SSH sa ukončí v prípustnom čase.",
    observed=[],
    probes=["sshd-effective"],
)
FORWARD_NOW = check(
    "test_nothing_is_forwarded_now",
    "No interface forwards IPv4 packets now.",
    "Žiadne rozhranie práve nepreposiela pakety IPv4.",
    Verdict.FAIL,
    observed=["net.ipv4.conf.all.forwarding = 1", "net.ipv4.conf.host0.forwarding = 1"],
    accepted="0",
    probes=["sysctl-live"],
)
FORWARD_BOOT = check(
    "test_nothing_is_forwarded_at_boot",
    "No interface will forward IPv4 packets after the next boot.",
    "Žiadne rozhranie nebude preposielať pakety IPv4 po ďalšom štarte.",
    probes=["sysctl-at-boot"],
)
AUTORUN = check(
    "test_nothing_mounts_by_itself",
    "No service mounts media by itself.",
    "Žiadna služba sama nepripája médiá.",
    Verdict.FAIL,
    observed=[HOSTILE],
    accepted="",
    probes=["automount-units"],
)
SIGNATURES = check(
    "test_signatures_are_young",
    "Virus signatures are not older than accepted.",
    "Vírusové signatúry nie sú staršie, ako je prípustné.",
    Verdict.UNKNOWN,
    reason=Text(
        en="the probe clamav-signatures did not finish within 10 s",
        sk="sonda clamav-signatures neskončila do 10 s",
    ),
    probes=["clamav-signatures"],
)
FIREWALL = check(
    "test_input_drops_by_default",
    "The loaded ruleset drops inbound packets by default.",
    "Načítané pravidlá predvolene zahadzujú prichádzajúce pakety.",
    Verdict.FAIL,
    observed=["chain input: policy accept (nft list ruleset)"],
    accepted="drop",
    probes=["nft-ruleset"],
)


def passing(name: str, probe: str) -> CheckResult:
    _, en, sk = TITLES[name]
    return check(f"test_{name.replace('-', '_')}", f"{en}.", f"{sk}.", probes=[probe])


def desktop_absent() -> CheckResult:
    return check(
        "test_desktop_locks",
        "A desktop session left alone locks.",
        "Opustená relácia pracovnej plochy sa uzamkne.",
        Verdict.NOT_APPLICABLE,
        reason=Text(en="there is no desktop on this host", sk="na tomto serveri nie je pracovná plocha"),
        probes=["desktop-sessions"],
    )


def person() -> ControlResult:
    return control("local-accounts", "access.local-accounts-reviewed", severity="low", verdict=Verdict.MANUAL)


def evidence(hostname: str, signed_by: str | None) -> EvidenceInfo:
    return EvidenceInfo(
        collected=datetime(2025, 3, 9, 21, 58, 12, tzinfo=UTC),
        user="root",
        hostname=hostname,
        collector="0.1.0",
        digest="sha256:9b1c8f3e2a7d4c6b5e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f",
        signed_by=signed_by,
        seconds=1.84,
    )


def host(name: str, address: str, controls: list[ControlResult], signed_by: str | None) -> HostResult:
    return HostResult(
        host=name,
        system="heating",
        profile="server",
        address=address,
        evidence=evidence(name, signed_by),
        controls=controls,
        requirements=requirements(controls),
    )


def application_server(name: str = "srv-app-01", address: str = "10.89.0.11") -> HostResult:
    return host(
        name,
        address,
        [
            control("no-autorun", "server.no-autorun", AUTORUN, severity="medium"),
            control("idle-session-lock", "server.session-lock", SHELL, SSHD, desktop_absent()),
            control("single-interface", "server.single-interface", passing("single-interface", "interfaces")),
            control("ipv4-only", "network.ipv4-only", passing("ipv4-only", "addresses"), severity="medium"),
            control("no-forwarding", "network.no-routing", FORWARD_NOW, FORWARD_BOOT),
            control("default-deny", "firewall.default-deny", FIREWALL, verdict=Verdict.WAIVED),
            control("site-time-sources", "time.site-sources", passing("site-time-sources", "chrony-sources")),
            control("antivirus-signatures", "antivirus.signatures-current", SIGNATURES, severity="medium"),
            person(),
        ],
        signed_by=None,
    )


def history_server(name: str = "srv-hist-01", address: str = "10.89.0.12") -> HostResult:
    return host(
        name,
        address,
        [
            control("no-autorun", "server.no-autorun", passing("no-autorun", "automount-units")),
            control("idle-session-lock", "server.session-lock", SSHD),
            control("single-interface", "server.single-interface", passing("single-interface", "interfaces")),
            control("no-forwarding", "network.no-routing", FORWARD_BOOT),
            control(
                "antivirus-signatures",
                "antivirus.signatures-current",
                desktop_absent(),
                severity="medium",
            ),
            control("default-deny", "firewall.default-deny", passing("default-deny", "nft-ruleset")),
            control("site-time-sources", "time.site-sources", passing("site-time-sources", "chrony-sources")),
        ],
        signed_by="CN=Teplárenský dodávateľ, O=Example Automation",
    )


def unreached(name: str = "srv-visu-01") -> HostResult:
    return HostResult(
        host=name,
        system="heating",
        profile="server",
        address="10.89.0.13",
        problem=Text(
            en="the host key has changed; nothing was asked of the host",
            sk="kľúč servera sa zmenil; server nebol o nič požiadaný",
        ),
    )


def report_of(*hosts: HostResult) -> Report:
    return Report(
        tool="0.1.0",
        standard="mhth-ot",
        standard_title=Text(
            en="General rules for partner firms supplying OT infrastructure and software",
            sk="Všeobecné pravidlá pre partnerské firmy dodávajúce infraštruktúru a softvér OT",
        ),
        standard_version="1.0",
        chapters={
            "4": Text(en="Network", sk="Sieť"),
            "6": Text(en="Servers", sk="Servery"),
            "12": Text(en="Antivirus and firewall", sk="Antivírus a firewall"),
            "14": Text(en="Time", sk="Čas"),
            "17": Text(en="Access and identity", sk="Prístup a identita"),
        },
        generated=datetime(2025, 3, 9, 22, 0, 5, tzinfo=UTC),
        hosts=list(hosts),
    )


def sample() -> Report:
    """Return the run: hosts out of order, one not reached."""
    return report_of(history_server(), unreached(), application_server())

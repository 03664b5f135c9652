"""The words of `plumb policy`, in English and Slovak."""

from __future__ import annotations

from collections.abc import Mapping

_WORDS: dict[str, tuple[str, str]] = {
    "accepts": ("accepts", "prijíma"),
    "all": ("all", "spolu"),
    "applies_to": ("applies to", "platí pre"),
    "chapter": ("chapter", "kapitola"),
    "control": ("control", "opatrenie"),
    "controls": ("controls", "opatrenia"),
    "default": ("default", "predvolené"),
    "elsewhere": ("shown by", "preukáže"),
    "exception": ("exception", "výnimka"),
    "inferred": ("inferred, not printed", "odvodená, nevytlačená"),
    "kind": ("kind", "druh"),
    "meets": ("meets", "spĺňa"),
    "modules": ("modules disabled", "zakázané moduly"),
    "note": ("note", "poznámka"),
    "parameters": ("parameters", "parametre"),
    "profile": ("profile", "profil"),
    "remedy": ("remedy", "náprava"),
    "requirement": ("requirement", "požiadavka"),
    "requirements": ("requirements", "požiadavky"),
    "severity": ("severity", "závažnosť"),
    "status": ("status", "stav"),
    "subject": ("subject", "oblasť"),
    "text": ("text", "znenie"),
    "title": ("title", "názov"),
    "values": ("values", "hodnoty"),
    "verified_by": ("verified by", "overuje"),
    # severities, kinds, what verifies, exceptions
    "low": ("low", "nízka"),
    "medium": ("medium", "stredná"),
    "high": ("high", "vysoká"),
    "technical": ("technical", "technická"),
    "documentary": ("documentary", "dokumentačná"),
    "organisational": ("organisational", "organizačná"),
    "host": ("host", "stroj"),
    "network": ("network", "sieť"),
    "document": ("document", "dokument"),
    "calculation": ("calculation", "výpočet"),
    "person": ("person", "človek"),
    "allowed": ("by the general procedure", "všeobecným postupom"),
    "needs-approval-in-offer": ("needs approval in the offer", "schvaľuje sa už v ponuke"),
    "listed": ("only in the listed cases", "len vo vymenovaných prípadoch"),
    "never": ("never", "nikdy"),
}


def words(lang: str) -> Mapping[str, str]:
    """Return the words in `en` or `sk`."""
    return {key: slovak if lang == "sk" else english for key, (english, slovak) in _WORDS.items()}

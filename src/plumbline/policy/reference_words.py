"""The words of the reference's pages, in English and Slovak."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "index": "Controls",
        "made": "Made by `plumb policy reference --write docs/reference`.",
        "chapter": "chapter",
        "demand": "What is demanded",
        "also": "Shown besides",
        "parameters": "Parameters",
        "parameter": "parameter",
        "default": "default",
        "accepted": "accepted",
        "from": "from",
        "declared": "what is declared there",
        "set": "How it is set",
        "by_hand": "By a person; `plumb apply` changes nothing here.",
        "modules": "kernel modules that cannot be loaded",
        "seen": "How it is seen",
        "remedy": "What to do when it fails",
        "low": "low severity",
        "medium": "medium severity",
        "high": "high severity",
    },
    "sk": {
        "index": "Opatrenia",
        "made": "Vyrobené príkazom `plumb policy reference --write docs/reference`.",
        "chapter": "kapitola",
        "demand": "Čo sa požaduje",
        "also": "Okrem toho preukáže",
        "parameters": "Parametre",
        "parameter": "parameter",
        "default": "predvolené",
        "accepted": "prijíma sa",
        "from": "z",
        "declared": "čo je tam uvedené",
        "set": "Ako sa nastavuje",
        "by_hand": "Ručne; `plumb apply` tu nič nemení.",
        "modules": "moduly jadra, ktoré sa nedajú zaviesť",
        "seen": "Ako sa zisťuje",
        "remedy": "Čo robiť, keď nevyhovuje",
        "low": "nízka závažnosť",
        "medium": "stredná závažnosť",
        "high": "vysoká závažnosť",
    },
}

"""Errors of one host in both languages: their English sentences are recognised in evidence.po."""

from __future__ import annotations

import re
from functools import lru_cache

from plumbline.errors import PlumblineError
from plumbline.model import Text
from plumbline.report.locales import LOCALES, catalogues, translate

_CATALOGUE = "evidence.po"
_PREFIXES_MAX = 3
"""So many names may stand before the sentence: `user@host (address): file: the sentence`."""


def problem_text(error: PlumblineError) -> Text:
    """Return what an error says, and its hint in brackets, in both languages."""
    said, hint = recognised(error.message), error.hint and recognised(error.hint)
    return Text(en=f"{said.en} ({hint.en})", sk=f"{said.sk} ({hint.sk})") if hint else said


def recognised(sentence: str) -> Text:
    """Return a sentence that is already filled in both languages; one that nobody translated stays English.

    Names before the sentence, each ended by a colon, stay as they are. What a place holds may be a sentence
    itself.
    """
    before, rest = "", sentence
    for _ in range(_PREFIXES_MAX + 1):
        found = _match(rest)
        if found is not None:
            return Text(en=sentence, sk=before + found)
        name, colon, rest = rest.partition(": ")
        before += name + colon
        if not rest:
            break
    return Text(en=sentence, sk=sentence)


def _match(sentence: str) -> str | None:
    for pattern, msgid in _patterns():
        match = pattern.fullmatch(sentence)
        if match is not None:
            places = {name: recognised(value) for name, value in match.groupdict().items()}
            return translate(msgid, LOCALES[1], **places)
    return None


@lru_cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return a pattern of each msgid, those that say the most first."""
    msgids = [
        str(message.id)
        for path, catalogue in catalogues(LOCALES[1])
        if path.name == _CATALOGUE
        for message in catalogue
        if message.id
    ]
    msgids.sort(key=lambda msgid: len(re.sub(r"\{.*?\}", "", msgid)), reverse=True)
    return [(re.compile(_pattern(msgid), re.DOTALL), msgid) for msgid in msgids]


def _pattern(msgid: str) -> str:
    parts = re.split(r"\{(\w+)\}", msgid)
    return "".join(f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts))

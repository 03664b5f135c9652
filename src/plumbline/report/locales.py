"""English and Slovak: English sentences are the keys, Slovak stands in locales/sk/LC_MESSAGES/*.po."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from plumbline.errors import PlumblineError
from plumbline.model import Text

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

LOCALES = ("en", "sk")
"""The languages of the reports; the first is the one that sentences are written in."""
FOLDER = Path(__file__).resolve().parent.parent / "locales"


def translate(msgid: str, locale: str, **args: object) -> str:
    """Return a sentence in a language, its places (`{probe}`) filled from `args`.

    A sentence without a translation stays English. Without `args` nothing is filled, so a sentence may
    hold braces. An argument that is a `Text` is told in the same language.
    """
    found = _catalogue(locale).get(msgid, msgid)
    return _filled(found if isinstance(found, str) else found[0], locale, args)


def counted(one: str, many: str, n: int, locale: str, **args: object) -> str:
    """Return a sentence that counts `n` things (`{n}`), in the plural form the language has for that number.

    `one` and `many` are the English forms; Slovak has three (1; 2 to 4; 0 and more than 4).
    """
    args["n"] = n
    found = _catalogue(locale).get(one)
    if isinstance(found, tuple):
        return _filled(found[_plural_form(locale, n)], locale, args)
    return _filled(one if n == 1 else many, "en", args)


def text(msgid: str, **args: object) -> Text:
    """Return a sentence in all languages of the reports."""
    return Text(en=translate(msgid, "en", **args), sk=translate(msgid, "sk", **args))


def told(message: Text, locale: str) -> str:
    """Return a text in one language."""
    return message.sk if locale == "sk" else message.en


def catalogues(locale: str) -> list[tuple[Path, Catalog]]:
    """Read the .po files of a language, sorted by name; a broken one is a PlumblineError with its line."""
    from babel.messages.pofile import PoFileError, read_po

    found = []
    for path in sorted((FOLDER / locale / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            try:
                found.append((path, read_po(file, locale=locale, abort_invalid=True)))
            except PoFileError as error:
                line = error.lineno + 1  # babel counts from 0
                raise PlumblineError(f"no translation: {error.line.strip()}", file=path, line=line) from error
    return found


def _filled(sentence: str, locale: str, args: dict[str, object]) -> str:
    if not args:
        return sentence
    in_language = {name: told(arg, locale) if isinstance(arg, Text) else arg for name, arg in args.items()}
    return sentence.format(**in_language)


@lru_cache
def _catalogue(locale: str) -> dict[str, str | tuple[str, ...]]:
    """Return msgid -> translation, or its plural forms; the first file by name wins."""
    if locale == LOCALES[0]:
        return {}
    found: dict[str, str | tuple[str, ...]] = {}
    for _, catalogue in catalogues(locale):
        for message in catalogue:
            if not message.id or message.fuzzy or not message.string:
                continue
            forms = message.string
            if isinstance(forms, str):
                found.setdefault(str(message.id), forms)
            elif all(forms):
                found.setdefault(message.id[0], tuple(forms))
    return found


def _plural_form(locale: str, n: int) -> int:
    from babel.core import Locale

    return {"one": 0, "few": 1}.get(Locale.parse(locale).plural_form(n), 2)

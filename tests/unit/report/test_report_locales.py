"""Translations: every sentence of the project has its Slovak, and each fits the other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message

from plumbline.errors import PlumblineError
from plumbline.model import Text
from plumbline.report import locales
from plumbline.report.locales import catalogues, counted, text, told, translate
from plumbline.rooms import COMPLIANCE
from plumbline.verify.results import Verdict

PACKAGE = Path(locales.__file__).parent.parent
SPEAKING = {
    "translate",
    "text",
    "counted",
    "both",
    "both_counted",
    "of",
    "Unknown",
    "not_applicable",
    "t",
    "n",
}
"""Names of the functions whose first text is a sentence for reports."""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of Slovak catalogues of the test's own."""
    folder = tmp_path / "sk" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    monkeypatch.setattr(locales, "FOLDER", tmp_path)
    locales._catalogue.cache_clear()
    yield folder
    locales._catalogue.cache_clear()


def messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def sources() -> list[Path]:
    return sorted([*PACKAGE.rglob("*.py"), *COMPLIANCE.glob("test_*.py")])


def spoken(tree: ast.AST) -> Iterator[str]:
    """Yield the constant sentences that a module gives to the functions that translate."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0]
        if name in SPEAKING and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def says_something(msgid: str) -> bool:
    return any(character.isalpha() for character in re.sub(r"\{.*?\}", "", msgid))


def has_slovak(msgid: str) -> bool:
    return msgid in locales._catalogue("sk")


@pytest.mark.parametrize("name", [path.name for path, _ in catalogues("sk")])
def test_every_catalogue_is_whole(name: str) -> None:
    catalogue = next(catalogue for path, catalogue in catalogues("sk") if path.name == name)
    for message in messages(catalogue):
        assert not message.fuzzy, message.id
        english = [message.id] if isinstance(message.id, str) else list(message.id)
        slovak = [message.string] if isinstance(message.string, str) else list(message.string or ())
        assert all(slovak), f"{english[0]!r} has no translation"
        assert len(slovak) == (3 if len(english) == 2 else 1), english[0]
        for sentence in slovak:
            assert places(sentence) == places(english[0]), english[0]


def test_a_sentence_is_translated_alike_in_all_catalogues() -> None:
    found: dict[object, tuple[str, object]] = {}
    for path, catalogue in catalogues("sk"):
        for message in messages(catalogue):
            first = found.setdefault(message.id, (path.name, message.string))
            assert first[1] == message.string, f"{message.id!r} in {first[0]} and {path.name}"


@pytest.mark.parametrize("path", sorted(COMPLIANCE.glob("test_*.py")), ids=lambda path: path.name)
def test_every_check_has_a_slovak_title(path: Path) -> None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            title = (ast.get_docstring(node) or "").splitlines()[:1]
            assert title, f"{node.name} has no docstring"
            assert has_slovak(title[0]), f"{node.name}: {title[0]!r} has no Slovak"


@pytest.mark.parametrize("path", sources(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_sentence_of_the_code_has_slovak(path: Path) -> None:
    missing = {
        msgid
        for msgid in spoken(ast.parse(path.read_text(encoding="utf-8")))
        if says_something(msgid) and not has_slovak(msgid)
    }
    assert missing == set()


def test_slovak_is_found() -> None:
    assert translate("not judged", "sk") == "neposúdené"
    assert translate("not judged", "en") == "not judged"


def test_what_is_not_translated_stays_english() -> None:
    assert translate("nobody wrote this {thing}", "sk", thing="down") == "nobody wrote this down"


def test_braces_stay_where_nothing_is_filled() -> None:
    assert text("set {a, b} holds").sk == "set {a, b} holds"


def test_a_value_with_braces_is_not_filled_again() -> None:
    assert translate("{error}", "sk", error="{0} {x.__class__}") == "{0} {x.__class__}"


def test_a_text_inside_a_sentence_is_told_in_the_same_language() -> None:
    inner = Text(en="too late", sk="príliš neskoro")
    made = text("the check itself failed: {error}", error=inner)
    assert made == Text(en="the check itself failed: too late", sk="zlyhala samotná kontrola: príliš neskoro")
    assert (told(made, "en"), told(made, "sk")) == (made.en, made.sk)


@pytest.mark.parametrize(
    ("n", "en", "sk"),
    [
        (0, "and 0 more lines", "a ešte 0 riadkov"),
        (1, "and 1 more line", "a ešte 1 riadok"),
        (2, "and 2 more lines", "a ešte 2 riadky"),
        (4, "and 4 more lines", "a ešte 4 riadky"),
        (5, "and 5 more lines", "a ešte 5 riadkov"),
        (22, "and 22 more lines", "a ešte 22 riadkov"),
    ],
)
def test_numbers_take_their_plural(n: int, en: str, sk: str) -> None:
    assert counted("and {n} more line", "and {n} more lines", n, "en") == en
    assert counted("and {n} more line", "and {n} more lines", n, "sk") == sk


def test_untranslated_plural_stays_english() -> None:
    assert counted("{n} goose", "{n} geese", 1, "sk") == "1 goose"
    assert counted("{n} goose", "{n} geese", 3, "sk") == "3 geese"


def test_fuzzy_and_empty_translations_are_not_used(elsewhere: Path) -> None:
    (elsewhere / "a.po").write_text(
        '#, fuzzy\nmsgid "one"\nmsgstr "asi jeden"\n\nmsgid "two"\nmsgstr ""\n', encoding="utf-8"
    )
    assert (translate("one", "sk"), translate("two", "sk")) == ("one", "two")


def test_the_first_catalogue_by_name_wins(elsewhere: Path) -> None:
    (elsewhere / "b.po").write_text('msgid "one"\nmsgstr "druhý"\n', encoding="utf-8")
    (elsewhere / "a.po").write_text('msgid "one"\nmsgstr "prvý"\n', encoding="utf-8")
    assert translate("one", "sk") == "prvý"


def test_a_broken_catalogue_is_named_with_its_line(elsewhere: Path) -> None:
    (elsewhere / "a.po").write_text('msgid "one"\nthis is no entry\n', encoding="utf-8")
    with pytest.raises(PlumblineError, match=r"a\.po:2: no translation: this is no entry"):
        translate("one", "sk")


def test_every_outcome_has_slovak() -> None:
    from plumbline.report import words

    said = [*words.OUTCOME.values(), words.NOTHING, words.NO_CHECK, words.BY_PERSON]
    assert [msgid for msgid in said if not has_slovak(msgid)] == []


def test_every_verdict_has_a_word_and_a_sign_of_its_own() -> None:
    from plumbline.report.words import SEVERITY, SIGN, VERDICT

    assert set(VERDICT) == set(SIGN) == set(Verdict)
    assert len(set(SIGN.values())) == len(Verdict)
    assert all(has_slovak(msgid) for msgid in [*VERDICT.values(), *SEVERITY.values()])

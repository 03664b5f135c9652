"""The reference: a page a control in English and Slovak, from the standard, the suites and their words."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.atomic import replace
from plumbline.policy.coverage import profiles_with
from plumbline.policy.model import Control
from plumbline.policy.reference_words import WORDS
from plumbline.policy.standard import Standard
from plumbline.report.locales import LOCALES, told, translate
from plumbline.rooms import COMPLIANCE


@dataclass(frozen=True)
class Checks:
    """What the suites check: titles by control, and by mechanism (`sysctl`, `kernel_modules`)."""

    controls: dict[str, list[str]]
    mechanisms: dict[str, list[str]]


def checks_of(suites: Path = COMPLIANCE) -> Checks:
    """Read the checks' titles, the first lines of their docstrings, from the suites in their order."""
    found = Checks({}, {})
    for path in sorted(suites.glob("test_*.py")):
        names: dict[str, str] = {}
        for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                names |= {one.id: str(node.value.value) for one in node.targets if isinstance(one, ast.Name)}
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                title = (ast.get_docstring(node) or node.name).splitlines()[0]
                for mark, name in _marks(node, names):
                    kind = found.controls if mark == "control" else found.mechanisms
                    kind.setdefault(name, []).append(title)
    return found


def _marks(node: ast.FunctionDef, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the marks of a check; a name stands for a constant of the suite."""
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.args:
            argument = mark.args[0]
            if mark.func.id not in ("control", "mechanism"):
                continue
            if isinstance(argument, ast.Constant):
                yield mark.func.id, str(argument.value)
            elif isinstance(argument, ast.Name) and argument.id in names:
                yield mark.func.id, names[argument.id]


def pages(standard: Standard, suites: Path = COMPLIANCE) -> dict[str, str]:
    """Return the reference as Markdown by path: `en/<control>.md`, `sk/<control>.md` and an index of each."""
    checks = checks_of(suites)
    made: dict[str, str] = {}
    for lang in LOCALES:
        made[f"{lang}/README.md"] = _text(_index(standard, lang))
        for name in standard.controls:
            made[f"{lang}/{name}.md"] = _text(_page(standard, name, checks, lang))
    return made


def write_reference(standard: Standard, folder: Path) -> list[Path]:
    """Write the pages that are missing or differ, take away those of no control; return what was touched."""
    made = pages(standard)
    touched = []
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            replace(path, text.encode(), 0o644)
            touched.append(path)
    for lang in LOCALES:
        for path in sorted((folder / lang).glob("*.md")):
            if f"{lang}/{path.name}" not in made:
                path.unlink()
                touched.append(path)
    return touched


def _text(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _index(standard: Standard, lang: str) -> Iterator[str]:
    say = WORDS[lang]
    yield f"# {say['index']}: {told(standard.info.title, lang)}, {standard.info.version}"
    yield ""
    yield say["made"]
    subject = None
    for name in sorted(standard.controls, key=lambda name: standard.subjects[name]):
        if standard.subjects[name] != subject:
            subject = standard.subjects[name]
            yield from ("", f"## `{subject}`")
        yield f"- [{told(standard.controls[name].title, lang)}]({name}.md) (`{name}`)"


def _page(standard: Standard, name: str, checks: Checks, lang: str) -> Iterator[str]:
    control = standard.controls[name]
    say = WORDS[lang]
    yield from (f"# {told(control.title, lang)}", "")
    profiles = ", ".join(f"`{profile}`" for profile in profiles_with(standard, name))
    yield f"`{name}` · `{standard.subjects[name]}` · {say[control.severity]} · {profiles or '—'}"
    yield from ("", f"## {say['demand']}")
    for met in control.meets:
        requirement = standard.requirements[met]
        yield f"- {getattr(requirement, lang)} ({say['chapter']} {requirement.chapter}, `{met}`)"
        if met in standard.elsewhere:
            yield f"  {say['also']}: {told(standard.elsewhere[met].what, lang)}"
    if control.parameters:
        yield from ("", f"## {say['parameters']}", "", *_parameters(control, lang))
    yield from ("", f"## {say['set']}", *_set(control, lang))
    yield from ("", f"## {say['seen']}", *_seen(control, name, checks, lang))
    yield from ("", f"## {say['remedy']}", told(control.remedy, lang))


def _parameters(control: Control, lang: str) -> Iterator[str]:
    say = WORDS[lang]
    yield f"| {say['parameter']} | {say['default']} | {say['accepted']} |"
    yield "|---|---|---|"
    for key, parameter in control.parameters.items():
        if parameter.source is not None:
            yield f"| `{key}` | {say['from']} `{parameter.source}` | {say['declared']} |"
            continue
        yield f"| `{key}` | {_shown(parameter.default)} | {parameter.accepted()} |"


def _shown(value: int | str | Sequence[str] | None) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "—"
    return str(value)


def _set(control: Control, lang: str) -> Iterator[str]:
    if control.applied is not None:
        yield told(control.applied, lang)
    say = WORDS[lang]
    settings = [f"`{key} = {value}`" for key, value in control.linux.sysctl.items()]
    modules = [f"`{module}`" for module in control.linux.modules_disabled]
    if settings:
        yield f"- sysctl: {', '.join(settings)}"
    if modules:
        yield f"- {say['modules']}: {', '.join(modules)}"
    if control.applied is None and not settings and not modules:
        yield say["by_hand"]


def _seen(control: Control, name: str, checks: Checks, lang: str) -> Iterator[str]:
    titles = list(checks.controls.get(name, []))
    if control.linux.sysctl:
        titles += checks.mechanisms.get("sysctl", [])
    if control.linux.modules_disabled:
        titles += checks.mechanisms.get("kernel_modules", [])
    for title in titles:
        yield f"- {translate(title, lang)}"

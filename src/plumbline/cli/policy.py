"""`plumb policy`: the standard, its requirements, controls, profiles and coverage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from plumbline.cli.options import lang_option
from plumbline.cli.policy_told import (
    control_data,
    control_fields,
    covered_data,
    in_language,
    profile_settings,
    requirement_data,
    requirement_fields,
)
from plumbline.cli.policy_words import words
from plumbline.cli.table import show_table
from plumbline.errors import UsageError
from plumbline.findings import nearest
from plumbline.policy.coverage import LABELS, counts, coverage
from plumbline.policy.load import DEFAULT_STANDARD, load_standard
from plumbline.policy.standard import Standard

F = TypeVar("F", bound=Callable[..., Any])


def _standard_option(command: F) -> F:
    return click.option(
        "--standard", "standard_name", default=DEFAULT_STANDARD, show_default=True, help="The standard."
    )(command)


def _format_option(command: F) -> F:
    return click.option(
        "--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True
    )(command)


def _print_json(data: object) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def _profile_controls(standard: Standard, profile: str | None) -> list[str]:
    if profile is None:
        return list(standard.controls)
    if profile not in standard.profiles:
        raise UsageError(
            f"there is no profile {profile}{nearest(profile, standard.profiles)};"
            f" known: {', '.join(standard.profiles)}"
        )
    return standard.profiles[profile].controls


@click.group()
def policy() -> None:
    """Show the standard, its requirements, controls and coverage."""


@policy.command("list")
@click.option("--profile", help="Only what this profile holds a host to.")
@click.option("--requirements", is_flag=True, help="List requirements instead of controls.")
@_standard_option
@_format_option
@lang_option
def list_(profile: str | None, requirements: bool, standard_name: str, output: str, lang: str) -> None:
    """List the controls, or the requirements, of the standard or of one profile."""
    standard = load_standard(standard_name)
    names = _profile_controls(standard, profile)
    if requirements:
        _list_requirements(standard, None if profile is None else names, output, lang)
        return
    if output == "json":
        _print_json({"standard": standard.name, "controls": [control_data(standard, name) for name in names]})
        return
    say = words(lang)
    show_table(
        [say["control"], say["subject"], say["severity"], say["title"]],
        [
            [name, standard.subjects[name], say[control.severity], in_language(control.title, lang)]
            for name, control in ((name, standard.controls[name]) for name in names)
        ],
    )


def _list_requirements(standard: Standard, controls: list[str] | None, output: str, lang: str) -> None:
    met = None if controls is None else {met for name in controls for met in standard.controls[name].meets}
    chosen = [one for one in standard.requirements.values() if met is None or one.id in met]
    if output == "json":
        _print_json(
            {"standard": standard.name, "requirements": [requirement_data(standard, r.id) for r in chosen]}
        )
        return
    say = words(lang)
    show_table(
        [say["chapter"], say["requirement"], say["verified_by"], say["text"]],
        [[one.chapter, one.id, say[one.verified_by], str(getattr(one, lang))] for one in chosen],
    )


@policy.command()
@click.argument("name")
@_standard_option
@_format_option
@lang_option
def show(name: str, standard_name: str, output: str, lang: str) -> None:
    """Show one control, requirement or profile by its NAME."""
    standard = load_standard(standard_name)
    if name in standard.controls:
        data, fields = control_data(standard, name), control_fields(standard, name, lang)
    elif name in standard.requirements:
        data, fields = requirement_data(standard, name), requirement_fields(standard, name, lang)
    elif name in standard.profiles:
        profile = standard.profiles[name]
        data = {"profile": name, **profile.model_dump(mode="json")}
        say = words(lang)
        fields = [
            (say["profile"], name),
            (say["title"], in_language(profile.title, lang)),
            (say["controls"], "\n".join(profile.controls)),
            (say["parameters"], "\n".join(profile_settings(profile.parameters))),
        ]
    else:
        known = [*standard.controls, *standard.requirements, *standard.profiles]
        raise UsageError(
            f"there is no control, requirement or profile {name}{nearest(name, known)}",
            hint="plumb policy list and plumb policy list --requirements name them all",
        )
    if output == "json":
        _print_json(data)
    else:
        _show_fields(fields)


@policy.command("coverage")
@click.option("--chapter", help="Only this chapter and the chapters inside it.")
@_standard_option
@_format_option
@lang_option
def coverage_(chapter: str | None, standard_name: str, output: str, lang: str) -> None:
    """Say of each requirement: verified by a control, waits for a document or a person, or not yet."""
    standard = load_standard(standard_name)
    covered = coverage(standard, chapter)
    if not covered:
        chapters = dict.fromkeys(requirement.chapter for requirement in standard.requirements.values())
        raise UsageError(f"no requirement stands in chapter {chapter}; chapters: {', '.join(chapters)}")
    if output == "json":
        _print_json(
            {
                "standard": standard.name,
                "version": standard.info.version,
                "requirements": [covered_data(one) for one in covered],
                "counts": {**counts(covered), "all": len(covered)},
            }
        )
        return
    say = words(lang)
    show_table(
        [say["chapter"], say["requirement"], say["status"], say["controls"]],
        [
            [
                one.requirement.chapter,
                one.requirement.id,
                in_language(LABELS[one.status], lang),
                ", ".join(one.controls),
            ]
            for one in covered
        ],
        title=f"{in_language(standard.info.title, lang)}, {standard.info.version}",
    )
    click.echo()
    show_table(
        [say["status"], say["requirements"]],
        [[in_language(LABELS[status], lang), str(count)] for status, count in counts(covered).items()]
        + [[say["all"], str(len(covered))]],
    )


@policy.command()
@_standard_option
def validate(standard_name: str) -> None:
    """Read everything of the standard; exit code 1 and every finding when something is wrong."""
    from plumbline.policy.protocols import load_protocols

    standard = load_standard(standard_name)
    protocols = load_protocols(standard)
    click.echo(
        f"{standard.name} {standard.info.version} is valid: {len(standard.requirements)} requirements,"
        f" {len(standard.controls)} controls, {len(standard.profiles)} profiles, {len(protocols)} protocols"
    )


@policy.command()
@click.argument("name", required=False)
@click.option("--write", is_flag=True, help="Write all schemas into policies/schemas.")
def schema(name: str | None, write: bool) -> None:
    """Print the JSON Schema of one kind of file (NAME), or write them all with --write."""
    from plumbline.policy.schema import MODELS, SCHEMAS, text_of, write_schemas
    from plumbline.yamlfile import shown

    if write == (name is not None):
        raise UsageError(f"give the NAME of a schema or --write; names: {', '.join(MODELS)}")
    if name is not None:
        if name not in MODELS:
            raise UsageError(f"there is no schema {name}{nearest(name, MODELS)}; names: {', '.join(MODELS)}")
        click.echo(text_of(name), nl=False)
        return
    written = write_schemas()
    for path in written:
        click.echo(f"wrote {shown(path)}")
    if not written:
        click.echo(f"all {len(MODELS)} schemas in {shown(SCHEMAS)} are current; nothing was written")


@policy.command()
@click.argument("control", required=False)
@click.option("--write", "folder", type=click.Path(path_type=Path), help="Write all pages under this folder.")
@_standard_option
@lang_option
def reference(control: str | None, folder: Path | None, standard_name: str, lang: str) -> None:
    """Print the page of one CONTROL: demand, parameters, how set, how seen, remedy; or write all pages."""
    from plumbline.policy.reference import pages, write_reference
    from plumbline.yamlfile import shown

    if (folder is None) == (control is None):
        raise UsageError("give the name of a CONTROL, or --write FOLDER")
    standard = load_standard(standard_name)
    if folder is not None:
        touched = write_reference(standard, folder)
        for path in touched:
            click.echo(f"{'wrote' if path.exists() else 'took away'} {shown(path)}")
        if not touched:
            click.echo(f"every page in {shown(folder)} is current; nothing was written")
        return
    if control not in standard.controls:
        raise UsageError(f"there is no control {control}{nearest(control or '', standard.controls)}")
    click.echo(pages(standard)[f"{lang}/{control}.md"], nl=False)


def _show_fields(fields: list[tuple[str, str]]) -> None:
    """Print label and value, the values in one column; empty ones are left out."""
    width = max(len(label) for label, value in fields if value)
    for label, value in fields:
        for index, line in enumerate(value.splitlines()):
            click.echo(f"{'' if index else label:<{width}}  {line}")

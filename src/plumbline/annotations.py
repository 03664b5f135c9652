"""What a model's annotations say: its keys, what stands inside, and the alternatives of a union."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel


def keys(model: type[BaseModel], at: Sequence[str | int] = ()) -> list[str]:
    """Return the keys a mapping at `at` inside the model may have; none where any key may stand."""
    found: Any = model
    for step in at:
        found = inside(found, step)
    models = [kind for kind in kinds(found) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return [field.alias or name for kind in models for name, field in kind.model_fields.items()]


def inside(annotation: Any, step: str | int) -> Any:  # noqa: ANN401  (an annotation may be anything)
    """Return the annotation of a field, of list elements or of mapping values; None if there is none."""
    for kind in kinds(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if "root" in kind.model_fields:
                return inside(kind.model_fields["root"].annotation, step)
            for name, field in kind.model_fields.items():
                if step in (name, field.alias):
                    return field.annotation
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is list and isinstance(step, int):
            return arguments[0]
        if origin is dict:
            return arguments[1]
    return None


def kinds(annotation: Any) -> list[Any]:  # noqa: ANN401  (an annotation may be anything)
    """Return the alternatives of an annotation without `Annotated` and unions; a literal's are its types."""
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return list({type(value) for value in typing.get_args(annotation)})
    if origin is typing.Annotated:
        return kinds(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [kind for part in typing.get_args(annotation) for kind in kinds(part)]
    return [annotation]

"""What all models have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Sentence = Annotated[str, Field(pattern=r"\S")]
"""A text that is not empty."""


class Strict(BaseModel):
    """A model that refuses unknown keys, so that a misspelt one is an error and not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Text(Strict):
    """One sentence in the languages of the reports."""

    en: Sentence
    sk: Sentence

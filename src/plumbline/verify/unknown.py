"""What cannot be said: an observation that was not made, or a check that does not apply."""

from __future__ import annotations

from typing import NoReturn


class Unknown(Exception):  # noqa: N818  (it is no error of the tool; the verdict is called unknown)
    """An observation that could not be made; the verdict is unknown, never good.

    `message` is an English sentence with named places (`{probe}`), which reports translate; `arguments`
    fill the places.
    """

    def __init__(self, message: str, **arguments: object) -> None:
        super().__init__(message.format(**arguments))
        self.message = message
        self.arguments = arguments


def not_applicable(message: str, **arguments: object) -> NoReturn:
    """End a check that has nothing to judge on this host, with the reason (as in `Unknown`)."""
    import pytest

    reason = pytest.skip.Exception(message.format(**arguments))
    reason.message = message  # type: ignore[attr-defined]  # the plugin translates the message, not the text
    reason.arguments = arguments  # type: ignore[attr-defined]
    raise reason

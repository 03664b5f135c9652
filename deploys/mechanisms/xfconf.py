"""Xfce's settings for every user: a channel of xfconf below /etc/xdg that users cannot change.

xfconf takes a channel as locked for everybody whom `unlocked` does not name; it knows no `*` in `locked`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyinfra.api.operation import OperationMeta

from deploys.mechanisms.files import whole_file

DIRECTORY = "/etc/xdg/xfce4/xfconf/xfce-perchannel-xml"

Value = bool | int
Tree = dict[str, "Value | Tree"]


def locked_channel(name: str, values: Mapping[str, Value]) -> OperationMeta:
    """Write a channel (path -> value) and lock it; users' own settings of the whole channel count no more."""
    return whole_file(f"{DIRECTORY}/{name}.xml", render(name, values))


def render(name: str, values: Mapping[str, Value]) -> str:
    """Return the channel's file; paths such as `/saver/enabled` become nested properties."""
    tree: Tree = {}
    for path, value in values.items():
        *folders, last = path.strip("/").split("/")
        at = tree
        for folder in folders:
            inner = at.setdefault(folder, {})
            if not isinstance(inner, dict):
                raise TypeError(f"{path} lies below a value")
            at = inner
        at[last] = value
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<!-- Written by Plumbline; the whole file is replaced when it differs. -->\n"
        f'<channel name="{name}" version="1.0" locked="*" unlocked="root">\n'
        + "".join(_lines(tree, 1))
        + "</channel>\n"
    )


def _lines(tree: Tree, depth: int) -> list[str]:
    found, space = [], "  " * depth
    for name, value in tree.items():
        if isinstance(value, dict):
            found.append(f'{space}<property name="{name}" type="empty">\n')
            found += [*_lines(value, depth + 1), f"{space}</property>\n"]
        else:
            kind, text = ("bool", str(value).lower()) if isinstance(value, bool) else ("int", str(value))
            found.append(f'{space}<property name="{name}" type="{kind}" value="{text}"/>\n')
    return found

"""Say in lines what two versions of a pipeline definition differ in, for a person who is about to change it.

Goes in: two parsed definitions. Comes out: one line for each parameter, step or setting that is added,
removed or changed, by its path; things with a name are compared by name, so that a new parameter does not
make all that follow it look changed. Values are shown as JSON, shortened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = ("Name", "InputName", "OutputName", "PropertyFileName")
_MAX_VALUE_CHARS = 120
_ABSENT = object()


def changes(deployed: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return a line for each difference: `+` added, `-` removed, `~` changed; none if they mean the same."""
    return list(_changes("", deployed, wanted))


def _changes(path: str, deployed: Any, wanted: Any) -> Iterator[str]:
    if deployed is _ABSENT:
        yield f"+ {path}: {_shown(wanted)}"
    elif wanted is _ABSENT:
        yield f"- {path}: {_shown(deployed)}"
    else:
        parts = _parts(deployed), _parts(wanted)
        if parts[0] is None or parts[1] is None:
            # As JSON, because Python takes 1 for true.
            if json.dumps(deployed, sort_keys=True) != json.dumps(wanted, sort_keys=True):
                yield f"~ {path}: {_shown(deployed)} -> {_shown(wanted)}"
            return
        for key in dict.fromkeys([*parts[0], *parts[1]]):
            inner = f"{path}.{key}" if path else key
            yield from _changes(inner, parts[0].get(key, _ABSENT), parts[1].get(key, _ABSENT))


def _parts(value: Any) -> Mapping[str, Any] | None:
    """Return the members of an object, or of a list of things with names; None for anything else."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, list) or not value:
        return None
    names, values = [_name_of(entry) for entry in value], value
    if _is_arguments(value):
        values = value[1::2]
        names = [_argument_name(*pair) for pair in zip(value[::2], values, strict=True)]
    if None in names or len(set(names)) < len(names):
        return None
    return dict(zip((str(name) for name in names), values, strict=True))


def _is_arguments(value: list[Any]) -> bool:
    """Whether a list is `--name`, value, … of a container."""
    return len(value) % 2 == 0 and all(isinstance(name, str) and name[:2] == "--" for name in value[::2])


def _argument_name(name: str, value: Any) -> str:
    """Return the name of an argument, with that of the parameter where each of many tells one."""
    joined = value.get("Std:Join", {}).get("Values", []) if isinstance(value, Mapping) else []
    return f"{name} {joined[0]}" if name == "--parameter" and joined else name


def _name_of(entry: Any) -> str | None:
    if not isinstance(entry, Mapping):
        return None
    return next((entry[name] for name in _NAMES if isinstance(entry.get(name), str)), None)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        value = {name: inner for name, inner in value.items() if name not in _NAMES} or value
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE_CHARS else text[: _MAX_VALUE_CHARS - 2] + " …"

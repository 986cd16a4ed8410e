"""Compile a definition once, and read it back until anything changes that it is made from.

Importing the SDK takes seconds; the definition depends on nothing but the source of `pipelines`, `steps`
and `contracts`, the SDK's version, and the choices. A file named by a digest of all of these is the same
JSON that compiling anew would give.
"""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from contracts.atomic_files import write_bytes

SOURCE_PACKAGES = ("contracts", "pipelines", "steps")


def compiled_definition(folder: Path, pipeline: str, **choices: str) -> str:
    """Return the definition's JSON text, from `folder` if it was compiled before.

    Args:
        folder: Where compiled definitions are kept.
        pipeline: Name of the pipeline.
        **choices: What its `get_pipeline` takes.

    Raises:
        CallerError: The pipeline or a choice is unknown.
    """
    path = folder / f"{pipeline}-{definition_key(pipeline, choices)}.json"
    if path.exists():
        return path.read_text(encoding="utf-8")
    from pipelines.definition import definition_text  # noqa: PLC0415 - imports the SDK, which takes seconds

    text = definition_text(pipeline, **choices)
    write_bytes(path, text.encode())
    return text


def definition_key(pipeline: str, choices: dict[str, str]) -> str:
    """Return sixteen hex digits that change with anything that the definition is made from."""
    digest = hashlib.sha256()
    for part in (sys.version, version("sagemaker"), pipeline, json.dumps(choices, sort_keys=True)):
        digest.update(part.encode() + b"\0")
    for path in _source_files():
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _source_files() -> list[Path]:
    folders = [Path(place) for name in SOURCE_PACKAGES for place in _places_of(name)]
    return sorted(path for folder in folders for path in folder.glob("**/*.py"))


def _places_of(package: str) -> list[str]:
    spec = find_spec(package)
    return list(spec.submodule_search_locations or []) if spec else []

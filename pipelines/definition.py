"""The compiled definition of a pipeline, by its name, as a dictionary or as text.

The text is stable: the same choices give the same bytes, so that it can be compared with a golden file.
Nothing heavy is imported until a definition is asked for.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import Any

from contracts.errors import CallerError, near_matches

PIPELINES = MappingProxyType(
    {
        "candidate": "pipelines.candidate",
        "production": "pipelines.production",
        "resume": "pipelines.resume",
    }
)
"""Name of each pipeline and the module that has its `get_pipeline`."""

DEFAULT_NAMES = MappingProxyType({name: f"batchscore-{name}" for name in PIPELINES})
"""Under which each is upserted, unless another name is given."""


def find_pipeline(name: str) -> Callable[..., Any]:
    """Return the `get_pipeline` of the pipeline with that name, importing the SageMaker SDK if need be.

    Raises:
        CallerError: There is none; the message names near matches.
    """
    if name not in PIPELINES:
        raise CallerError(f"pipeline {name!r} is unknown; {near_matches(name, PIPELINES)}")
    builder: Callable[..., Any] = import_module(PIPELINES[name]).get_pipeline
    return builder


def definition_document(name: str, **choices: Any) -> dict[str, Any]:
    """Return the definition of a pipeline as parsed JSON.

    Args:
        name: One of PIPELINES.
        choices: What its `get_pipeline` takes, such as `wire="csv"`.

    Raises:
        CallerError: The name or a choice is unknown.
    """
    build = find_pipeline(name)
    known = inspect.signature(build).parameters
    unknown = [choice for choice in choices if choice not in known]
    if unknown:
        raise CallerError(
            "; ".join(
                f"pipeline {name!r} takes no {choice!r}; {near_matches(choice, known)}" for choice in unknown
            )
        )
    document: dict[str, Any] = json.loads(build(**choices).definition())
    return document


def definition_text(name: str, **choices: Any) -> str:
    """Return what `definition_document` returns as indented JSON with a final newline."""
    return json.dumps(definition_document(name, **choices), indent=2, ensure_ascii=False) + "\n"

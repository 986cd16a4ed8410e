"""Compiled definitions, each built once for all tests of this folder."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from definition_walk import CHOICES, RESUME_CHOICES

from pipelines.definition import definition_text


@cache
def _text(name: str) -> str:
    return definition_text(name.split("-", maxsplit=1)[0], **{**CHOICES, **RESUME_CHOICES}[name])


def _compiled(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_text(name))
    return document


@pytest.fixture(params=[*CHOICES, *RESUME_CHOICES])
def named_text(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Name and text of every pinned definition, one after the other."""
    return request.param, _text(request.param)


@pytest.fixture(params=list(CHOICES))
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The candidate's definition in every shape that is pinned, one after the other."""
    return _compiled(request.param)


@pytest.fixture(params=list(RESUME_CHOICES))
def resume_document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The resume pipeline's definition in every shape that is pinned, one after the other."""
    return _compiled(request.param)


@pytest.fixture
def default_document() -> dict[str, Any]:
    """The definition that `get_pipeline()` gives."""
    return _compiled("candidate-planned-single-arrow")


@pytest.fixture
def sharded_document() -> dict[str, Any]:
    """The definition in the sharded form."""
    return _compiled("candidate-planned-sharded-arrow")

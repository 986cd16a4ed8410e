"""Definitions by name, as text that does not change between two compilations."""

from __future__ import annotations

import json
import re

import pytest

from contracts.errors import CallerError
from pipelines import candidate, production, resume
from pipelines.candidate import get_pipeline
from pipelines.definition import (
    DEFAULT_NAMES,
    PIPELINES,
    definition_document,
    definition_text,
    find_pipeline,
)


def test_every_listed_pipeline_can_be_found() -> None:
    """The table names modules, which are imported only when asked for."""
    assert {name: find_pipeline(name) for name in PIPELINES} == {
        "candidate": get_pipeline,
        "production": production.get_pipeline,
        "resume": resume.get_pipeline,
    }


def test_default_names_are_those_of_the_modules() -> None:
    """They are known without importing the SDK, and so stand twice."""
    modules = {"candidate": candidate, "production": production, "resume": resume}
    assert {name: module.DEFAULT_NAME for name, module in modules.items()} == DEFAULT_NAMES


def test_two_compilations_give_the_same_text() -> None:
    """No clock, no set order, no random name is in it."""
    assert definition_text("candidate") == definition_text("candidate")


def test_document_is_what_would_be_upserted() -> None:
    """The laptop runs the definition that AWS gets, not a copy with changes."""
    pipeline = get_pipeline()
    assert definition_document("candidate")["Steps"] == json.loads(pipeline.definition())["Steps"]


def test_unknown_pipeline_is_refused_with_near_matches() -> None:
    """A typing error costs no search."""
    with pytest.raises(CallerError, match=re.escape("did you mean 'candidate'?")):
        definition_text("canddate")

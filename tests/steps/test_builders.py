"""Small promises of the modules that builders share."""

from __future__ import annotations

import logging
import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.errors import CallerError
from steps.borrowed_settings import borrowed_settings
from steps.locations import RUN_FOLDERS, run_folder, scores_folder
from steps.processing_job import named_arguments
from steps.run_context import PipelineShape
from steps.scoring_plan import plan_value

RUN: Any = SimpleNamespace(
    dataset=SimpleNamespace(output_uri="s3://bucket/out/"), identity=SimpleNamespace(run_id="r1")
)


@pytest.mark.parametrize("folder", RUN_FOLDERS)
def test_every_prefix_ends_with_a_slash(folder: str) -> None:
    """Otherwise `plan` would match `plan_parts` too, for S3 prefixes are string prefixes [doc]."""
    assert run_folder(RUN, folder).values[-1].endswith(f"/{folder}/")
    assert scores_folder("s3://bucket/out/").values[-1].endswith("/")


def test_unknown_run_folder_is_refused() -> None:
    """A misspelt folder would be an empty input."""
    with pytest.raises(ValueError, match="'shard' is no run folder; valid: plan,"):
        run_folder(RUN, "shard")


def test_plan_value_reads_one_field_of_the_plan() -> None:
    """By the step that writes it and the contract's name."""
    expression = plan_value(SimpleNamespace(name="PrepareInput"), "valid_count").expr["Std:JsonGet"]
    assert expression["Path"] == "valid_count"
    assert expression["PropertyFile"] == {"Get": "Steps.PrepareInput.PropertyFiles.ScoringPlan"}


def test_plan_value_refuses_a_field_that_the_contract_lacks() -> None:
    """The run would fail only after preparing."""
    with pytest.raises(ValueError, match="did you mean 'valid_count'"):
        plan_value(SimpleNamespace(name="PrepareInput"), "valid_counts")


def test_arguments_come_as_name_value_pairs_in_order() -> None:
    """Argv is read by people in logs."""
    assert named_arguments({"run-id": "r", "wire-format": "csv"}) == ("--run-id", "r", "--wire-format", "csv")


def test_shape_says_what_it_is() -> None:
    """Two of the choices are read as claims."""
    shape = PipelineShape(prepare="sharded", transform_sizing="fixed", wire="csv")
    assert (shape.is_sharded, shape.is_planned, shape.wire_format.name) == (True, False, "csv")


def test_shape_refuses_an_unknown_choice() -> None:
    """And lists the valid ones."""
    with pytest.raises(CallerError, match="valid: sharded, single"):
        PipelineShape(prepare="many")


def test_settings_are_given_back_even_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside there is a region and no profile; outside, what was there before."""
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setattr(sys.modules["boto3"], "DEFAULT_SESSION", "our own")
    handlers = list(logging.getLogger().handlers)

    def import_something_bad() -> None:
        with borrowed_settings():
            assert os.environ["AWS_DEFAULT_REGION"] == "us-east-1"
            assert "AWS_PROFILE" not in os.environ
            logging.getLogger().addHandler(logging.NullHandler())
            sys.modules["boto3"].DEFAULT_SESSION = "somebody else's"
            raise ImportError("broken")

    with pytest.raises(ImportError, match="broken"):
        import_something_bad()
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    assert aws == {"AWS_PROFILE": "mine"}
    assert sys.modules["boto3"].DEFAULT_SESSION == "our own"
    assert logging.getLogger().handlers == handlers

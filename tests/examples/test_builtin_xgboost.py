"""The example scores the customers as XGBoost itself does, and names AWS's own image in its definition."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from aws_shapes import OPERATIONS, step_faults
from definition_walk import all_steps
from tiny_customers import published

from contracts.encoding import encode
from contracts.errors import CallerError
from examples.builtin_xgboost import image, model, run
from examples.churn import data, train
from pipelines.candidate import get_pipeline
from pipelines.resume import get_pipeline as get_resume_pipeline
from runner.local_state import LocalState
from runner.results import RunResults, results_of

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
ECR_URI = r"\d{12}\.dkr\.ecr\.eu-central-1\.amazonaws\.com/sagemaker-xgboost:1\.7-1"

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def booster(tmp_path_factory: pytest.TempPathFactory) -> xgboost.Booster:
    path = tmp_path_factory.mktemp("model") / "model.json"
    model.write_model(path)
    return xgboost.Booster(model_file=path)


def test_the_image_is_aws_s_own_in_the_region() -> None:
    """The account comes from the SDK's table."""
    assert re.fullmatch(ECR_URI, image.image_uri(REGION))


@pytest.mark.parametrize(("region", "version"), [("nowhere", "1.7-1"), (REGION, "0.1-0")])
def test_a_region_or_version_without_an_image_is_refused(region: str, version: str) -> None:
    with pytest.raises(CallerError, match=f"no image of XGBoost {version} in {region}: Unsupported"):
        image.image_uri(region, version)


def test_the_model_has_one_base_score_and_predicts_the_same(booster: xgboost.Booster, tmp_path: Path) -> None:
    """[ran] XGBoost 1.7.6 and 3.0.5 read a list there as another number, without an error."""
    model.write_model(tmp_path / "model.json")
    document = json.loads((tmp_path / "model.json").read_text())
    base_score = document["learner"]["learner_model_param"]["base_score"]
    vectors = encode(data.customers(), data.churn_contract())

    assert 0 < float(base_score) < 1
    assert np.array_equal(booster.inplace_predict(vectors), train.train().inplace_predict(vectors))


@pytest.mark.parametrize("get", [get_pipeline, get_resume_pipeline])
def test_what_is_sent_to_aws_has_the_image_and_the_shapes_of_the_api(get: Any) -> None:
    """The image as the parameter's default, and every step as the API takes it."""
    uri = image.image_uri(REGION)
    document = json.loads(get(wire="csv", model_image=uri, region=REGION).definition())
    steps = [step for step in all_steps(document).values() if step["Type"] in OPERATIONS]

    assert {"Name": "ModelImageUri", "Type": "String", "DefaultValue": uri} in document["Parameters"]
    assert [fault for step in steps for fault in step_faults(step)] == []


def test_the_readme_s_definition_is_made_by_its_command(tmp_path: Path) -> None:
    """As it stands, with the folder of the environment's programs on the path."""
    text = (ROOT / "examples" / "builtin_xgboost" / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^batchscore definition (?:.*\\\n)*.*$", text, flags=re.MULTILINE)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PATH": path, "PYTHONPATH": str(ROOT)}

    subprocess.run(["/bin/bash", "-euc", command], cwd=tmp_path, env=environment, check=True)

    document = json.loads((tmp_path / "candidate.json").read_text())
    defaults = {entry["Name"]: entry.get("DefaultValue") for entry in document["Parameters"]}
    assert re.fullmatch(ECR_URI, defaults["ModelImageUri"])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    """What came of the example's commands."""
    folder = tmp_path_factory.mktemp("builtin")
    files = run.files_below(folder / "work", None)
    assert run.prepare(files, None) == 0
    command = [*run.score_command(files, image.image_uri(REGION)), "--state", str(folder / "state")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "AUC" in done.stdout
    state = LocalState(root=folder / "state")
    return results_of(state.run(None), state)


@pytest.mark.end_to_end
def test_every_customer_gets_the_score_that_xgboost_predicts(
    results: RunResults, booster: xgboost.Booster
) -> None:
    """By id, to the last bit, for all but the eleven whom the contract refuses."""
    base = data.customers().drop(data.LABEL).drop_null()
    predicted = booster.inplace_predict(encode(base, data.churn_contract())).astype(np.float64).tolist()
    scores = published(results)

    found = dict(zip(scores["customer_id"].to_pylist(), scores["score"].to_pylist(), strict=True))
    assert found == dict(zip(base["customer_id"].to_pylist(), predicted, strict=True))
    assert (len(found), scores["error"].null_count) == (7032, 7032)


@pytest.mark.end_to_end
def test_the_scores_tell_who_leaves(results: RunResults) -> None:
    """AUC on the customers that the model never saw."""
    assert results.facts is not None
    assert 0.82 <= results.facts.quality["auc"] <= 0.9

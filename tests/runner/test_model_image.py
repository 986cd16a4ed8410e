"""A model for another container: packaged alone, checked before the run, scored here by our own server."""

from __future__ import annotations

import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from subprocess import run

import pytest
from tiny_artifact import write_archive
from tiny_customers import SCORES, TinyBusiness, published
from tiny_model import TINY_CONTRACT, make_lone_tiny_model, make_tiny_model

from contracts.errors import BatchScoreError, CallerError
from emulator.object_store import ObjectStore
from runner.local_run import RunOptions, new_run_id, run_locally
from runner.package import package_model
from runner.preflight import RunPlaces, check_payload, check_places
from runner.results import RunResults, results_of
from runner.resume import claimed, resume_locally

BUILTIN_IMAGE = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.7-1"
OWN_IMAGE = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/our-server:2"

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> RunPlaces:
    """Places with which nothing is wrong; the model is alone, made for AWS's built-in container."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "contract.yaml").write_text(TINY_CONTRACT)
    (folder / "in").mkdir()
    (folder / "in" / "a.csv").write_text("customer_id,age,plan,active\nC1,20,basic,true\n")
    content = make_lone_tiny_model(folder / "model.json").read_bytes()
    return RunPlaces(
        contract=folder / "contract.yaml",
        model=write_archive(folder / "model.tar.gz", {"model.json": content}),
        source=str(folder / "in"),
        output=str(folder / "out"),
        model_image=BUILTIN_IMAGE,
    )


def refusal(places: RunPlaces, folder: Path, wire: str = "csv") -> str:
    with pytest.raises(CallerError) as caught:
        check_places(places, ObjectStore(folder / "objects"), wire=wire)
    return str(caught.value)


@pytest.mark.parametrize("wire", ["csv", "recordio"])
def test_a_model_alone_passes_with_an_image_of_its_own(given: RunPlaces, tmp_path: Path, wire: str) -> None:
    check_places(given, ObjectStore(tmp_path / "objects"), wire=wire)


def test_a_model_alone_is_refused_without_an_image_of_its_own(given: RunPlaces, tmp_path: Path) -> None:
    assert "has no contract.json" in refusal(replace(given, model_image=""), tmp_path)


@pytest.mark.parametrize("wire", ["parquet", "jsonlines"])
def test_a_wire_that_the_container_does_not_read_is_refused(
    given: RunPlaces, tmp_path: Path, wire: str
) -> None:
    assert refusal(given, tmp_path, wire) == (
        f"--wire {wire}: {given.model} is for a container that is not the project's own, which takes csv or "
        "recordio"
    )


def test_a_model_with_other_features_than_the_contract_is_refused(given: RunPlaces, tmp_path: Path) -> None:
    """In the names of the files that were handed in."""
    contract = tmp_path / "two.yaml"
    contract.write_text(TINY_CONTRACT.replace("[age, plan, active]", "[age, plan]"))

    message = refusal(replace(given, contract=contract), tmp_path)

    assert message.startswith(f"{given.model}: the model reads 3 features, the contract names 2 (age, plan)")


def test_an_artifact_with_a_contract_is_refused_for_aws_s_container(given: RunPlaces, tmp_path: Path) -> None:
    """[src] It would load the contract as a model, and end."""
    model = tmp_path / "whole.tar.gz"
    package_model(make_tiny_model(tmp_path / "tiny.json"), given.contract, model)

    whole = replace(given, model=model)

    assert f"{model}: holds a contract, but the container of --model-image" in refusal(whole, tmp_path)
    check_places(replace(whole, model_image=OWN_IMAGE), ObjectStore(tmp_path / "objects"))


def test_a_payload_that_aws_s_container_refuses_is_refused(given: RunPlaces) -> None:
    """[src] 6 MB of 1024 x 1024 bytes; an image of one's own has a limit of its own."""
    check_payload(given, 6)
    with pytest.raises(CallerError, match=r"MaxPayloadInMB is 7, but .* takes 6 MB at most"):
        check_payload(given, 7)
    check_payload(replace(given, model_image=OWN_IMAGE), 7)


def test_a_model_is_packaged_alone(given: RunPlaces, tmp_path: Path) -> None:
    """Its features have been compared with the contract's all the same."""
    model, out = make_lone_tiny_model(tmp_path / "lone.ubj"), tmp_path / "model.tar.gz"

    package_model(model, given.contract, out, is_alone=True)

    with tarfile.open(out) as archive:
        assert archive.getnames() == ["model.ubj"]
    with pytest.raises(CallerError, match="--baseline: goes into the archive"):
        package_model(model, given.contract, out, Path(given.source), is_alone=True)


def test_a_model_that_aws_s_container_would_misread_is_not_packaged(given: RunPlaces, tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path / "tiny.json")

    with pytest.raises(CallerError, match="its base_score is a list") as caught:
        package_model(model, given.contract, tmp_path / "model.tar.gz", is_alone=True)

    assert str(caught.value).startswith(f"{model}: ")
    assert not (tmp_path / "model.tar.gz").exists()


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    return TinyBusiness(tmp_path_factory.mktemp("business") / "lone")


@pytest.fixture(scope="module")
def places(business: TinyBusiness) -> RunPlaces:
    model = business.folder / "lone.tar.gz"
    package_model(make_lone_tiny_model(business.folder / "lone.ubj"), business.contract, model, is_alone=True)
    return replace(business.places, model=model, model_image=BUILTIN_IMAGE)


def options(wire: str) -> RunOptions:
    return RunOptions(wire=wire, parameters={"MaxQuarantineFraction": "0.5"})


def check_scores(results: RunResults) -> None:
    table = published(results)
    assert dict(zip(table["customer_id"].to_pylist(), table["score"].to_pylist(), strict=True)) == SCORES
    assert table["error"].null_count == len(table)


@pytest.mark.end_to_end
@pytest.mark.parametrize("wire", ["csv", "recordio"])
def test_a_model_alone_scores_as_it_does_with_its_contract(
    business: TinyBusiness, places: RunPlaces, wire: str
) -> None:
    """Quotes and commas in ids included: they never reach the container."""
    record = run_locally(places, options(wire), business.state, new_run_id(), lambda _: None)

    results = results_of(record, business.state)
    check_scores(results)
    assert results.facts is not None
    assert results.facts.parameters["ModelImageUri"] == BUILTIN_IMAGE
    (container,) = business.state.registry.packages()[0].request["InferenceSpecification"]["Containers"]
    assert container["Image"] == BUILTIN_IMAGE


@pytest.mark.end_to_end
def test_a_lost_run_is_resumed_with_its_image(
    business: TinyBusiness, places: RunPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost before its model was registered: what is registered and served then has to be the same."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "registry.sqlite")

    run_id = new_run_id()
    with monkeypatch.context() as patched:
        patched.setattr("emulator.registry.ModelRegistry.register", fail)
        with pytest.raises(BatchScoreError, match="No space left"):
            run_locally(places, options("csv"), business.state, run_id, lambda _: None)

    with claimed(run_id, business.state) as resumption:
        record = resume_locally(resumption, business.state, None, lambda _: None)

    check_scores(results_of(record, business.state))
    (container,) = business.state.registry.packages()[0].request["InferenceSpecification"]["Containers"]
    assert container["Image"] == BUILTIN_IMAGE


@pytest.mark.end_to_end
def test_the_command_says_whose_server_scores(business: TinyBusiness, places: RunPlaces) -> None:
    """Nobody should think that AWS's container had run here."""
    command = [sys.executable, "-m", "runner", "run", "--wire", "csv", "--model-image", BUILTIN_IMAGE]
    command += ["--contract", str(places.contract), "--model", str(places.model)]
    command += ["--input", places.source, "--output", str(business.folder / "told")]
    command += ["--state", str(business.state.root), "-p", "MaxQuarantineFraction=0.5"]

    done = run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "here the project's own server stands in" in done.stderr
    assert "Succeeded" in done.stdout

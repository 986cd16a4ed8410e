"""Find what scores in a local run: an artifact of its own, or that of a package in the local registry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contracts.errors import CallerError, near_matches
from emulator.registry import ModelPackage
from emulator.run_record import RunRecord
from runner.container_code import LOCAL_IMAGE_URI
from runner.local_state import LocalState


@dataclass(frozen=True, kw_only=True)
class RunModel:
    """What scores.

    Attributes:
        artifact: Path of the model artifact.
        image: URI of the image that the model runs in in AWS; empty for the project's own.
        package_arn: The package that it comes from; empty where the run registers it.
    """

    artifact: Path
    image: str = ""
    package_arn: str = ""


def packaged_model(name: str, state: LocalState) -> RunModel:
    """Return the model of an approved package.

    Args:
        name: `group/version`, an ARN, or `group` for its newest approved package.
        state: Has the registry.

    Raises:
        CallerError: There is no such package, it is not approved, or its artifact is gone.
    """
    package = _package(name, state)
    if package.approval_status != "Approved":
        named = f"{package.group_name}/{package.version}"
        raise CallerError(
            f"model package {named} is {package.approval_status}, not Approved; approve it with "
            f"`batchscore models approve {named}`"
        )
    model = _model_in(package, state)
    if not model.artifact.is_file():
        raise CallerError(f"{model.artifact}: the artifact of model package {name} is gone; register it anew")
    return model


def model_of_run(record: RunRecord, state: LocalState) -> RunModel:
    """Return what scores in a run that was started before; its artifact may be gone meanwhile.

    Raises:
        CallerError: It scores with a package that the registry does not have any more.
    """
    if "ModelArtifactUri" in record.parameters:
        artifact = state.store.path_of(str(record.parameters["ModelArtifactUri"]))
        return RunModel(artifact=artifact, image=record.choices.get("model_image", ""))
    return _model_in(state.registry.package(str(record.parameters["ModelPackageArn"])), state)


def _model_in(package: ModelPackage, state: LocalState) -> RunModel:
    (container,) = package.request["InferenceSpecification"]["Containers"]
    image = "" if container["Image"] == LOCAL_IMAGE_URI else container["Image"]
    artifact = state.store.path_of(container["ModelDataUrl"])
    return RunModel(artifact=artifact, image=image, package_arn=package.arn)


def _package(name: str, state: LocalState) -> ModelPackage:
    if not state.has_registry:
        raise CallerError(f"{state.root}: no model was registered yet; the candidate pipeline registers one")
    groups = {package.group_name for package in state.registry.packages()}
    if "/" in name:
        return state.registry.package(name)
    if name not in groups:
        raise CallerError(f"no model package group {name!r}; {near_matches(name, groups)}")
    approved = [entry for entry in state.registry.packages(name) if entry.approval_status == "Approved"]
    if not approved:
        raise CallerError(f"no package of group {name!r} is approved; see `batchscore models list`")
    return approved[0]

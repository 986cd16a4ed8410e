"""The registry counts versions, keeps approval, and finds the container of a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import CallerError
from emulator.registry import ModelRegistry

pytestmark = pytest.mark.functional

CONTAINER = {"Image": "image:1", "ModelDataUrl": "s3://b/m.tar.gz", "Environment": {"A": "1", "B": "1"}}


def registered(path: Path, *groups: str) -> ModelRegistry:
    registry = ModelRegistry(path / "registry.sqlite")
    for second, group in enumerate(groups):
        request = {"ModelPackageGroupName": group, "InferenceSpecification": {"Containers": [CONTAINER]}}
        registry.register(request, created_at=f"2026-11-23T00:00:{second:02d}Z")
    return registry


def test_versions_count_from_one_in_each_group_and_lists_are_newest_first(tmp_path: Path) -> None:
    registry = registered(tmp_path, "churn", "leads", "churn")

    assert [(entry.group_name, entry.version) for entry in registry.packages()] == [
        ("churn", 2),
        ("leads", 1),
        ("churn", 1),
    ]
    assert [entry.version for entry in registry.packages("churn")] == [2, 1]


def test_a_package_waits_for_approval_and_keeps_what_a_person_decides(tmp_path: Path) -> None:
    registry = registered(tmp_path, "churn")
    (package,) = registry.packages()

    registry.set_approval_status(package.arn, "Approved")

    assert package.approval_status == "PendingManualApproval"
    assert ModelRegistry(tmp_path / "registry.sqlite").package(package.arn).approval_status == "Approved"


def test_an_unknown_package_is_answered_with_near_matches(tmp_path: Path) -> None:
    registry = registered(tmp_path, "churn")

    with pytest.raises(CallerError, match=r"did you mean 'arn:aws:.*/churn/1'"):
        registry.package("arn:aws:sagemaker:local-laptop:000000000000:model-package/churm/1")


def test_a_model_finds_its_container_through_its_package(tmp_path: Path) -> None:
    registry = registered(tmp_path, "churn")
    (package,) = registry.packages()
    request = {"PrimaryContainer": {"ModelPackageName": package.arn, "Environment": {"B": "2"}}}

    registry.create_model("m", request, created_at="now")

    assert registry.model_container("m") == {**CONTAINER, "Environment": {"A": "1", "B": "2"}}


def test_a_model_that_was_never_created_is_named(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="no model 'ghost'"):
        registered(tmp_path).model_container("ghost")


def test_a_group_that_differs_only_in_case_is_refused(tmp_path: Path) -> None:
    """ARNs are lower-cased, so its packages could not be told from the other's."""
    with pytest.raises(CallerError, match="group 'Churn' differs only in case from 'churn'"):
        registered(tmp_path, "churn", "Churn")

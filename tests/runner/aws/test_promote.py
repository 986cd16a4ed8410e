"""`batchscore promote` makes production follow the registry: forward on approval, back on rejection, once."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from emulated_aws import PLACES, REGION, ROLE_ARN, make_group, register

from runner.aws import promote_command

pytestmark = pytest.mark.functional

NAME = "batchscore-production"
OPTIONS = ["promote", "--group", "churn", "--role-arn", ROLE_ARN]
PLACE_OPTIONS = [part for name, value in PLACES.items() for part in ("-p", f"{name}={value}")]


def _client() -> Any:
    return boto3.client("sagemaker", region_name=REGION)


def _decide(arn: str, approval_status: str) -> None:
    _client().update_model_package(ModelPackageArn=arn, ModelApprovalStatus=approval_status)


def _default() -> str | None:
    text = _client().describe_pipeline(PipelineName=NAME)["PipelineDefinition"]
    declared = {entry["Name"]: entry for entry in json.loads(text)["Parameters"]}
    default: str | None = declared["ModelPackageArn"].get("DefaultValue")
    return default


def _runs() -> list[dict[str, Any]]:
    """Executions; moto calls every one Succeeded at once, which proves that it was started and no more."""
    runs: list[dict[str, Any]] = _client().list_pipeline_executions(PipelineName=NAME)[
        "PipelineExecutionSummaries"
    ]
    return runs


def _definition() -> str:
    return str(_client().describe_pipeline(PipelineName=NAME)["PipelineDefinition"])


def _let_executions_be(monkeypatch: pytest.MonkeyPatch, status: str) -> list[str]:
    """Give all executions of now a status; return the list of tokens of all that start from here on."""
    arns = [run["PipelineExecutionArn"] for run in _runs()]
    tokens: list[str] = []
    make_call = type(_client())._make_api_call

    def called(client: Any, operation: str, words: dict[str, Any]) -> Any:
        if operation == "StartPipelineExecution":
            tokens.append(words["ClientRequestToken"])
        answer = make_call(client, operation, words)
        for entry in answer.get("PipelineExecutionSummaries", []):
            if entry["PipelineExecutionArn"] in arns:
                entry["PipelineExecutionStatus"] = status
        return answer

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", called)
    return tokens


def _promoted(batchscore: Any, *words: str) -> dict[str, Any]:
    answer = batchscore(*OPTIONS, "--json", *words)
    assert (answer.exit_code, answer.err) == (0, "")
    facts: dict[str, Any] = json.loads(answer.out)
    return facts


@pytest.fixture
def packages(batchscore: Any) -> list[str]:
    """Three packages: approved and promoted, pending, and approved in another group."""
    make_group("churn")
    make_group("leads")
    first = register("churn", "Approved")
    _promoted(batchscore, *PLACE_OPTIONS)
    return [first, register("churn", "PendingManualApproval"), register("leads", "Approved")]


def test_the_first_approved_package_makes_production_and_starts_it(
    batchscore: Any, packages: list[str]
) -> None:
    """With the places that were given as defaults, and a run named after the package."""
    assert _default() == packages[0]
    (run,) = _runs()
    assert run["PipelineExecutionDisplayName"] == "promote-churn-1"
    assert batchscore


def test_twice_does_no_harm(batchscore: Any, packages: list[str]) -> None:
    """Nothing is changed, nothing is started, and the run that scores is named."""
    facts = _promoted(batchscore)
    assert (facts["action"], facts["changes"]) == ("nothing", [])
    assert [run["PipelineExecutionArn"] for run in _runs()] == [facts["execution_arn"]]
    assert packages


def test_a_newly_approved_package_takes_over(batchscore: Any, packages: list[str]) -> None:
    """Places stay as they are deployed; a pending package of later does not matter."""
    _decide(packages[1], "Approved")
    register("churn", "PendingManualApproval")
    facts = _promoted(batchscore)
    assert (facts["model_package_arn"], facts["replaced"]) == (packages[1], packages[0])
    assert facts["changes"] == [
        f'~ Parameters.ModelPackageArn.DefaultValue: "{packages[0]}" -> "{packages[1]}"'
    ]
    assert {run["PipelineExecutionDisplayName"] for run in _runs()} == {"promote-churn-1", "promote-churn-2"}


def test_a_rejection_rolls_back_and_starts_nothing(batchscore: Any, packages: list[str]) -> None:
    """To the newest package that is still approved."""
    _decide(packages[1], "Approved")
    _promoted(batchscore)
    _decide(packages[1], "Rejected")
    facts = _promoted(batchscore)
    assert facts["is_rollback"]
    assert (_default(), facts["run_id"]) == (packages[0], None)
    assert len(_runs()) == 2


def test_a_rollback_that_is_told_twice_starts_nothing_either(
    batchscore: Any, packages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events come at least once; nor does it matter that the older package's own run had failed."""
    _decide(packages[1], "Approved")
    _promoted(batchscore)
    _decide(packages[1], "Rejected")
    _promoted(batchscore)
    _let_executions_be(monkeypatch, "Failed")
    facts = _promoted(batchscore)
    assert (facts["model_package_arn"], facts["run_id"]) == (packages[0], None)
    assert len(_runs()) == 2


def test_what_was_deployed_and_tuned_stays(batchscore: Any, packages: list[str]) -> None:
    """Shape, key, tags and defaults: a promotion changes the model and nothing else."""
    tuned = ["--wire", "csv", "--prepare", "sharded", "--kms-key", "alias/own", "--encrypt-traffic"]
    more = ["-p", "MaxTransformInstances=3", "-p", "InputUri=s3://data/other/", "--tag", "team=growth"]
    assert batchscore("upsert", "--role-arn", ROLE_ARN, *tuned, *more).exit_code == 0
    _decide(packages[1], "Approved")
    before = _definition()
    facts = _promoted(batchscore)
    assert [line.split(":")[0] for line in facts["changes"]] == ["~ Parameters.ModelPackageArn.DefaultValue"]
    assert _definition().replace(packages[1], packages[0]) == before


def test_a_model_rejected_while_its_run_waits_its_turn_does_not_score(
    batchscore: Any, packages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours may pass until the run before has ended."""
    _decide(packages[1], "Approved")
    running = ["arn:run/1", ""]
    monkeypatch.setattr("runner.aws.start.executing_run", lambda *_words: running.pop(0))
    monkeypatch.setattr("runner.aws.promote_command.time.sleep", lambda _s: _decide(packages[1], "Rejected"))
    answer = batchscore(*OPTIONS)
    assert answer.exit_code == 2
    assert "is Rejected, not Approved" in answer.err
    assert [run["PipelineExecutionDisplayName"] for run in _runs()] == ["promote-churn-1"]


def test_a_run_scores_with_its_own_package_whatever_becomes_of_the_default(
    batchscore: Any, packages: list[str]
) -> None:
    """The package is given to the run, not left to what is deployed when it starts."""
    _decide(packages[1], "Approved")
    facts = _promoted(batchscore)
    given = _client().list_pipeline_parameters_for_execution(PipelineExecutionArn=facts["execution_arn"])
    assert given["PipelineParameters"] == [{"Name": "ModelPackageArn", "Value": packages[1]}]


def test_a_package_decided_upon_meanwhile_is_seen(
    batchscore: Any, packages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the registry and the update somebody may reject what was found."""
    _decide(packages[1], "Approved")
    make = promote_command.apply_upsert
    decisions = ["Rejected"]

    def decided_meanwhile(*words: Any) -> Any:
        if decisions:
            _decide(packages[1], decisions.pop())
        return make(*words)

    monkeypatch.setattr(promote_command, "apply_upsert", decided_meanwhile)
    facts = _promoted(batchscore)
    assert (_default(), facts["model_package_arn"]) == (packages[0], packages[0])
    assert [run["PipelineExecutionDisplayName"] for run in _runs()] == ["promote-churn-1"]


def test_decisions_without_end_are_left_to_another_try(
    batchscore: Any, packages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is started while nobody knows with what."""
    monkeypatch.setattr(promote_command, "newest_approved", lambda *_words: None)
    answer = batchscore(*OPTIONS)
    assert answer.exit_code == 3
    assert "the packages of group 'churn' are being decided upon; promote again" in answer.err
    assert len(_runs()) == 1
    assert packages


def test_without_any_approved_package_production_will_not_start(batchscore: Any, packages: list[str]) -> None:
    """The default is withdrawn, and the command fails loudly; approving again repairs it."""
    _decide(packages[0], "Rejected")
    answer = batchscore(*OPTIONS)
    assert answer.exit_code == 1
    assert "no model package of group 'churn' is approved" in answer.err
    assert _default() is None
    assert batchscore("start").exit_code == 2
    _decide(packages[1], "Approved")
    assert _promoted(batchscore)["model_package_arn"] == packages[1]


def test_an_event_of_another_group_is_refused(batchscore: Any, packages: list[str]) -> None:
    """Nothing of ours is changed by it."""
    answer = batchscore(*OPTIONS, "--package", packages[2])
    assert answer.exit_code == 2
    assert "is of group 'leads', not of 'churn'" in answer.err
    assert _default() == packages[0]


def test_a_run_that_failed_is_started_again(
    batchscore: Any, packages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under another token, or AWS would answer with the one that failed."""
    (run,) = _runs()
    tokens = _let_executions_be(monkeypatch, "Failed")
    facts = _promoted(batchscore)
    assert facts["execution_arn"] != run["PipelineExecutionArn"]
    assert len(tokens) == len(set(tokens)) == 1
    assert packages


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--group", "chrn"], "model package group 'chrn' does not exist"),
        (["--group", "empty"], "no model package of group 'empty' is approved"),
    ],
)
def test_a_group_without_an_approved_package_makes_no_pipeline(
    batchscore: Any, words: list[str], message: str
) -> None:
    """A production pipeline that cannot start would only puzzle."""
    make_group("empty")
    answer = batchscore("promote", "--role-arn", ROLE_ARN, *words)
    assert answer.exit_code == 2
    assert message in answer.err
    assert _client().list_pipelines()["PipelineSummaries"] == []

"""Every role may do what it must, and nothing else: asked of the roles as created."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from definition_walk import all_steps
from emulated_account import ACCOUNT_ID, REGION, EmulatedAccount, StackFacts
from role_policies import Question, decided, policies_of, roles_of, simulated

ROOT = Path(__file__).parents[2]
SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}"
PRODUCTION = f"{SAGEMAKER}:pipeline/batchscore-production"
RUN = f"{PRODUCTION}/execution/p4jn9xou8a8s"
JOB = "pipelines-p4jn9xou8a8s-preparei-tmgxry49ug"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/11111111-2222-3333-4444-555555555555"
INTERFACE = f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}:network-interface/eni-1"
SUBNET, GROUP = (
    f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}:{kind}-0a" for kind in ("subnet/subnet", "security-group/sg")
)
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:/aws/sagemaker"
TO_SAGEMAKER = {"iam:PassedToService": "sagemaker.amazonaws.com"}

STEP_NEEDS = {
    "Processing": [("CreateProcessingJob", "processing-job"), ("DescribeProcessingJob", "processing-job")],
    "Transform": [("CreateTransformJob", "transform-job"), ("DescribeTransformJob", "transform-job")],
    "Model": [("CreateModel", "model"), ("DescribeModel", "model")],
    "RegisterModel": [("CreateModelPackage", "model-package"), ("DescribeModelPackage", "model-package")],
    "Condition": [],
    "Fail": [],
}
"""[doc] To create and to describe each type of job in the pipeline ("IAM Access Management")."""


def _step_questions() -> list[Question]:
    """What the steps of every compiled definition need."""
    definitions = [json.loads(path.read_text()) for path in sorted((ROOT / "tests/golden").glob("*.json"))]
    kinds = {step["Type"] for definition in definitions for step in all_steps(definition).values()}
    needs = [need for kind in sorted(kinds) for need in STEP_NEEDS[kind]]
    names = {"model-package": "batchscore/7"}
    return [
        Question(f"sagemaker:{call}", f"{SAGEMAKER}:{kind}/{names.get(kind, JOB)}") for call, kind in needs
    ]


def _allowed(stack: StackFacts) -> dict[str, list[Question]]:
    bucket = stack.ids["Bucket"]
    role = stack.outputs["PipelineRoleArn"]
    output = f"arn:aws:s3:::{bucket}/output/runs/p4jn9xou8a8s/plan/plan.json"
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{stack.ids['DeadLetterQueue'].rsplit('/', 1)[-1]}"
    data = [
        Question("s3:GetObject", "arn:aws:s3:::customer-data/input/2026-11-23/customers.csv"),
        Question("s3:ListBucket", "arn:aws:s3:::customer-data", {"s3:prefix": "input/2026-11-23/"}),
        Question("s3:GetObject", f"arn:aws:s3:::{bucket}/assets/contract.yaml"),
        Question("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": "assets/contract.yaml"}),
        Question("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": "output/runs/"}),
        Question("s3:GetObject", output),
        Question("s3:PutObject", output),
        Question("kms:Decrypt", KEY),
        Question("kms:GenerateDataKey", KEY),
        Question("iam:PassRole", role, TO_SAGEMAKER),
    ]
    operator = [
        *data,
        *(
            Question(f"sagemaker:{call}", PRODUCTION)
            for call in ("DescribePipeline", "CreatePipeline", "UpdatePipeline", "StartPipelineExecution")
        ),
        *(
            Question(f"sagemaker:{call}", PRODUCTION)
            for call in ("ListTags", "AddTags", "ListPipelineExecutions")
        ),
        *(
            Question(f"sagemaker:{call}", RUN)
            for call in ("DescribePipelineExecution", "StopPipelineExecution", "ListPipelineExecutionSteps")
        ),
        Question("sagemaker:ListPipelineParametersForExecution", RUN),
        Question("sagemaker:ListPipelines", "*"),
        Question("sagemaker:DescribeModelPackage", f"{SAGEMAKER}:model-package/batchscore/7"),
        Question("sagemaker:ListModelPackages", f"{SAGEMAKER}:model-package-group/batchscore"),
        Question(
            "sagemaker:UpdateModelPackage",
            f"{SAGEMAKER}:model-package/batchscore/7",
            {"sagemaker:ModelApprovalStatus": "Rejected"},
        ),
        Question("sagemaker:DescribeProcessingJob", f"{SAGEMAKER}:processing-job/{JOB}"),
        Question("sagemaker:DescribeTransformJob", f"{SAGEMAKER}:transform-job/{JOB}"),
        Question("cloudformation:DescribeStacks", stack.arn),
        Question("pricing:GetProducts", "*"),
        Question("servicequotas:ListServiceQuotas", "*"),
        Question("servicequotas:ListAWSDefaultServiceQuotas", "*"),
        Question("ec2:DescribeInstanceTypes", "*"),
        Question("ecr:DescribeImages", f"arn:aws:ecr:{REGION}:111122223333:repository/team/batchscore"),
        Question("iam:GetRole", role),
        Question("iam:SimulatePrincipalPolicy", role),
        Question("logs:GetLogEvents", f"{LOGS}/TransformJobs:log-stream:{JOB}"),
        Question("s3:GetBucketLocation", "arn:aws:s3:::customer-data"),
    ]
    return {
        "PipelineRole": [
            *data,
            *_step_questions(),
            Question("sagemaker:StopTransformJob", f"{SAGEMAKER}:transform-job/{JOB}"),
            Question("sagemaker:AddTags", f"{SAGEMAKER}:model/{JOB}"),
            Question("s3:AbortMultipartUpload", output),
            Question("ecr:GetAuthorizationToken", "*"),
            Question("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:111122223333:repository/team/batchscore"),
            Question("logs:PutLogEvents", f"{LOGS}/ProcessingJobs:log-stream:{JOB}"),
            Question(
                "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "/aws/sagemaker/TransformJobs"}
            ),
            Question("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}),
            Question("ec2:DescribeSubnets", "*"),
            Question("ec2:CreateNetworkInterface", INTERFACE),
            Question("ec2:CreateNetworkInterface", SUBNET, {"ec2:SubnetID": "subnet-0a"}),
            Question("ec2:CreateNetworkInterface", GROUP, {"ec2:SecurityGroupID": "sg-0a"}),
            Question(
                "ec2:CreateNetworkInterfacePermission",
                INTERFACE,
                {"ec2:AuthorizedService": "sagemaker.amazonaws.com"},
            ),
            Question("ec2:DeleteNetworkInterface", INTERFACE),
        ],
        "SchedulerRole": [
            Question("sagemaker:StartPipelineExecution", PRODUCTION),
            Question("sqs:SendMessage", queue),
        ],
        "RulesRole": [
            Question("sagemaker:StartPipelineExecution", PRODUCTION),
            Question(
                "codebuild:StartBuild", f"arn:aws:codebuild:{REGION}:{ACCOUNT_ID}:project/batchscore-promote"
            ),
        ],
        "MarkerRole": [
            Question("sagemaker:StartPipelineExecution", PRODUCTION),
            Question("sqs:SendMessage", queue),
        ],
        "PromotionRole": operator,
        "GitHubRole": operator,
    }


def _denied_to_all(stack: StackFacts) -> list[Question]:
    """What none of the roles needs."""
    role = stack.outputs["PipelineRoleArn"]
    bucket = f"arn:aws:s3:::{stack.ids['Bucket']}"
    return [
        Question("s3:GetObject", "arn:aws:s3:::other-data/input/2026-11-23/customers.csv"),
        Question("s3:GetObject", "arn:aws:s3:::customer-data/elsewhere/customers.csv"),
        Question("s3:PutObject", "arn:aws:s3:::customer-data/input/2026-11-23/customers.csv"),
        Question("s3:PutObject", f"{bucket}/assets/contract.yaml"),
        Question("s3:DeleteObject", f"{bucket}/output/runs/p4jn9xou8a8s/plan/plan.json"),
        Question("s3:ListBucket", "arn:aws:s3:::customer-data", {"s3:prefix": ""}),
        Question("s3:ListBucket", "arn:aws:s3:::customer-data", {"s3:prefix": "elsewhere/"}),
        Question("sagemaker:StartPipelineExecution", f"{SAGEMAKER}:pipeline/churn-training"),
        Question("sagemaker:UpdatePipeline", f"{SAGEMAKER}:pipeline/churn-training"),
        Question("sagemaker:DeletePipeline", PRODUCTION),
        Question("sagemaker:StopPipelineExecution", f"{SAGEMAKER}:pipeline/churn-training/execution/1"),
        Question("sagemaker:DescribeModelPackage", f"{SAGEMAKER}:model-package/fraud/7"),
        Question("sagemaker:CreateModelPackage", f"{SAGEMAKER}:model-package/fraud/7"),
        Question("sagemaker:UpdateModelPackage", f"{SAGEMAKER}:model-package/batchscore/7"),
        Question(
            "sagemaker:UpdateModelPackage",
            f"{SAGEMAKER}:model-package/fraud/7",
            {"sagemaker:ModelApprovalStatus": "Rejected"},
        ),
        Question(
            "sagemaker:UpdateModelPackage",
            f"{SAGEMAKER}:model-package/batchscore/7",
            {"sagemaker:ModelApprovalStatus": "Approved"},
        ),
        Question("sagemaker:DescribeTransformJob", f"{SAGEMAKER}:transform-job/nightly-fraud"),
        Question("sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/{JOB}"),
        Question("sagemaker:CreateEndpoint", f"{SAGEMAKER}:endpoint/{JOB}"),
        Question("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"}),
        Question("iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"}),
        Question("iam:PassRole", f"arn:aws:iam::{ACCOUNT_ID}:role/admin", TO_SAGEMAKER),
        *(
            Question(f"iam:{call}", role)
            for call in ("PutRolePolicy", "AttachRolePolicy", "UpdateAssumeRolePolicy", "CreateRole")
        ),
        Question("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT_ID}:user/someone"),
        Question("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT_ID}:role/admin"),
        Question("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/another"),
        Question("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "false"}),
        Question("kms:ScheduleKeyDeletion", KEY),
        Question("ecr:PutImage", f"arn:aws:ecr:{REGION}:111122223333:repository/team/batchscore"),
        Question("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:111122223333:repository/team/other"),
        Question("ec2:CreateNetworkInterface", SUBNET, {"ec2:SubnetID": "subnet-other"}),
        Question("ec2:CreateNetworkInterface", GROUP, {"ec2:SecurityGroupID": "sg-other"}),
        Question(
            "ec2:CreateNetworkInterfacePermission", INTERFACE, {"ec2:AuthorizedService": "x.amazonaws.com"}
        ),
        Question("ec2:RunInstances", "*"),
        Question("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "AWS/Billing"}),
        Question("codebuild:StartBuild", f"arn:aws:codebuild:{REGION}:{ACCOUNT_ID}:project/website"),
        Question("sqs:ReceiveMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:batchscore-any"),
        Question("cloudformation:UpdateStack", f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/x"),
        Question("secretsmanager:GetSecretValue", "*"),
    ]


ONLY = {
    "s3:GetObject": ("PipelineRole", "PromotionRole", "GitHubRole"),
    "sagemaker:StartPipelineExecution": (
        *("SchedulerRole", "RulesRole", "MarkerRole"),
        *("PromotionRole", "GitHubRole"),
    ),
    "sagemaker:CreateTransformJob": ("PipelineRole",),
    "sagemaker:UpdateModelPackage": ("PromotionRole", "GitHubRole"),
    "sagemaker:UpdatePipeline": ("PromotionRole", "GitHubRole"),
    "iam:PassRole": ("PipelineRole", "PromotionRole", "GitHubRole"),
    "codebuild:StartBuild": ("RulesRole",),
}
"""Which roles may do a thing at all."""

ROLES = ("PipelineRole", "SchedulerRole", "RulesRole", "MarkerRole", "PromotionRole", "GitHubRole")


@pytest.mark.functional
@pytest.mark.parametrize("role", ROLES)
def test_what_is_needed_is_allowed(account: EmulatedAccount, stack: StackFacts, role: str) -> None:
    """Also by SimulatePrincipalPolicy; what is allowed on a condition, it must refuse, having no context."""
    questions = _allowed(stack)[role]

    decisions = decided(account, stack.ids[role], questions)
    refused = [q for q, decision in zip(questions, decisions, strict=True) if decision != "Allow"]
    simulations = [simulated(account, stack.ids[role], question) for question in questions]

    assert refused == []
    assert simulations == ["implicitDeny" if question.context else "allowed" for question in questions]


@pytest.mark.functional
@pytest.mark.parametrize("role", ROLES)
def test_what_is_not_needed_is_denied(account: EmulatedAccount, stack: StackFacts, role: str) -> None:
    questions = _denied_to_all(stack)

    decisions = decided(account, stack.ids[role], questions)

    assert [q for q, decision in zip(questions, decisions, strict=True) if decision == "Allow"] == []
    assert {simulated(account, stack.ids[role], question) for question in questions} == {"implicitDeny"}


@pytest.mark.functional
def test_roles_share_no_more_than_they_must(account: EmulatedAccount, stack: StackFacts) -> None:
    """What one role needs is not open to the others."""
    needs = {question.action: question for questions in _allowed(stack).values() for question in questions}
    questions = [needs[action] for action in ONLY]

    decisions = {role: decided(account, stack.ids[role], questions) for role in ROLES}

    for number, (action, allowed) in enumerate(ONLY.items()):
        may = tuple(role for role in ROLES if decisions[role][number] == "Allow")
        assert (action, may) == (action, allowed)


@pytest.mark.functional
def test_policies_have_no_findings(account: EmulatedAccount, stack: StackFacts, run_tool: Any) -> None:
    """Every action exists and takes the resources and conditions beside it, and cloudsplaining sees no risk.

    But one: jobs pull their image, for which they sign in to ECR, and that sign-in is for the account [doc].
    """
    policies: dict[str, Any] = {}
    for name in roles_of(stack).values():
        policies |= policies_of(account, name)

    script = ROOT / "tests/support/policy_findings.py"
    found = run_tool("python", script, text=json.dumps(policies))

    assert found.stderr == ""
    pipeline_role = f"{stack.ids['PipelineRole']}/run-jobs"
    assert json.loads(found.stdout) == [
        f"{pipeline_role}: credentials_exposure: ['ecr:GetAuthorizationToken']"
    ]


@pytest.mark.functional
def test_policies_are_small_enough_for_long_names_too(account: EmulatedAccount, stack: StackFacts) -> None:
    """[doc] A managed policy has at most 6,144 characters, all inline ones of a role 10,240."""
    for name in roles_of(stack).values():
        sizes = {key: len(json.dumps(document)) for key, document in policies_of(account, name).items()}
        inline = sum(size for key, size in sizes.items() if "/" in key)
        assert inline < 0.7 * 10_240
        assert max((size for key, size in sizes.items() if "/" not in key), default=0) < 0.9 * 6_144


@pytest.mark.functional
@pytest.mark.parametrize(
    ("action", "resource", "condition", "finding"),
    [
        ("s3:*", "*", {}, "unknown actions or wildcards: ['s3:*']"),
        ("s3:GetObjects", "*", {}, "unknown actions or wildcards: ['s3:GetObjects']"),
        ("s3:GetObject", "arn:aws:s3:::bucket", {}, "s3:GetObject is never compared with"),
        ("s3:PutObject", "*", {}, "write_actions_without_constraints"),
        ("iam:PutRolePolicy", "*", {}, "permissions_management_without_constraints"),
        ("s3:ListBucket", "arn:aws:s3:::b", {"StringLike": {"s3:prefixes": "a"}}, "knows no condition"),
    ],
)
def test_the_check_of_policies_finds_what_is_planted(
    run_tool: Any, action: str, resource: str, condition: dict[str, Any], finding: str
) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}
    policy = {"planted": {"Version": "2012-10-17", "Statement": [statement]}}

    found = run_tool("python", ROOT / "tests/support/policy_findings.py", text=json.dumps(policy))

    assert finding in found.stdout


@pytest.mark.functional
def test_a_role_trusts_one_service_for_this_account_only(account: EmulatedAccount, stack: StackFacts) -> None:
    """Confused deputies: a service acts for the resource that asks, which must be ours."""
    iam = account.client("iam")
    trust = {
        key: iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
        for key, name in roles_of(stack).items()
    }
    sources = {
        "PipelineRole": ("sagemaker", f"{SAGEMAKER}:*"),
        "SchedulerRole": ("scheduler", f"arn:aws:scheduler:{REGION}:{ACCOUNT_ID}:schedule-group/batchscore"),
        "RulesRole": ("events", f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/batchscore-*"),
        "PromotionRole": ("codebuild", f"arn:aws:codebuild:{REGION}:{ACCOUNT_ID}:project/batchscore-promote"),
    }
    for key, (service, source) in sources.items():
        (statement,) = trust.pop(key)
        conditions = statement["Condition"]
        assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
        assert conditions.pop("StringEquals") == {"aws:SourceAccount": ACCOUNT_ID}
        assert list(conditions.values()) == [{"aws:SourceArn": source}]
    assert trust["MarkerRole"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    github = trust["GitHubRole"][0]
    assert github["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:example/scoring:environment:production",
        }
    }

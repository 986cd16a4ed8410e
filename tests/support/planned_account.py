"""An account that a run can be planned in: moto's, with made-up quotas and prices, which moto does not have.

No price here is one of AWS's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from emulated_aws import IMAGE_URI, REGION, ROLE_ARN, make_group, register
from tiny_customers import CUSTOMERS
from tiny_model import TINY_CONTRACT

from runner.aws.session import AwsConnection

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
NAME = "batchscore-production"
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(kw_only=True)
class Answers:
    """What services answer to what moto does not know.

    Attributes:
        quotas: Applied values by name.
        default_quotas: AWS's own values by name.
        prices: USD an hour by usage type, as the price list writes that.
        powerless: ARNs of principals that may not hand over a role.
        local_storage: EC2 instance types that have it.
        asked: Operations that were asked, in order.
        refusal: Raised by every operation of the service of that name.
    """

    quotas: dict[str, float] = field(default_factory=dict)
    default_quotas: dict[str, float] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)
    powerless: set[str] = field(default_factory=set)
    local_storage: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    refusal: dict[str, Exception] = field(default_factory=dict)


def product(usage_type: str, usd: float, unit: str = "Hrs") -> str:
    """Return an entry of PriceList in the form that the Billing guide documents [doc]."""
    dimension = {"unit": unit, "pricePerUnit": {"USD": f"{usd:.10f}"}, "beginRange": "0", "endRange": "Inf"}
    return json.dumps(
        {
            "product": {"productFamily": "ML Instance", "attributes": {"usagetype": usage_type}, "sku": "A"},
            "serviceCode": "AmazonSageMaker",
            "terms": {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": dimension}}}},
        }
    )


def answer_for(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> None:
    """Let the Price List API, Service Quotas, and whatever is refused, answer so for every connection."""
    client_of = AwsConnection.client

    def client(self: AwsConnection, name: str, *, region: str | None = None) -> Any:
        made = client_of(self, name, region=region)
        if name in answers.refusal:
            made.meta.events.register(f"before-call.{name}", lambda **_call: _refuse(answers, name))
            return made
        for operation in _ANSWERS.get(name, {}):
            event = f"before-call.{name}.{operation}"
            made.meta.events.register(event, lambda **call: _answer(answers, name, call), unique_id=event)
        return made

    monkeypatch.setattr(AwsConnection, "client", client)


def _answer(answers: Answers, service: str, call: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    operation = call["model"].name
    answers.asked.append(operation)
    body = call["params"]["body"]
    asked = body if isinstance(body, dict) else json.loads(body)
    return _Http(), _ANSWERS[service][operation](answers, asked)


def _refuse(answers: Answers, service: str) -> None:
    raise answers.refusal[service]


class _Http:
    status_code = 200


def _products(answers: Answers, asked: Mapping[str, Any]) -> dict[str, Any]:
    filters = {entry["Field"]: entry for entry in asked["Filters"]}
    assert filters["regionCode"] == {"Type": "TERM_MATCH", "Field": "regionCode", "Value": REGION}
    assert filters["usagetype"]["Type"] == "CONTAINS"
    wanted = filters["usagetype"]["Value"]
    return {"PriceList": [product(name, usd) for name, usd in answers.prices.items() if wanted in name]}


def _quotas(values: Mapping[str, float]) -> dict[str, Any]:
    return {"Quotas": [{"QuotaName": name, "Value": value} for name, value in values.items()]}


def _decision(answers: Answers, asked: Mapping[str, Any]) -> dict[str, Any]:
    assert asked["ActionNames.member.1"] == "iam:PassRole"
    assert asked["ContextEntries.member.1.ContextKeyValues.member.1"] == "sagemaker.amazonaws.com"
    decision = "implicitDeny" if asked["PolicySourceArn"] in answers.powerless else "allowed"
    return {"EvaluationResults": [{"EvalActionName": "iam:PassRole", "EvalDecision": decision}]}


def _storage(answers: Answers, asked: Mapping[str, Any]) -> dict[str, Any]:
    name = asked["InstanceType.1"]
    return {
        "InstanceTypes": [{"InstanceType": name, "InstanceStorageSupported": name in answers.local_storage}]
    }


_ANSWERS: dict[str, dict[str, Callable[[Answers, Mapping[str, Any]], dict[str, Any]]]] = {
    "pricing": {"GetProducts": _products},
    "service-quotas": {
        "ListServiceQuotas": lambda answers, _asked: _quotas(answers.quotas),
        "ListAWSDefaultServiceQuotas": lambda answers, _asked: _quotas(answers.default_quotas),
    },
    "iam": {"SimulatePrincipalPolicy": _decision},
    "ec2": {"DescribeInstanceTypes": _storage},
}


def make_account() -> dict[str, str]:
    """Fill moto's account with everything that a run needs; return the parameters of production."""
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="in/customers.csv", Body=CUSTOMERS.encode())
    s3.put_object(Bucket="data", Key="in/_SUCCESS", Body=b"")
    s3.put_object(Bucket="data", Key="contract.yaml", Body=TINY_CONTRACT.encode())
    ecr = boto3.client("ecr", region_name=REGION)
    ecr.create_repository(repositoryName="batchscore")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": {}, "layers": []})
    ecr.put_image(repositoryName="batchscore", imageManifest=manifest, imageTag="1")
    iam = boto3.client("iam", region_name=REGION)
    iam.create_role(RoleName="scoring", AssumeRolePolicyDocument=json.dumps(TRUST))
    make_group("churn")
    return {
        "InputUri": "s3://data/in/",
        "ContractUri": "s3://data/contract.yaml",
        "OutputUri": "s3://data/out/",
        "ImageUri": IMAGE_URI,
        "ModelPackageArn": register("churn", "Approved"),
        "MaxQuarantineFraction": "0.5",
    }


def deploy(values: Mapping[str, str], golden: str = "production-planned-single-arrow") -> None:
    """Deploy a pipeline as NAME, with these values as its defaults."""
    definition = json.loads((GOLDEN / f"{golden}.json").read_text())
    for parameter in definition["Parameters"]:
        if parameter["Name"] in values:
            kind = {"String": str, "Integer": int, "Float": float}[parameter["Type"]]
            parameter["DefaultValue"] = kind(values[parameter["Name"]])
    boto3.client("sagemaker", region_name=REGION).create_pipeline(
        PipelineName=NAME,
        PipelineDefinition=json.dumps(definition),
        RoleArn=ROLE_ARN,
        ClientRequestToken="0" * 32,
    )

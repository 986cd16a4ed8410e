"""How many instances of a type an account may have in jobs at once, as Service Quotas says.

Names as Service Quotas lists them for SageMaker: `ml.m5.xlarge for transform job usage` and `Number of
instances across all transform jobs`, the same for processing jobs **[src]** (the first also stands in the
service's own ResourceLimitExceeded message; both in listings that public repositories keep).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import ClientError

from contracts.errors import CallerError
from runner.aws.checks import PASSED, CannotTellError, Check, look_at
from runner.aws.errors import error_code
from runner.aws.session import AwsConnection

SERVICE_CODE = "sagemaker"


@dataclass(frozen=True, kw_only=True)
class InstanceNeed:
    """Instances that one job has at once.

    Attributes:
        job: `transform` or `processing`.
        instance_type: Such as `ml.m5.xlarge`.
        instance_count: At least 1.
    """

    job: str
    instance_type: str
    instance_count: int

    @property
    def quota_names(self) -> tuple[str, str]:
        """Of the quota for the type, and of that for all types."""
        return (
            f"{self.instance_type} for {self.job} job usage",
            f"Number of instances across all {self.job} jobs",
        )


def check_quotas(connection: AwsConnection, needs: Iterable[InstanceNeed]) -> list[Check]:
    """Return one check for each quota that the needs meet; jobs of one run follow each other."""
    wanted: dict[str, int] = {}
    for need in needs:
        for name in need.quota_names:
            wanted[name] = max(wanted.get(name, 0), need.instance_count)
    found: dict[str, float] = {}

    def read() -> str:
        found.update(_values(connection, wanted))
        return ""

    listing = look_at("quotas", read)
    if listing.outcome != PASSED:
        return [listing]
    return [look_at("quota", partial(_compared, name, count, found)) for name, count in wanted.items()]


def _compared(name: str, needed: int, found: Mapping[str, float]) -> str:
    if name not in found:
        raise CannotTellError(f"Service Quotas lists no {name!r} in this region")
    value = int(found[name])
    if value < needed:
        raise CallerError(
            f"{name!r} is {value}, the run needs {needed}; request an increase in Service Quotas, or choose "
            "fewer or other instances"
        )
    return f"{name!r} is {value}, the run needs {needed}; what other jobs use is not known"


def _values(connection: AwsConnection, names: Iterable[str]) -> dict[str, float]:
    """Return the value of each quota: the one applied to the account, else AWS's default."""
    missing, found = set(names), {}
    # [doc] A quota whose applied value is not available is missing from the first list, not from the second.
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for name, value in _listed(connection, operation):
            if name in missing:
                found[name] = value
                missing.discard(name)
            if not missing:
                return found
    return found


def _listed(connection: AwsConnection, operation: str) -> Iterator[tuple[str, float]]:
    pages = connection.client("service-quotas").get_paginator(operation)
    try:
        for page in pages.paginate(ServiceCode=SERVICE_CODE):
            for quota in page["Quotas"]:
                yield quota.get("QuotaName", ""), quota.get("Value", 0.0)
    except ClientError as error:
        if error_code(error) == "NoSuchResourceException":
            raise CannotTellError(f"Service Quotas does not know SageMaker in {connection.region}") from error
        raise

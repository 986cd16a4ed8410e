"""Who may read what a run leaves on disks and in S3, and which network its jobs live in.

Chosen when the definition is built, because lists (subnets, security groups) cannot be pipeline parameters.
By default disks and objects are encrypted with AWS's own keys and jobs run outside of any VPC; network
isolation is always on. A transform job takes its network from the model that it runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from contracts.errors import CallerError

_KMS_KEY_ID = r"[a-zA-Z0-9:/_-]{1,2048}"
_NETWORK_ID = r"[-0-9a-zA-Z]{1,32}"
"""[src] botocore's `KmsKeyId`, `SubnetId` and `SecurityGroupId` shapes."""

MAX_SUBNETS = 16
MAX_SECURITY_GROUPS = 5
"""[src] botocore's `Subnets` and `VpcSecurityGroupIds` shapes."""


@dataclass(frozen=True, kw_only=True)
class JobSecurity:
    """Settings that reach every job and model of a pipeline.

    Attributes:
        kms_key_id: ARN, id or alias of the key for disks and outputs; empty for AWS's own keys.
        subnet_ids: Subnets of one VPC in which jobs and models run; empty for none.
        security_group_ids: Of the same VPC; given if and only if subnets are.
        encrypt_traffic: Whether several preparing instances encrypt what they send to each other.
    """

    kms_key_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    encrypt_traffic: bool = False

    def __post_init__(self) -> None:
        faults = [
            *_faults_of("kms_key_id", (self.kms_key_id,) if self.kms_key_id else (), _KMS_KEY_ID, 1),
            *_faults_of("subnet_ids", self.subnet_ids, _NETWORK_ID, MAX_SUBNETS),
            *_faults_of("security_group_ids", self.security_group_ids, _NETWORK_ID, MAX_SECURITY_GROUPS),
        ]
        if bool(self.subnet_ids) != bool(self.security_group_ids):
            faults.append("subnet_ids and security_group_ids go together: give both or neither")
        if faults:
            raise CallerError("; ".join(faults))

    @property
    def key_or_none(self) -> str | None:
        """The key as the SDK takes it, which leaves None out."""
        return self.kms_key_id or None

    @property
    def vpc_config(self) -> dict[str, list[str]]:
        """The request field of that name; empty outside of any VPC."""
        if not self.subnet_ids:
            return {}
        return {"SecurityGroupIds": list(self.security_group_ids), "Subnets": list(self.subnet_ids)}


def _faults_of(name: str, values: tuple[str, ...], pattern: str, most: int) -> list[str]:
    faults = [f"{name}: {value!r} is none" for value in values if not re.fullmatch(pattern, value)]
    if len(values) > most:
        faults.append(f"{name}: {len(values)} given, the most is {most}")
    return faults

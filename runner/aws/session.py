"""Connect to an account: one boto3 session, its region, and clients that retry adaptively.

Credentials are looked for where every AWS tool looks: environment, shared files, single sign-on, the role of
the machine. None is ever read, printed or kept here. Making a connection asks nothing of AWS.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from contracts.errors import CallerError

RETRIES = {"mode": "adaptive", "total_max_attempts": 10}
"""[doc] Adaptive mode retries as standard mode does and slows a client down that is being throttled
(boto3 guide, "Retries")."""

CONNECT_SECONDS = 10
READ_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class AwsSettings:
    """Which account is meant.

    Attributes:
        region: Such as `eu-central-1`; None for that of the profile or the environment.
        profile: Of the shared AWS files; None for the default one.
    """

    region: str | None = None
    profile: str | None = None


@dataclass(frozen=True, kw_only=True)
class AwsConnection:
    """One account in one region.

    Attributes:
        session: The boto3 session behind it.
        region: Such as `eu-central-1`.
    """

    session: Any
    region: str
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service_name: str, *, region: str | None = None) -> Any:
        """Return the client of a service, always the same one; `region` is for services that have few."""
        key = (service_name, region or self.region)
        if key not in self._clients:
            config = Config(
                retries=RETRIES,
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                user_agent_extra="batchscore",
            )
            self._clients[key] = self.session.client(service_name, region_name=key[1], config=config)
        return self._clients[key]

    def account_id(self) -> str:
        """Return the twelve digits of the account, as STS says."""
        return str(self.client("sts").get_caller_identity()["Account"])


def connect(settings: AwsSettings) -> AwsConnection:
    """Return a connection; asks nothing of AWS yet.

    Raises:
        CallerError: No region is set anywhere.
        botocore.exceptions.ProfileNotFound: There is no such profile.
    """
    session = boto3.session.Session(region_name=settings.region, profile_name=settings.profile)
    # [src] botocore itself reads AWS_DEFAULT_REGION only; the other SDKs and CodeBuild set AWS_REGION.
    region = session.region_name or os.environ.get("AWS_REGION")
    if not region:
        raise CallerError("no AWS region is set; name one with --region, AWS_REGION or in the profile")
    return AwsConnection(session=session, region=region)

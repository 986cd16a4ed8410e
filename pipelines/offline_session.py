"""A PipelineSession that compiles definitions and can do nothing else.

It has a region and no account: no boto3 client stands behind it, no credentials are looked for, no file
of SDK defaults is read, nothing is sent as telemetry. The SDK asks a session for few things while it
compiles; each is answered here with a fixed value, so that the same choices always give the same
definition. Whatever would need AWS raises an error that names it.
"""

from __future__ import annotations

from typing import Any, NoReturn

from contracts.errors import InternalError
from steps.sdk import PipelineSession

DEFAULT_REGION = "us-east-1"
PLACEHOLDER_ACCOUNT = "000000000000"
PLACEHOLDER_ROLE_ARN = f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/batchscore-offline"
"""Stands in a definition that is compiled for reading or for the laptop; AWS needs a real one."""

_NO_REGION = "offline"
"""What telemetry sees: the SDK sends it to a bucket in the session's region, if that is a region at all."""


class OfflineClient:
    """Stands where the SDK keeps a boto3 client or resource, and refuses every call."""

    def __init__(self, service_name: str) -> None:
        self._service_name = service_name

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise InternalError(
            f"the offline session cannot use {self._service_name}.{name}: it only compiles definitions; "
            "pass a sagemaker_session of your own to work with AWS"
        )


class _OfflineBotoSession:
    """As much of a boto3 session as the SDK touches while it compiles."""

    region_name = _NO_REGION

    def client(self, service_name: str, **_settings: Any) -> OfflineClient:
        return OfflineClient(service_name)


class OfflinePipelineSession(PipelineSession):  # type: ignore[misc] # the SDK ships no types
    """Compiles definitions with no network, no credentials and no region in the environment."""

    def __init__(self, region: str = DEFAULT_REGION) -> None:
        self._compiled_region = region
        super().__init__(boto_session=_OfflineBotoSession())

    def _initialize(self, *, boto_session: _OfflineBotoSession, **_unused: Any) -> None:
        """Set what the SDK would, with no boto3 client and no file of defaults.

        The SDK checks its defaults against their schema at every look-up; where there are none, compiling is
        five times faster.
        """
        self.boto_session = boto_session
        self._region_name = self._compiled_region
        self.sagemaker_client = boto_session.client("sagemaker")
        self.sagemaker_runtime_client = boto_session.client("sagemaker-runtime")
        self.s3_client = boto_session.client("s3")
        self.s3_resource = self.s3_client
        self.local_mode = False
        self.sagemaker_config: dict[str, Any] = {}

    def default_bucket(self) -> str:
        """Return the name that the SDK would give, for the placeholder account."""
        return f"sagemaker-{self.boto_region_name}-{PLACEHOLDER_ACCOUNT}"

    def account_id(self) -> str:
        """Return the placeholder account."""
        return PLACEHOLDER_ACCOUNT

    def expand_role(self, role: str) -> str:
        """Return the role as given: looking a name up would need IAM."""
        return role

    def upload_data(self, *_arguments: Any, **_named: Any) -> NoReturn:
        """Refuse: compiling uploads nothing."""
        raise InternalError("the offline session cannot upload files; a definition must not need any")

    def upload_string_as_file_body(self, *_arguments: Any, **_named: Any) -> NoReturn:
        """Refuse: compiling uploads nothing."""
        raise InternalError("the offline session cannot upload text; a definition must not need any")

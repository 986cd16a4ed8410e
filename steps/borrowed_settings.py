"""Give the SageMaker SDK AWS settings that lead nowhere, for as long as it insists on having some.

Parts of the SDK (3.27) that only describe things nevertheless make boto3 clients: without a region that
raises `NoRegionError`, without credentials it asks the instance metadata service over the network. Inside
`borrowed_settings` they find a region, no credentials and nobody to ask; afterwards the process has its
own environment, its own default boto3 session and its own logging set-up back (importing the SDK sets up the
root logger). Not for threads: the environment belongs to the process.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_PREFIXES = ("AWS_", "SAGEMAKER_")
_BORROWED = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@contextmanager
def borrowed_settings() -> Iterator[None]:
    """Replace all AWS settings of this process for as long as the block lasts."""
    own = {name: value for name, value in os.environ.items() if name.startswith(_PREFIXES)}
    root = logging.getLogger()
    own_handlers, own_level = list(root.handlers), root.level
    own_session = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    _replace_settings(_BORROWED)
    try:
        yield
    finally:
        _replace_settings(own)
        root.handlers = own_handlers
        root.setLevel(own_level)
        if "boto3" in sys.modules:
            vars(sys.modules["boto3"])["DEFAULT_SESSION"] = own_session


@contextmanager
def building_job_step() -> Iterator[None]:
    """Allow a job's `run` or `transform` to be called for its arguments, and a step to be made of them.

    A job step of the SDK makes a whole local session to learn the name of one of its functions. And the SDK
    warns at every `run` under a PipelineSession that no job is started, which here is the point.
    """
    with borrowed_settings(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Running within a PipelineSession", category=UserWarning)
        yield


def _replace_settings(settings: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(_PREFIXES)]:
        del os.environ[name]
    os.environ.update(settings)

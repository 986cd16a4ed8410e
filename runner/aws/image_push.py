"""Push the project's container image to ECR, and name it by its digest.

The repository is made if it is not there: encrypted, scanned at every push, and with tags that cannot be
moved. The tag is the image's own id, so that pushing the same image twice is nothing, and another image never
takes its place. Jobs are given the digest, which no push can change.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contracts.errors import CallerError, PlatformError
from runner.aws.errors import is_missing
from runner.aws.session import AwsConnection

TAG_CHARS = 20
"""Of the image's id: enough that two images never share one by chance."""

Engine = Callable[[Sequence[str], str], str]
"""Runs the container engine with arguments and a text on its standard input; returns what it printed."""


@dataclass(frozen=True, kw_only=True)
class PushedImage:
    """An image in ECR.

    Attributes:
        uri: With the tag, for people.
        digest_uri: With the digest, for jobs.
        was_there: It had been pushed before.
    """

    uri: str
    digest_uri: str
    was_there: bool


def engine(program: str) -> Engine:
    """Return a function that runs the engine `program`, such as `docker`.

    The function raises PlatformError where the engine fails, and CallerError where there is none.
    """

    def run(arguments: Sequence[str], given: str = "") -> str:
        try:
            done = subprocess.run(  # noqa: S603 - argv, no shell
                [program, *arguments], input=given, capture_output=True, text=True, check=False
            )
        except FileNotFoundError as error:
            raise CallerError(f"{program} is not on the PATH; install a container engine") from error
        if done.returncode != 0:
            raise PlatformError(f"{program} {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    return run


def local_image_id(image: str, run: Engine) -> str:
    """Return the hex digits of a local image's id."""
    return run(["image", "inspect", "--format", "{{.Id}}", image], "").removeprefix("sha256:")


def push_image(image: str, repository: str, connection: AwsConnection, run: Engine) -> PushedImage:
    """Push a local image.

    Args:
        image: Its name here.
        repository: Of ECR; made if it is not there.
        connection: Where to.
        run: The container engine.

    Raises:
        CallerError: There is no such image, or no engine.
        PlatformError: The engine failed.
    """
    tag = local_image_id(image, run)[:TAG_CHARS]
    ecr = connection.client("ecr")
    repository_uri = _repository_uri(ecr, repository)
    uri = f"{repository_uri}:{tag}"
    digest = _digest(ecr, repository, tag)
    was_there = bool(digest)
    if not was_there:
        _sign_in(ecr, run)
        run(["tag", image, uri], "")
        run(["push", uri], "")
        digest = _digest(ecr, repository, tag)
    if not digest:
        raise PlatformError(f"{uri} was pushed, but ECR does not list it; push it again")
    return PushedImage(uri=uri, digest_uri=f"{repository_uri}@{digest}", was_there=was_there)


def _repository_uri(ecr: Any, name: str) -> str:
    try:
        found = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    except ClientError as error:
        if not is_missing(error):
            raise
        found = ecr.create_repository(
            repositoryName=name,
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfiguration={"encryptionType": "AES256"},
        )["repository"]
    return str(found["repositoryUri"])


def _digest(ecr: Any, repository: str, tag: str) -> str:
    try:
        answer = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ecr.exceptions.ImageNotFoundException:
        return ""
    return str(answer["imageDetails"][0]["imageDigest"])


def _sign_in(ecr: Any, run: Engine) -> None:
    """Sign the engine in; the password goes by standard input, so that no list of processes shows it."""
    (granted,) = ecr.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(granted["authorizationToken"]).decode().partition(":")
    run(["login", "--username", user, "--password-stdin", granted["proxyEndpoint"]], password)

"""Where a run reads and writes, what it scores with and on: checks that ask S3, the registry, ECR and EC2."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from contracts.errors import CallerError
from runner.aws.checks import CannotTellError
from runner.aws.errors import error_code, is_missing
from runner.aws.model_packages import check_package
from runner.aws.objects import split_uri
from runner.aws.session import AwsConnection

_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def check_apart(input_uri: str, output_uri: str) -> str:
    """Say that neither prefix lies under the other.

    Raises:
        CallerError: One does.
    """
    if output_uri.startswith(input_uri):
        raise CallerError(
            f"OutputUri {output_uri} is under InputUri {input_uri}: the next run would score it"
        )
    if input_uri.startswith(output_uri):
        raise CallerError(
            f"InputUri {input_uri} is under OutputUri {output_uri}, where runs write; choose a prefix outside"
        )
    return "neither prefix is under the other"


def check_bucket(connection: AwsConnection, name: str, uri: str) -> str:
    """Say that a bucket is in the connection's region; `name` is the parameter's.

    Raises:
        CallerError: It is elsewhere, or does not exist.
        CannotTellError: S3 does not say where it is.
    """
    bucket, _ = split_uri(uri)
    try:
        answer = connection.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        if is_missing(error):
            raise CallerError(f"{name}: there is no bucket {bucket!r}") from error
        raise
    headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
    region = answer.get("BucketRegion") or headers.get("x-amz-bucket-region", "")
    if not region:
        raise CannotTellError(f"{name}: S3 does not say in which region bucket {bucket!r} is")
    if region != connection.region:
        raise CallerError(
            f"{name}: bucket {bucket!r} is in {region}, jobs would run in {connection.region}; use a bucket "
            "there, or name the other region with --region"
        )
    return f"bucket {bucket!r} is in {region}"


def check_model_package(connection: AwsConnection, arn: str) -> str:
    """Say that a package may score.

    Raises:
        CallerError: It does not exist, is not approved, or was not completed.
    """
    package = check_package(connection, arn)
    return f"{package.arn} is {package.approval_status} and {package.status}"


def check_image(connection: AwsConnection, name: str, image_uri: str) -> str:
    """Say that an image is in ECR; `name` is the parameter's.

    Raises:
        CallerError: Its repository or the image is not there.
        CannotTellError: It is not in ECR.
    """
    match = _ECR_IMAGE.fullmatch(image_uri)
    if match is None:
        raise CannotTellError(f"{name} {image_uri} is not in a private repository of ECR")
    image = {"imageDigest": match["digest"]} if match["digest"] else {"imageTag": match["tag"] or "latest"}
    try:
        connection.client("ecr", region=match["region"]).describe_images(
            registryId=match["account"], repositoryName=match["repository"], imageIds=[image]
        )
    except ClientError as error:
        if error_code(error) == "ImageNotFoundException" or is_missing(error):
            raise CallerError(f"{name}: there is no image {image_uri}; `make image-push` makes it") from error
        raise
    return f"{image_uri} is there"


def check_disk_key(connection: AwsConnection, instance_type: str) -> str:
    """Say that a key can be given for the disk of an instance type.

    [doc] Types with local storage take no VolumeKmsKeyId (CreateTransformJob, CreateProcessingJob); which
    those are, EC2 says of the type without `ml.`.

    Raises:
        CallerError: The type has local storage.
        CannotTellError: EC2 does not know the type.
    """
    try:
        answer = connection.client("ec2").describe_instance_types(
            InstanceTypes=[instance_type.removeprefix("ml.")]
        )
    except ClientError as error:
        if error_code(error) == "InvalidInstanceType":
            raise CannotTellError(f"EC2 does not know {instance_type}") from error
        raise
    if any(fact.get("InstanceStorageSupported") for fact in answer["InstanceTypes"]):
        raise CallerError(
            f"{instance_type} has local storage, for which AWS takes no VolumeKmsKeyId; choose a type "
            "without, or deploy without a key"
        )
    return f"{instance_type} has no local storage, so its disk takes the key"

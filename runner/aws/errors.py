"""Word what AWS, or the way to it, refuses: who is at fault, what was refused, and what to do.

Botocore's errors say which call failed, in words for programmers. Here each becomes one of our own tree, so
that a command ends with one line and the right exit code. Nothing in a message comes from credentials.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from contracts.errors import BatchScoreError, CallerError, PlatformError

_SIGN_IN = "set AWS_PROFILE, name one with --profile, or sign in with `aws sso login` or `aws login`"

_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.NoAuthTokenError,
    boto.UnknownCredentialError,
)
_EXPIRED = (boto.SSOError, boto.TokenRetrievalError, boto.LoginError)
_UNREACHABLE = (boto.ConnectionError, boto.HTTPClientError)
_NO_SUCH_PLACE = (boto.ProfileNotFound, boto.InvalidRegionError, boto.NoRegionError, boto.UnknownRegionError)

_ON_THE_WAY: tuple[tuple[tuple[type[Exception], ...], type[BatchScoreError], str], ...] = (
    (_NO_CREDENTIALS, CallerError, "no usable AWS credentials: {error}; " + _SIGN_IN),
    (_EXPIRED, CallerError, "the AWS session has expired: {error}; " + _SIGN_IN),
    (_NO_SUCH_PLACE, CallerError, "AWS settings: {error}; check --profile and --region"),
    (
        _UNREACHABLE,
        PlatformError,
        "AWS cannot be reached: {error}; check the network, and that the region is the right one",
    ),
    ((boto.ParamValidationError,), CallerError, "AWS would not take the request: {error}"),
)
"""What went wrong before a service answered."""

_EXPIRED_CODES = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN_KEY_CODES = {
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "AuthFailure",
    "OptInRequired",
}
DENIED_CODES = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "403",
}
_THROTTLED_CODES = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "RequestThrottled",
    "LimitExceededException",
}
_LIMIT_CODES = {"ResourceLimitExceeded", "ResourceLimitExceededException", "ServiceQuotaExceededException"}
_ACTION = re.compile(r"not authorized to perform:? ([\w:-]+:\w+)")
_RESOURCE = re.compile(r"on resource:? (arn:\S+|\S+)")
_SERVER_FAULT = 500


def explain(error: BaseException) -> BatchScoreError | None:
    """Return our error for one of botocore's; None for any other."""
    if isinstance(error, ClientError):
        return _of_service(error)
    if not isinstance(error, BotoCoreError):
        return None
    for kinds, ours, words in _ON_THE_WAY:
        if isinstance(error, kinds):
            return ours(words.format(error=error))
    return PlatformError(f"AWS: {error}; try again")


def error_code(error: ClientError) -> str:
    """Return the service's code for an error, such as `ResourceNotFound`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_missing(error: ClientError) -> bool:
    """Say whether a service answered that a thing does not exist.

    SageMaker says `ResourceNotFound`, and for some `ValidationException` with words; S3 a number or a key;
    IAM `NoSuchEntity`; CloudFormation `ValidationError` with `does not exist`.
    """
    code, words = error_code(error), _words(error)
    if code in {"ResourceNotFound", "ResourceNotFoundException", "NoSuchEntity", "404"}:
        return True
    if code in {"NoSuchKey", "NoSuchBucket", "RepositoryNotFoundException"}:
        return True
    has_words = any(known in words.lower() for known in ("does not exist", "not found", "not find"))
    return code in {"ValidationException", "ValidationError"} and has_words


def _of_service(error: ClientError) -> BatchScoreError:
    code, call = error_code(error), _call(error)
    rules: tuple[tuple[set[str], Callable[[], BatchScoreError]], ...] = (
        (_EXPIRED_CODES, lambda: CallerError(f"{call}: the AWS session has expired; {_SIGN_IN}")),
        (_UNKNOWN_KEY_CODES, lambda: CallerError(f"{call}: AWS does not know these credentials; {_SIGN_IN}")),
        (DENIED_CODES, lambda: _denied(error)),
        (
            _THROTTLED_CODES,
            lambda: PlatformError(
                f"{call}: AWS throttles, also after many tries ({code}); wait a minute and try again"
            ),
        ),
        (
            _LIMIT_CODES,
            lambda: PlatformError(f"{call}: an account limit: {_words(error)}; wait, or raise the quota"),
        ),
    )
    for codes, make in rules:
        if code in codes:
            return make()
    if is_missing(error):
        return CallerError(
            f"{call}: there is no such thing: {_words(error)}; check names, account and region"
        )
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= _SERVER_FAULT:
        return PlatformError(f"{call}: AWS failed ({code}): {_words(error)}; try again")
    return CallerError(f"{call}: AWS refused ({code}): {_words(error)}")


def _denied(error: ClientError) -> CallerError:
    """Name action and resource, where the service says them; else the action that the call is."""
    words = _words(error)
    action, resource = _ACTION.search(words), _RESOURCE.search(words)
    named = action.group(1) if action else _call(error)
    where = f" on {resource.group(1).rstrip('.,;')}" if resource else ""
    why = "" if action else f" ({words})" if words else ""
    return CallerError(
        f"not allowed: {named}{where}{why}; have it added to the role or user that you are signed in as"
    )


def _call(error: ClientError) -> str:
    return str(error.operation_name)


def _words(error: ClientError) -> str:
    found: Any = error.response.get("Error", {}).get("Message", "")
    return " ".join(str(found).split())

"""One thing looked at before a run: whether it is right, wrong, or could not be looked at.

What the caller may not ask is never said to be right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from contracts.errors import BatchScoreError, CallerError
from runner.aws.errors import error_code, explain

T = TypeVar("T")

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"

DENIED_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
"""What services answer to a question that the caller may not ask; S3 answers HEAD with the number."""


class CannotTellError(Exception):
    """A question has no answer here; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """What was looked at.

    Attributes:
        name: Of the thing, such as `input`.
        outcome: PASSED, FAILED or NOT_CHECKED.
        words: What was found; of a failure, what to do as well.
    """

    name: str
    outcome: str
    words: str


def look_at(name: str, ask: Callable[[], str]) -> Check:
    """Ask one question and return what came of it.

    Args:
        name: Of the thing.
        ask: Returns what was found. A CallerError says that it is wrong, a CannotTellError that nobody knows;
            of AWS's own errors, a refusal to the caller and a failing service mean that nobody knows.
    """
    try:
        return Check(name=name, outcome=PASSED, words=ask())
    except CannotTellError as error:
        return Check(name=name, outcome=NOT_CHECKED, words=str(error))
    except BatchScoreError as error:
        return Check(name=name, outcome=_outcome(error), words=str(error))
    except (BotoCoreError, ClientError) as error:
        explained = explain(error)
        is_denied = isinstance(error, ClientError) and error_code(error) in DENIED_CODES
        outcome = NOT_CHECKED if is_denied or explained is None else _outcome(explained)
        return Check(name=name, outcome=outcome, words=str(explained or error))


def find(name: str, ask: Callable[[], T], tell: Callable[[T], str]) -> tuple[T | None, Check]:
    """Ask a question whose answer other questions need; return it, or None unless it is right.

    Args:
        name: Of the thing.
        ask: Returns the answer, as in `look_at`.
        tell: Puts it into words; may find it wrong, as in `look_at`.
    """
    found: list[T] = []

    def words() -> str:
        found.append(ask())
        return tell(found[0])

    check = look_at(name, words)
    return (found[0] if check.outcome == PASSED else None), check


def _outcome(error: BatchScoreError) -> str:
    return (
        FAILED if isinstance(error, CallerError) or error.exit_code == CallerError.exit_code else NOT_CHECKED
    )

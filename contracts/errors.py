"""The error tree: who is at fault decides the exit code, the HTTP status and whether a retry can help.

    BatchScoreError
    ├── CallerError     the input, the contract, the model or the command is wrong      exit 2   HTTP 4xx
    ├── RunFailedError  everything worked and the run's own rules ended it              exit 1
    ├── PlatformError   disk, network, a process that died: try again, then look        exit 3   HTTP 503
    └── InternalError   a rule of this project was broken by this project               exit 70  HTTP 500

A message says where, what was found, what was expected and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MAX_MESSAGE_CHARS = 1024
"""Longest message kept: the length of a job's failure reason in AWS (ProcessingJob `ExitMessage`)."""

EXIT_SUCCEEDED = 0


class BatchScoreError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        exit_code: Status with which a command ends.
        http_status: Status with which the server answers.
    """

    exit_code = 70
    http_status = 500

    def __str__(self) -> str:
        return bounded(super().__str__())


class CallerError(BatchScoreError):
    """What was handed in is wrong; the same call will fail again."""

    exit_code = 2
    http_status = 400


class RunFailedError(BatchScoreError):
    """The run ended `Failed` by its own rules, such as the error budget."""

    exit_code = 1


class PlatformError(BatchScoreError):
    """The machine or a service failed; the same call may succeed later."""

    exit_code = 3
    http_status = 503


class InternalError(BatchScoreError):
    """A promise of this project does not hold, such as books that do not balance."""

    exit_code = 70


def bounded(message: str, limit: int = MAX_MESSAGE_CHARS) -> str:
    """Shorten a message to `limit` characters and say how much was left out."""
    if len(message) <= limit:
        return message
    note = f" … [{len(message)} characters in all]"
    return message[: limit - len(note)] + note


def near_matches(name: str, valid: Iterable[str]) -> str:
    """Say which valid names come near `name`, and else list the valid ones.

    Returns:
        A clause for the end of a message, such as `did you mean 'tenure'?` or `valid: a, b, c`.
    """
    names = list(valid)
    if not names:
        return "there is none"
    folded = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(folded[match]) for match in near) + "?"
    separator = "; " if any("," in known for known in names) else ", "
    return "valid: " + separator.join(sorted(names))

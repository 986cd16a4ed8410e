"""End a command in words: one message and an exit code for everything that can go wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from contracts.errors import EXIT_SUCCEEDED, BatchScoreError, InternalError, PlatformError

EXIT_INTERRUPTED = 130
"""What shells give a command that Ctrl-C ended."""


def ended_in_words(command: Callable[[], None]) -> None:
    """Run a command; turn what it raises into a message on standard error and an exit code.

    Raises:
        SystemExit: The command failed; the code is its error's (see `contracts.errors`).
    """
    try:
        command()
    except BatchScoreError as error:
        _say(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_SUCCEEDED)
    except Exception as error:  # noqa: BLE001 - the last resort
        if isinstance(error, OSError) or _is_of_sqlite(error):
            _say(f"error: {error}; check the place, its permissions and the free disk space")
            sys.exit(PlatformError.exit_code)
        explained = _of_aws(error)
        if explained is not None:
            _say(f"error: {explained}")
            sys.exit(explained.exit_code)
        traceback.print_exc()
        _say("error: this is a fault of batchscore itself; please report the lines above")
        sys.exit(InternalError.exit_code)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _is_of_sqlite(error: Exception) -> bool:
    """Whether the registry's database raised it; what was never imported raises nothing."""
    module = sys.modules.get("sqlite3")
    return module is not None and isinstance(error, module.Error)


def _of_aws(error: Exception) -> BatchScoreError | None:
    """Return our words for an error of AWS's; None where AWS was never asked, or it is another error."""
    if "botocore" not in sys.modules:
        return None
    from runner.aws.errors import explain  # noqa: PLC0415 - botocore takes time to import

    return explain(error)

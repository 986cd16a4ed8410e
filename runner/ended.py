"""End a command in words: one message and an exit code for everything that can go wrong."""

from __future__ import annotations

import os
import sqlite3
import sys
import traceback
from collections.abc import Callable

import typer

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
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_SUCCEEDED)
    except (OSError, sqlite3.Error) as error:
        typer.echo(f"error: {error}; check the place, its permissions and the free disk space", err=True)
        sys.exit(PlatformError.exit_code)
    except Exception as error:  # noqa: BLE001 - the last resort
        explained = _of_aws(error)
        if explained is not None:
            typer.echo(f"error: {explained}", err=True)
            sys.exit(explained.exit_code)
        traceback.print_exc()
        typer.echo("error: this is a fault of batchscore itself; please report the lines above", err=True)
        sys.exit(InternalError.exit_code)


def _of_aws(error: Exception) -> BatchScoreError | None:
    """Return our words for an error of AWS's; None where AWS was never asked, or it is another error."""
    if "botocore" not in sys.modules:
        return None
    from runner.aws.errors import explain  # noqa: PLC0415 - botocore takes time to import

    return explain(error)

"""The program `batchscore`: what starts a local run's containers is started first, then come the commands.

Importing the commands takes as long as that process needs to read its libraries; so they do both at once.
"""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType

from runner.container_code import early_fork_server
from runner.ended import ended_in_words


def main() -> None:
    """Entry point of the console script: `command`, after which nothing interrupts the process any more.

    Python gives signals their own effect back while it takes itself apart: what came then made another end
    of a command that had already told how it ended. Nothing is looked through for garbage meanwhile: after a
    run that is 30 ms.
    """
    try:
        command()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        gc.freeze()


def command() -> None:
    """Do what the arguments say.

    Raises:
        SystemExit: With the exit code.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupt)
    ended_in_words(_run)


def _run() -> None:
    with early_fork_server(sys.argv[1:]) as forks:
        from runner.cli import app  # noqa: PLC0415 - see the module docstring

        app(obj=forks)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

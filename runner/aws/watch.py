"""Follow a run in AWS to its end: `--wait` of every command that starts or finds one.

On a terminal a table of the steps is drawn anew; piped, a line is printed for each change. Watching is no
part of the run: AWS not answering for a while does not end it, and Ctrl-C ends the watching, not the run.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from contracts.errors import PlatformError
from runner.aws.approval import describe_failed_gate
from runner.aws.errors import explain
from runner.aws.session import AwsConnection
from runner.aws.status import Clock, Prices, RunObserver, RunStatus, utc_now
from runner.aws.status_view import live_view, new_lines, print_status
from runner.console import PatientConsole

POLL_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """How a run is followed.

    Attributes:
        poll_seconds: Between two questions to AWS.
        prices: USD an hour, by component and instance type; empty if none are known.
        sleep: Waits so many seconds.
        now: Tells the time.
    """

    poll_seconds: float = POLL_SECONDS
    prices: Prices = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    now: Clock = utc_now


def wait_for_run(
    connection: AwsConnection, arn: str, options: WatchOptions | None = None, console: Console | None = None
) -> RunStatus:
    """Follow a run to its end and print how it ended.

    Args:
        connection: Where it runs.
        arn: Of the pipeline execution.
        options: How it is followed.
        console: Where that is shown; standard error if none is given.

    Raises:
        RunFailedError: It failed or was stopped; the message names the step and its reason.
        CallerError: AWS does not let us watch any more, as when a session has expired; the run goes on.
        KeyboardInterrupt: Watching was interrupted; the run goes on.
    """
    options, console = options or WatchOptions(), console or PatientConsole(stderr=True)
    status = follow(connection, arn, options, console)
    print_status(status, options.prices, console)
    status.check_succeeded()
    return status


def follow(connection: AwsConnection, arn: str, options: WatchOptions, console: Console) -> RunStatus:
    """Follow a run to its end, however it ends; a quality gate that ended it is told to its package."""
    observer = RunObserver(connection, arn, options.now)
    try:
        with _shown(console, options) as board:
            while True:
                status = _look(observer, board, options)
                if status is not None and status.state.has_ended:
                    break
                options.sleep(options.poll_seconds)
    except KeyboardInterrupt:
        _say(console, f"stopped watching; the run goes on: {arn}")
        _say(console, f"watch it again with `batchscore status {arn} --wait`")
        _say(console, f"end it with `batchscore stop {arn}`")
        raise
    told = describe_failed_gate(connection, status.state)
    if told:
        _say(console, told)
    return status


class _Board:
    """What is shown of a run: the newest status, and a note while AWS does not answer."""

    def __init__(self, console: Console, options: WatchOptions) -> None:
        self._console = console
        self._options = options
        self._status: RunStatus | None = None
        self._note = ""

    def show(self, status: RunStatus) -> None:
        """Take a new status."""
        if not self._console.is_terminal:
            for line in new_lines(status, self._status):
                _say(self._console, line)
        self._status, self._note = status, ""

    def note(self, text: str) -> None:
        """Say once, for as long as it lasts, why there is no new status."""
        if not self._console.is_terminal and not self._note:
            _say(self._console, text)
        self._note = text

    def render(self) -> RenderableType:
        """Return what a terminal shows now."""
        if self._status is None:
            return Text(self._note or "asking AWS …", style="dim")
        now: dt.datetime = self._options.now()
        view = live_view(self._status, self._options.prices, now)
        if self._note:
            view.renderables.append(Text(self._note, style="yellow"))
        return view


@contextmanager
def _shown(console: Console, options: WatchOptions) -> Iterator[_Board]:
    board = _Board(console, options)
    if not console.is_terminal:
        yield board
        return
    with Live(get_renderable=board.render, console=console, refresh_per_second=2, transient=True):
        yield board


def _look(observer: RunObserver, board: _Board, options: WatchOptions) -> RunStatus | None:
    """Ask and show; None where AWS did not answer but may the next time.

    Raises:
        BatchScoreError: AWS will not answer the next time either.
    """
    try:
        status = observer.look()
    except (ClientError, BotoCoreError) as error:
        explained = explain(error)
        if isinstance(explained, PlatformError):
            board.note(f"{explained}; asking again every {options.poll_seconds:g} s")
            return None
        if explained is None:
            raise
        raise type(explained)(f"{explained}; the run goes on: {observer.arn}") from error
    board.show(status)
    return status


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)

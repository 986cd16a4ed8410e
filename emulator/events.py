"""What the emulator tells while it works; a caller turns it into progress for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StepStarted:
    """A step began."""

    step_name: str


@dataclass(frozen=True, kw_only=True)
class StepProgressed:
    """A step's processes reported how far they are.

    Attributes:
        step_name: Which step.
        records: Records done so far, over all of the step's processes.
        fraction: Part of the step's work that is done, in [0, 1], or None where it is not known.
    """

    step_name: str
    records: int
    fraction: float | None


@dataclass(frozen=True, kw_only=True)
class StepEnded:
    """A step came to its end.

    Attributes:
        step_name: Which step.
        status: `Succeeded`, `Failed` or `Stopped`.
        seconds: Wall time.
        outcome: The failure reason, the branch that a condition took, or empty.
    """

    step_name: str
    status: str
    seconds: float
    outcome: str = ""


Event = StepStarted | StepProgressed | StepEnded
OnEvent = Callable[[Event], None]

"""What every emulated job needs from its surroundings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import BatchScoreError, CallerError, InternalError, PlatformError
from contracts.progress import Progress
from emulator.images import Image
from emulator.object_store import ObjectStore
from emulator.process_record import ProcessRecord
from emulator.processes import ContainerProcess, ProcessPool
from emulator.registry import ModelRegistry

CONTAINER_EXIT_CODES = (CallerError.exit_code, PlatformError.exit_code, InternalError.exit_code)


class JobFailedError(BatchScoreError):
    """A job ended `Failed`; the message is its failure reason.

    Attributes:
        exit_code: The container's, where it followed `contracts.errors`; else 1.
        is_by_rules: The run's own rules were applied, and would be again: trying again is of no use.
    """

    def __init__(
        self, message: str, container_exit_code: int | None = None, *, is_by_rules: bool = False
    ) -> None:
        super().__init__(message)
        self.exit_code = container_exit_code if container_exit_code in CONTAINER_EXIT_CODES else 1
        self.is_by_rules = is_by_rules


@dataclass(frozen=True, kw_only=True)
class JobContext:
    """The surroundings of one job.

    Attributes:
        job_name: Unique on this machine.
        folder: The job's own folder, for its trees and logs.
        store: Stands for S3.
        registry: Stands for the model registry.
        image: Stands for every container image.
        processes: Starts the job's processes.
        first_port: Port of the first model server; None takes any free ones.
        report_progress: Takes (records done, fraction done or None).
        began: When the step began, by `time.monotonic`.
        keep_process: Takes what is known of each process of the job, once it has ended.
    """

    job_name: str
    folder: Path
    store: ObjectStore
    registry: ModelRegistry
    image: Image
    processes: ProcessPool
    first_port: int | None
    report_progress: Callable[[int, float | None], None]
    began: float
    keep_process: Callable[[ProcessRecord], None]

    def end(self, process: ContainerProcess, host: str) -> None:
        """Stop the process of a host if it still lives, and keep what is known of it."""
        self.processes.end(process)
        self.keep_process(process.record(host, self.began))


class ProgressSum:
    """Adds up what several processes of one job report."""

    def __init__(self, report: Callable[[int, float | None], None]) -> None:
        self._report = report
        self._latest: dict[int, Progress] = {}

    def listener(self, process_number: int) -> Callable[[Progress], None]:
        """Return the function that takes one process's progress."""

        def listen(progress: Progress) -> None:
            self._latest[process_number] = progress
            self._report(self.records, self._fraction())

        return listen

    @property
    def records(self) -> int:
        """Records done by all processes."""
        return sum(progress.records for progress in self._latest.values())

    def _fraction(self) -> float | None:
        known = [entry for entry in self._latest.values() if entry.bytes_total]
        total = sum(entry.bytes_total or 0 for entry in known)
        return min(1.0, sum(entry.bytes_done or 0 for entry in known) / total) if total else None

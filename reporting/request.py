"""What one report is asked for, as the pipeline definition puts it into the container's arguments."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from contracts import container_paths
from contracts.container_paths import inside
from contracts.errors import CallerError
from contracts.moments import parse_moment
from contracts.wire import wire_format
from reporting.budget import QuarantineBudget, read_budget

OUTPUT_FORMATS = ("parquet", "csv", "jsonlines")
"""Forms in which scores can be published."""

AUTOMATIC_RUN_DATE = "auto"
"""Stands for the UTC date on which the run started."""

_SAFE_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """The arguments of ReportRun, checked.

    Attributes:
        run_id: Execution id; safe as the name of a folder.
        run_date: ISO date that partitions the scores.
        started_at: When the run started, with a time zone.
        pipeline_name: Name of the pipeline that ran.
        model_package_arn: The registered model that scored.
        output_uri: Where the run publishes; ends with `/`.
        output_formats: Some of OUTPUT_FORMATS, each once; at least one.
        keep_columns: The KeepColumns parameter as it was given, see `contracts.keep_columns`.
        wire_format: Name of the wire format in which the scores came back.
        parameters: Pipeline parameters by name, as text.
        budget: The error budget that they state.
    """

    run_id: str
    run_date: str
    started_at: dt.datetime
    pipeline_name: str
    model_package_arn: str
    output_uri: str
    output_formats: tuple[str, ...]
    keep_columns: str
    wire_format: str
    parameters: dict[str, str]
    budget: QuarantineBudget

    @property
    def scores_folder(self) -> str:
        """Where this run's scores stand below `scores/`; no slash at either end."""
        return f"run_date={self.run_date}/{self.run_id}"

    @property
    def uris(self) -> dict[str, str]:
        """Where the parts of this run are once the container's outputs are uploaded."""
        run = f"{self.output_uri}runs/{self.run_id}/"
        return {
            "scores": f"{self.output_uri}scores/{self.scores_folder}/",
            "quarantine": f"{run}quarantine/",
            "report": f"{run}report/report.html",
            "ledger": f"{run}report/run.json",
        }

    @property
    def late_uris(self) -> dict[str, str]:
        """Where late duplicates are, if there are any."""
        return {"late_quarantine": f"{self.output_uri}runs/{self.run_id}/late_quarantine/"}


@dataclass(frozen=True, kw_only=True)
class ReportPaths:
    """The container's folders on this machine: six that are read, five that are written, one to work in."""

    plan: Path
    kept: Path
    quarantine: Path
    transform: Path
    contract: Path
    history: Path
    scores: Path
    report: Path
    late_quarantine: Path
    next_history: Path
    pointer: Path
    scratch: Path

    @classmethod
    def below(cls, root: Path) -> ReportPaths:
        """Return the folders for the given stand-in of `/opt/ml`."""
        return cls(
            plan=inside(root, container_paths.PLAN_INPUT),
            kept=inside(root, container_paths.KEPT_INPUT),
            quarantine=inside(root, container_paths.QUARANTINE_INPUT),
            transform=inside(root, container_paths.TRANSFORM_INPUT),
            contract=inside(root, container_paths.CONTRACT_INPUT),
            history=inside(root, container_paths.HISTORY_INPUT),
            scores=inside(root, container_paths.SCORES_OUTPUT),
            report=inside(root, container_paths.REPORT_OUTPUT),
            late_quarantine=inside(root, container_paths.LATE_QUARANTINE_OUTPUT),
            next_history=inside(root, container_paths.HISTORY_OUTPUT),
            pointer=inside(root, container_paths.POINTER_OUTPUT),
            scratch=inside(root, container_paths.SCRATCH),
        )


class _RefusingParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CallerError(f"the arguments of the report are wrong: {message}")


def parse_request(argv: Sequence[str]) -> ReportRequest:
    """Read and check the arguments.

    Raises:
        CallerError: An argument is missing, unknown or wrong.
    """
    given = _parser().parse_args(list(argv))
    if not _SAFE_RUN_ID.fullmatch(given.run_id):
        raise CallerError(
            f"--run-id is {given.run_id!r}; it names a folder: "
            "expected up to 128 letters, digits, '-', '_' and '.'"
        )
    if not given.output_uri.endswith("/"):
        raise CallerError(f"--output-uri is {given.output_uri!r}; a prefix must end with '/'")
    started_at = _moment("--started-at", given.started_at)
    parameters = dict(_parameter(text) for text in given.parameter)
    return ReportRequest(
        run_id=given.run_id,
        run_date=_run_date(given.run_date, started_at),
        started_at=started_at,
        pipeline_name=given.pipeline_name,
        model_package_arn=given.model_package_arn,
        output_uri=given.output_uri,
        output_formats=_output_formats(given.output_format),
        keep_columns=given.keep_columns,
        wire_format=wire_format(given.wire_format).name,
        parameters=parameters,
        budget=read_budget(parameters),
    )


def _output_formats(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names).issubset(OUTPUT_FORMATS) or len(set(names)) < len(names):
        raise CallerError(
            f"OutputFormat {text!r} is unknown; valid: {', '.join(OUTPUT_FORMATS)}, or several of them, each "
            "once, with commas between them"
        )
    return names


def _parser() -> argparse.ArgumentParser:
    parser = _RefusingParser(
        prog="python3 -m reporting",
        allow_abbrev=False,
        description="Reconcile a run, measure it, draw its report and publish its scores.",
    )
    for name in (
        "run-id",
        "run-date",
        "started-at",
        "pipeline-name",
        "model-package-arn",
        "output-uri",
        "output-format",
        "wire-format",
    ):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--keep-columns", default="")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    return parser


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise CallerError(f"--parameter is {text!r}; expected Name=Value")
    return name, value


def _moment(name: str, text: str) -> dt.datetime:
    try:
        moment = parse_moment(text)
    except ValueError as error:
        raise CallerError(f"{name} is {text!r}, which is no ISO 8601 moment: {error}") from error
    if moment is None:
        raise CallerError(f"{name} is {text!r}; expected ISO 8601, such as 2026-11-23T06:00:00Z")
    return moment


def _run_date(text: str, started_at: dt.datetime) -> str:
    """Return the date that is meant; of a moment, as schedules and events give it, the date in UTC."""
    if text == AUTOMATIC_RUN_DATE:
        return started_at.date().isoformat()
    if "T" in text:
        return _moment("RunDate", text).date().isoformat()
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise CallerError(
            f"RunDate is {text!r}; expected YYYY-MM-DD, a moment such as 2026-11-23T06:00:00Z, or "
            f"{AUTOMATIC_RUN_DATE!r}"
        ) from error

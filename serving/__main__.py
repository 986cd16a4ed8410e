"""Entry point of the model container: `python3 -m serving serve`, as Batch Transform starts it.

`python3 -m serving check` loads the model folder with the same code, says what is in it and ends: that is
how `batchscore package` proves that an artifact can be served. With `--contract-optional` the server stands
in for AWS's built-in XGBoost container where the folder holds a model alone. Exit codes are those of
`contracts.errors`.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Mapping, Sequence

from contracts.container_paths import ml_root
from contracts.errors import EXIT_SUCCEEDED, BatchScoreError, InternalError
from contracts.memory import tune_memory
from contracts.process_end import end_process
from contracts.stopwatch import started_stopwatch, timings_line
from serving.factory import serve
from serving.model_folder import check_model_alone, find_model, load_model_folder
from serving.score_profile import write_scored_baseline
from serving.settings import settings_from


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Do what the arguments say and return the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m serving", description="The model server.")
    parser.add_argument(
        "command",
        choices=("serve", "check", "baseline"),
        help="serve scores, check the model folder, or describe the scores of training data",
    )
    parser.add_argument(
        "--contract-optional", action="store_true", help="take a model without a contract too"
    )
    given = parser.parse_args(arguments)
    try:
        if given.command == "serve":
            _serve(environment, is_contract_optional=given.contract_optional)
        elif given.command == "baseline":
            _describe(environment)
        else:
            _check(environment, is_contract_optional=given.contract_optional)
    except BatchScoreError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the rim: whatever is left is a bug and ends as one
        traceback.print_exc()
        sys.stderr.write(f"error: the model server failed: {type(error).__name__}: {error}\n")
        return InternalError.exit_code
    return EXIT_SUCCEEDED


def _serve(environment: Mapping[str, str], *, is_contract_optional: bool) -> None:
    """Serve until told to stop, and then say where the time went."""
    stopwatch = started_stopwatch()
    tune_memory()
    try:
        serve(
            settings_from(environment),
            sys.stdout,
            is_contract_optional=is_contract_optional,
            stopwatch=stopwatch,
        )
    finally:
        sys.stdout.write(timings_line(stopwatch))


def _describe(environment: Mapping[str, str]) -> None:
    settings = settings_from(environment)
    tune_memory()
    model = load_model_folder(settings.model_folder, threads=os.cpu_count() or 1, expected_fingerprint=None)
    write_scored_baseline(model, ml_root(environment))


def _check(environment: Mapping[str, str], *, is_contract_optional: bool) -> None:
    """Say what is in the model folder; with an optional contract, the model must do without it too."""
    settings = settings_from(environment)
    if is_contract_optional:
        check_model_alone(find_model(settings.model_folder))
    model = load_model_folder(
        settings.model_folder,
        threads=1,
        expected_fingerprint=settings.expected_fingerprint,
        is_contract_optional=is_contract_optional,
    )
    served = model.scorer.model
    sys.stdout.write(
        f"{settings.model_folder}: {served.description} on {served.feature_count} features fit the contract "
        f"{model.contract.fingerprint}\n"
    )


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    end_process(main(sys.argv[1:], os.environ))

"""Time the whole pipeline beside a plain pandas script on the same customers and model.

    python -m benchmarks.compare_pandas --rows 1000000

Both start as processes of their own and are timed from start to end, imports included, in turn: the machine
may be busy, so what counts are the medians and their ratio. The scores of both are compared before a figure
is printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.dataset as pa_dataset

from benchmarks.machine import describe_machine, keep_result
from benchmarks.processes import in_another_process
from examples.churn import data
from examples.churn.run import WORK, files_below, prepare, score_command

PANDAS = (sys.executable, "-m", "benchmarks.plain_pandas")


def measured(command: Sequence[str]) -> tuple[float, int]:
    """Run a command to its end; return its wall time in seconds and its largest process's memory in bytes.

    The memory is the peak of one process: the command itself or the largest of those it waited for.
    """
    started = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - fixed words and paths of this folder; no shell
        list(command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    errors = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{errors.decode()}")
    return time.monotonic() - started, usage.ru_maxrss * 1024


def check_same_scores(ours: Path, theirs: Path) -> int:
    """Return how many scores both wrote, having checked that they are the same.

    Raises:
        SystemExit: They are not.
    """
    (run,) = sorted((ours / "scores").glob("run_date=*/*"))[-1:]
    left = (
        pa_dataset.dataset(sorted(str(path) for path in run.glob("*.parquet")))
        .to_table()
        .sort_by("customer_id")
    )
    right = pa_csv.read_csv(theirs).sort_by("customer_id")
    if left["customer_id"].to_pylist() != right["customer_id"].cast("string").to_pylist():
        sys.exit("the two did not score the same customers")
    difference = np.abs(left["score"].to_numpy() - right["score"].to_numpy())
    if difference.max() > 1e-6:
        sys.exit(f"the scores differ by up to {difference.max()}")
    return left.num_rows


def main(arguments: Sequence[str]) -> None:
    """Make the data where needed, run both in turn, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare_pandas", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="customers to resample")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs")
    given = parser.parse_args(arguments)
    files = files_below(WORK, given.rows)
    if exit_code := in_another_process(prepare, files, given.rows):
        sys.exit(exit_code)
    with tempfile.TemporaryDirectory(prefix="batchscore-compare-") as folder:
        scores = Path(folder) / "scores.csv"
        commands = {
            "batchscore": score_command(files),
            "pandas": [*PANDAS, str(files.customers), str(files.model), str(data.CONTRACT_PATH), str(scores)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        peaks: dict[str, int] = dict.fromkeys(commands, 0)
        for number in range(1, given.rounds + 1):
            for name, command in commands.items():
                taken, peak = measured(command)
                seconds[name].append(taken)
                peaks[name] = max(peaks[name], peak)
                print(
                    f"round {number}: {name:<10} {taken:6.2f} s  {given.rows / taken:>10,.0f} records/s",
                    flush=True,
                )
        compared = check_same_scores(files.output, scores)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    ratio = medians["pandas"] / medians["batchscore"]
    for name, median in medians.items():
        rate = given.rows / median
        print(
            f"median:  {name:<10} {median:6.2f} s  {rate:>10,.0f} records/s  peak {peaks[name] / 1e6:,.0f} MB"
        )
    print(f"batchscore takes 1/{ratio:.2f} of the time of pandas; {compared:,} scores compared, all equal")
    result = {"rows": given.rows, "seconds": seconds, "peak_bytes": peaks, "ratio": round(ratio, 3)}
    print(f"kept in {keep_result('compare_pandas', {**result, 'machine': describe_machine()})}")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Time the whole pipeline beside what one would write without it, on the same customers and model.

    python -m benchmarks.compare --rows 5000000 --peers pandas_whole polars_xgboost

Each starts as a process of its own and is timed from start to end, imports included, in turn: the machine may
be busy, so what counts are the medians and their ratios. Every peer's scores are compared with ours before a
figure is kept. A peer that cannot do a size is named with the reason, and not tried again. What the rounds
write is removed at the end: of a million customers some 0.1 GB for ours and 0.03 for a peer, each round.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.comparison import OURS, Comparison
from benchmarks.machine import describe_machine, keep_result
from benchmarks.measuring import Measured, measure
from benchmarks.workload_files import WORK, Workload, workload_below

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("pandas_whole", "pandas_chunks", "polars_xgboost", "dask_xgboost")
HEAVY_PEERS = ("spark_xgboost", "ray_data")
ALL = "all"
LARGEST_DIFFERENCE = 1e-6


WARM_UP_ROWS = 1000
"""Customers of a run before the first round, which leaves the compiled definition behind."""

Command: TypeAlias = Callable[[Path], list[str]]
"""Makes the command of one round, which writes below this folder."""


def our_command(workload: Workload, folder: Path, python: str, definitions: Path | None = None) -> list[str]:
    """Return the command that runs the candidate pipeline, with all that it writes below `folder`.

    Where `definitions` are given, the definition that an earlier run compiled is there, as it is on any
    machine after the first run: the SDK takes seconds to compile it, once.
    """
    if definitions is not None:
        shutil.copytree(definitions, folder / "state" / "definitions")
    arguments = ["--contract", str(workload.contract), "--model", str(workload.artifact)]
    arguments += ["--input", str(workload.customers), "--output", str(folder / "output")]
    return [python, "-m", "runner", "run", *arguments, "--state", str(folder / "state")]


def peer_command(name: str, workload: Workload, folder: Path, python: str) -> list[str]:
    """Return the command that runs a peer, which writes `scores.csv`, a file or a folder, below `folder`."""
    files = (workload.customers, workload.model, workload.contract, folder / "scores.csv")
    # The workers of Spark and Ray find the modules by this, wherever they are started.
    by_path = ["env", f"PYTHONPATH={ROOT}", python, "-m", f"benchmarks.peers.{name}"]
    return [*by_path, *(str(file) for file in files)]


def measure_in_turn(
    comparison: Comparison, commands: Mapping[str, Command], folder: Path, rounds: int
) -> None:
    """Run every command `rounds` times, ours first, each time in a folder of its own and with warm memory.

    Nothing is removed before the end: ext4 looks long for a place for a file while many were removed within
    the last minute, which would be paid for by who writes many files, and not by who writes one.
    """
    for number in range(1, rounds + 1):
        for name, command in commands.items():
            if comparison.failure(name):
                continue
            own_folder = folder / f"{name}-{number}"
            own_folder.mkdir()
            given = command(own_folder)
            os.sync()  # what the last one wrote is not to be paid for by the next one
            warm_memory()
            found = measure(given)
            if name != OURS and found.failure is None and number == 1:
                found = check_scores(found, ours=folder / f"{OURS}-{number}", theirs=own_folder)
            comparison.add(name, found)
            print(f"round {number}: {comparison.line(name, found)}", flush=True)


def compiled_definitions(folder: Path, python: str) -> Path:
    """Run ours on few customers, and return the folder of definitions that this leaves behind.

    Raises:
        SystemExit: It failed.
    """
    make_workload(WARM_UP_ROWS, 0)
    folder.mkdir()
    found = measure(our_command(workload_below(WORK, WARM_UP_ROWS, 0), folder, python))
    if found.failure is not None:
        sys.exit(found.failure)
    return folder / "state" / "definitions"


def make_workload(row_count: int, damage: float) -> None:
    """Make customers, model and artifact where needed."""
    made = run_module("benchmarks.workload", "--rows", str(row_count), "--damage", str(damage))
    if made.returncode:
        sys.exit(made.stderr)


def warm_memory() -> None:
    """Let who is measured next find free memory at hand; see `benchmarks.warm_memory`."""
    warmed = run_module("benchmarks.warm_memory")
    if warmed.returncode:
        print(f"the memory could not be warmed: {warmed.stderr.strip()[-200:]}", flush=True)


def check_scores(found: Measured, *, ours: Path, theirs: Path) -> Measured:
    """Return what was found, failed if the peer's scores are not ours; both are folders of one round."""
    files = (str(ours / "output"), str(theirs / "scores.csv"))
    checked = run_module("benchmarks.same_scores", *files, str(LARGEST_DIFFERENCE))
    if checked.returncode == 0:
        return found
    return Measured(**{**asdict(found), "failure": checked.stderr.strip()})


def run_module(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module that needs much memory in a process of its own: this one must stay small (`processes`)."""
    command = [sys.executable, "-m", name, *arguments]
    # Fixed words and paths of this folder; no shell.
    return subprocess.run(command, check=False, text=True, stderr=subprocess.PIPE)  # noqa: S603


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="customers")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs")
    choices = (*PEERS, *HEAVY_PEERS, ALL)
    parser.add_argument("--peers", nargs="*", choices=choices, default=PEERS, help="what to compare with")
    parser.add_argument(
        "--damage", type=float, default=0.0, help="fraction of damaged lines; no peer reads any"
    )
    parser.add_argument("--python", default=sys.executable, help="interpreter of ours")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter of the peers")
    parser.add_argument("--trial", action="store_true", help="keep no result")
    given = parser.parse_args(arguments)
    if given.damage and given.peers:
        parser.error("no peer can read damaged lines: give --peers and no name")
    if ALL in given.peers:
        given.peers = (*PEERS, *HEAVY_PEERS)
    return given


def main(arguments: Sequence[str]) -> None:
    """Make the workload where needed, run all in turn, print and keep the figures."""
    given = parse(arguments)
    workload = workload_below(WORK, given.rows, given.damage)
    make_workload(given.rows, given.damage)
    comparison = Comparison(row_count=given.rows)
    with tempfile.TemporaryDirectory(prefix="compare-", dir=WORK) as work:
        folder = Path(work)
        definitions = compiled_definitions(folder / "warm-up", given.python)
        commands: dict[str, Command] = {
            OURS: partial(our_command, workload, python=given.python, definitions=definitions),
            **{
                name: partial(peer_command, name, workload, python=given.peers_python) for name in given.peers
            },
        }
        measure_in_turn(comparison, commands, folder, given.rounds)
    print(comparison.summary())
    if given.trial:
        return
    result: dict[str, Any] = {
        "rows": given.rows,
        "megabytes": round(workload.customers.stat().st_size / 1e6, 1),
        "damage_fraction": given.damage,
        **comparison.document(),
        "machine": describe_machine(),
    }
    print(f"kept in {keep_result('compare', result)}")


if __name__ == "__main__":
    main(sys.argv[1:])

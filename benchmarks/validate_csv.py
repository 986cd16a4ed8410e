"""Time the validation of a CSV with damage beside pandas and Polars, which only parse it without.

    python -m benchmarks.validate_csv --rows 5000000

Ours reads a file with 0.1 % damage of six kinds, twice over:

* `validation`: every record is read and checked by the contract, and what is wrong goes to quarantine with
  its reason, place and bytes (`validation_only`);
* `preparation`: the whole job as the pipeline starts it. Valid records are written to shards and kept files
  as well, and duplicate ids are looked for.

The peers read the same file without the damage into memory
(`pandas.read_csv` with its C parser, `polars.read_csv`) and do nothing with it: neither can read the damaged
one and say what is wrong. All start as processes of their own, in turn; what counts are the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from benchmarks.damage import damage_counts, with_damage
from benchmarks.machine import describe_machine, keep_result
from benchmarks.measuring import measured
from benchmarks.processes import in_another_process
from benchmarks.validation_only import COUNTS_FILE
from benchmarks.workload_files import WORK
from contracts.plan import MANIFEST_FILE, read_manifest
from examples.churn import data

DAMAGED_FRACTION = 0.001
OURS = ("validation", "preparation")
PEERS = {
    "pandas": "import sys, pandas; print(len(pandas.read_csv(sys.argv[1], engine='c')))",
    "polars": "import sys, polars; print(polars.read_csv(sys.argv[1]).height)",
}


def make_files(folder: Path, row_count: int) -> tuple[Path, Path, Counter[str]]:
    """Write the clean and the damaged file unless they are there.

    Returns:
        Their paths, and how many records were damaged by the reason that they must be given.
    """
    clean, damaged = folder / "clean.csv", folder / "damaged.csv"
    damaged_by_reason = damage_counts(row_count, DAMAGED_FRACTION)
    if damaged.exists():
        return clean, damaged, damaged_by_reason
    folder.mkdir(parents=True, exist_ok=True)
    whole = data.customers(row_count + row_count // 100)
    is_sound = pc.is_valid(whole["total_charges"])
    sound = whole.filter(is_sound).slice(0, row_count)
    options = pa_csv.WriteOptions(quoting_style="none", quoting_header="none")
    pa_csv.write_csv(sound, clean, options)
    unfinished = damaged.with_suffix(".unfinished")
    with clean.open("rb") as source, unfinished.open("wb") as target:
        target.write(source.readline())
        target.writelines(with_damage(source.read(), 1, DAMAGED_FRACTION))
    unfinished.replace(damaged)
    return clean, damaged, damaged_by_reason


def prepare_command(root: Path) -> list[str]:
    """Return the command of the preparation job, as the pipeline's definition has it, below `root`."""
    arguments = {
        "wire-format": "arrow",
        "input-format": "auto",
        "input-uri": "s3://bucket/in/",
        "output-uri": "s3://bucket/out/",
        "max-instances": "10",
        "max-concurrency": "4",
        "max-payload-mb": "6",
        "deadline-minutes": "60",
        "records-per-second": "20000",
    }
    words = [word for name, value in arguments.items() for word in (f"--{name}", value)]
    return ["env", f"BATCHSCORE_ML_ROOT={root}", sys.executable, "-m", "preprocessing", "prepare", *words]


def validation_command(root: Path) -> list[str]:
    """Return the command that validates what `lay_out` laid out, and writes no shards."""
    inputs = root / "processing" / "input"
    folders = [
        inputs / "source",
        inputs / "contract" / "contract.yaml",
        root / "processing" / "output" / "quarantine",
    ]
    return [sys.executable, "-m", "benchmarks.validation_only", *(str(folder) for folder in folders)]


def lay_out(root: Path, source: Path) -> None:
    """Make the folders of a preparation job that reads `source`; what a job before it wrote is removed."""
    shutil.rmtree(root, ignore_errors=True)
    inputs = root / "processing" / "input"
    for name in ("source", "contract"):
        (inputs / name).mkdir(parents=True)
    (inputs / "source" / source.name).symlink_to(source)
    (inputs / "contract" / "contract.yaml").symlink_to(data.CONTRACT_PATH)


def check_books(root: Path, row_count: int, damaged_by_reason: Counter[str]) -> None:
    """Check that every record was read, and every damaged one held back for the right reason.

    Raises:
        SystemExit: It is not so.
    """
    outputs = root / "processing" / "output"
    if (outputs / "plan" / MANIFEST_FILE).exists():
        manifest = read_manifest(outputs / "plan" / MANIFEST_FILE)
        found = {"record_count": manifest.record_count, "reason_counts": manifest.reason_counts}
    else:
        found = json.loads((outputs / "quarantine" / COUNTS_FILE).read_text())
    if found != {"record_count": row_count, "reason_counts": dict(damaged_by_reason)}:
        sys.exit(f"read {found}, and not all of {row_count} with {damaged_by_reason}")


def main(arguments: Sequence[str]) -> None:
    """Make the files where needed, run all in turn, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validate_csv", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="records in the file")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs")
    given = parser.parse_args(arguments)
    folder = WORK / "validate" / str(given.rows)
    clean, damaged, damaged_by_reason = in_another_process(make_files, folder, given.rows)
    megabytes = damaged.stat().st_size / 1e6
    seconds: dict[str, list[float]] = {}
    peaks: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="batchscore-validate-", dir=folder) as work:
        root = Path(work) / "ml"
        commands = {
            "validation": validation_command(root),
            "preparation": prepare_command(root),
            **{name: [sys.executable, "-c", code, str(clean)] for name, code in PEERS.items()},
        }
        for number in range(1, given.rounds + 1):
            for name, command in commands.items():
                lay_out(root, damaged)
                os.sync()  # what the last one wrote is not to be paid for by the next one
                taken, peak = measured(command)
                if name in OURS:
                    check_books(root, given.rows, damaged_by_reason)
                seconds.setdefault(name, []).append(taken)
                peaks[name] = max(peaks.get(name, 0), peak)
                print(f"round {number}: {name:<11} {taken:6.2f} s", flush=True)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, median in medians.items():
        print(
            f"median:  {name:<11} {median:6.2f} s  {given.rows / median:>10,.0f} records/s  "
            f"{megabytes / median:6,.0f} MB/s  peak {peaks[name] / 1e6:,.0f} MB"
        )
    ratios = {
        our_name: {name: round(medians[name] / medians[our_name], 3) for name in PEERS} for our_name in OURS
    }
    for our_name, of_peers in ratios.items():
        print(f"time of the peers over {our_name}: {of_peers}")
    print(f"{sum(damaged_by_reason.values()):,} records explained in every round of ours")
    result = {
        "rows": given.rows,
        "megabytes": round(megabytes, 1),
        "seconds": seconds,
        "peak_bytes": peaks,
        "ratios": ratios,
        "versions": {name: version(name) for name in PEERS},
        "machine": describe_machine(),
    }
    print(f"kept in {keep_result('validate_csv', result)}")


if __name__ == "__main__":
    main(sys.argv[1:])

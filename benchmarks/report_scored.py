"""Measure the report over many scored records: time and peak memory of the report container's process.

Lays out what the steps before it leave: shards of half a million records with ids, labels and segments as
PrepareInput keeps them, answers as the model server gives them, a profile and a baseline. Half of the records
have a label. The page, the ledger and the action list are counted and compared with what went in.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import describe_machine, keep_result
from benchmarks.measuring import measured
from benchmarks.processes import in_another_process
from contracts.arrow_files import arrow_bytes
from contracts.container_paths import inside
from contracts.contract_file import parse_contract
from contracts.data_profile import DataProfile, FeatureProfile, packed
from contracts.plan import ScoringPlan, Shard, ShardManifest, SourceObject, write_plan
from contracts.value_histogram import value_histogram
from contracts.wire import BASELINE_KEY

RECORDS_PER_SHARD = 500_000
PLANS = ("basic", "plus", "pro", "family", "business")
CONTRACT: dict[str, Any] = {
    "fields": [
        {"name": "customer_id", "type": "string"},
        {"name": "tenure", "type": "number"},
        {"name": "plan", "type": "string", "categories": list(PLANS)},
        {"name": "price", "type": "number"},
        {"name": "churn", "type": "boolean"},
    ],
    "primaryKey": "customer_id",
    "scoring": {
        "features": ["tenure", "plan", "price"],
        "label": "churn",
        "report": {
            "segments": ["plan"],
            "actionList": {"count": 100_000, "value": {"field": "price", "factor": 12, "contactCost": 5}},
        },
    },
}


def lay_out(root: Path, record_count: int) -> None:
    """Write the inputs of a report over `record_count` records below `root`."""
    folder = inside(root, "/opt/ml/processing/input")
    for name in ("plan", "kept", "transform", "contract"):
        (folder / name).mkdir(parents=True)
    text = json.dumps(CONTRACT)
    (folder / "contract" / "contract.json").write_text(text)
    fingerprint = parse_contract(text.encode(), name="contract.json").fingerprint
    profile = _profile(fingerprint)
    content = json.dumps(profile.document()).encode()
    (folder / "plan" / "profile.json").write_bytes(content)
    counts = [RECORDS_PER_SHARD] * (record_count // RECORDS_PER_SHARD)
    counts += [record_count % RECORDS_PER_SHARD] if record_count % RECORDS_PER_SHARD else []
    shards = [_write_shard(folder, number, count, packed(content)) for number, count in enumerate(counts)]
    _write_plan(folder / "plan", shards, fingerprint)


def _profile(fingerprint: str) -> DataProfile:
    generator = np.random.default_rng(1)
    numbers = {name: value_histogram(generator.gamma(2, 20, 100_000)) for name in ("tenure", "price")}
    features = {name: FeatureProfile(histogram=histogram) for name, histogram in numbers.items()}
    features["plan"] = FeatureProfile(values=dict.fromkeys(PLANS, 20_000))
    score = value_histogram(generator.beta(1, 4, 100_000))
    return DataProfile(contract_fingerprint=fingerprint, record_count=100_000, features=features, score=score)


def _write_shard(folder: Path, number: int, count: int, baseline: bytes) -> Shard:
    generator = np.random.default_rng(number)
    scores = generator.beta(1, 4, count).astype(np.float32).astype(np.float64)
    is_known = generator.random(count) < 0.5
    ids = pa.array([f"C{number * RECORDS_PER_SHARD + at:010d}" for at in range(count)])
    kept = {
        "customer_id": ids,
        "churn": pa.array(generator.random(count) < scores, mask=~is_known),
        "plan": pa.DictionaryArray.from_arrays(generator.integers(0, 5, count, dtype=np.int32), list(PLANS)),
        "price": pa.array(generator.uniform(5, 120, count).round(2)),
    }
    shard = Shard(
        name=f"shard-00-{number:05d}.parquet",
        record_count=count,
        byte_count=1,
        sha256="0" * 64,
        kept_sha256="0" * 64,
    )
    (folder / "kept" / shard.kept_name).write_bytes(arrow_bytes(pa.table(kept)))
    answers = pa.table({"customer_id": ids, "score": scores, "error": pa.nulls(count, pa.string())})
    answers = answers.replace_schema_metadata({BASELINE_KEY: baseline})
    path = folder / "transform" / shard.output_name
    pq.write_table(answers, path, use_dictionary=False, compression="none")
    return shard


def _write_plan(folder: Path, shards: list[Shard], fingerprint: str) -> None:
    total = sum(shard.record_count for shard in shards)
    source = SourceObject(source_key="all.csv", byte_count=1, record_count=total, quarantined_count=0)
    manifest = ShardManifest(shards=tuple(shards), sources=(source,), reason_counts={}, prepare_seconds=1.0)
    plan = ScoringPlan(
        contract_fingerprint=fingerprint,
        wire_format="parquet",
        record_count=total,
        valid_count=total,
        quarantined_count=0,
        quarantined_fraction=0.0,
        source_byte_count=1,
        shard_count=len(shards),
        shard_byte_count=1,
        transform_instance_count=1,
        prepare_seconds=1.0,
    )
    write_plan(folder, plan, manifest)


def report_command(root: Path) -> list[str]:
    """Return the command of the report job below `root`."""
    given = {
        "run-id": "benchmark",
        "run-date": "2026-01-01",
        "started-at": "2026-01-01T00:00:00Z",
        "pipeline-name": "benchmark",
        "model-package-arn": "arn:aws:sagemaker:eu-west-1:123456789012:model-package/benchmark/1",
        "output-uri": "s3://bucket/out/",
        "output-format": "parquet",
        "wire-format": "parquet",
    }
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    return ["env", f"BATCHSCORE_ML_ROOT={root}", sys.executable, "-m", "reporting", *words]


def main(arguments: Sequence[str]) -> None:
    """Lay the inputs out, report as often as asked, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report_scored", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="scored records")
    parser.add_argument("--rounds", type=int, default=3, help="how often the report is made")
    given = parser.parse_args(arguments)
    seconds, peaks = [], []
    with tempfile.TemporaryDirectory(prefix="batchscore-report-") as work:
        root = Path(work) / "ml"
        in_another_process(lay_out, root, given.rows)
        for number in range(1, given.rounds + 1):
            os.sync()
            taken, peak = measured(report_command(root))
            report = inside(root, "/opt/ml/processing/output/report")
            ledger = json.loads((report / "run.json").read_bytes())
            if ledger["counts"]["scored"] != given.rows:
                sys.exit(f"scored {ledger['counts']['scored']:,} of {given.rows:,}")
            seconds.append(taken)
            peaks.append(peak)
            print(f"round {number}: {taken:6.2f} s, peak {peak / 1e6:,.0f} MB", flush=True)
        page_bytes = (report / "report.html").stat().st_size
    median = statistics.median(seconds)
    print(
        f"median:  {median:6.2f} s, {given.rows / median:,.0f} records/s, peak {max(peaks) / 1e6:,.0f} MB, "
        f"page {page_bytes / 1e3:,.0f} kB"
    )
    result = {
        "rows": given.rows,
        "labelled": ledger["labelled_count"],
        "seconds": seconds,
        "peak_bytes": peaks,
        "page_bytes": page_bytes,
        "machine": describe_machine(),
    }
    print(f"kept in {keep_result('report_scored', result)}")


if __name__ == "__main__":
    main(sys.argv[1:])

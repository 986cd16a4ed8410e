"""A report with everything in it: segments, expected values, drift from training and from the last run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from report_run import Reported, report_again
from tiny_run import CONTRACT, TinyRun, TinyShard, quarantined

from contracts.arrow_files import arrow_bytes, read_arrow
from contracts.data_profile import DataProfile, FeatureProfile, packed
from contracts.value_histogram import ValueHistogram, value_histogram
from contracts.wire import BASELINE_KEY
from reporting.history import RunDigest, write_digest
from reporting.last_runs import RunHeadline, write_last_runs
from reporting.request import ReportPaths

REPORT_RULES = {
    "threshold": 0.4,
    "segments": ["plan"],
    "actionList": {"fraction": 0.1, "value": {"field": "price", "factor": 12, "contactCost": 60}},
}
WHOLE_CONTRACT: dict[str, Any] = CONTRACT | {
    "fields": [*CONTRACT["fields"], {"name": "plan", "type": "string"}, {"name": "price", "type": "number"}],
    "scoring": CONTRACT["scoring"] | {"report": REPORT_RULES},
}
PARAMETERS = {
    "InputUri": "s3://bucket/in/",
    "ProcessingInstanceType": "ml.m5.2xlarge",
    "TransformInstanceType": "ml.m5.xlarge",
    "ReportInstanceType": "ml.m5.xlarge",
    "HourlyPricesUsd": "ml.m5.xlarge=0.23, ml.m5.2xlarge=0.461",
    "MinQuality": "0.6",
}


def whole_report(root: Path, count: int = 600, *, has_last_runs: bool = True) -> Reported:
    """Write a run of so many records below `root` and report it.

    Args:
        root: Where to.
        count: How many records.
        has_last_runs: Whether the last run left the numbers of the runs before it.
    """
    generator = np.random.default_rng(7)
    scores = generator.random(count).round(3)
    labels = np.where(generator.random(count) < scores, "Yes", "No").tolist()
    run = TinyRun(
        shards=[TinyShard.scored([f"c{number}" for number in range(count)], scores.tolist(), labels)],
        quarantined=[quarantined(3), quarantined(9, reason="wrong_type")],
        contract=WHOLE_CONTRACT,
        parameters=PARAMETERS,
    )
    paths = ReportPaths.below(run.write(root))
    _keep_more(next(paths.kept.glob("*.arrow")), generator)
    tenure = generator.integers(0, 72, count).astype(float)
    _write_json(paths.plan / "profile.json", _profile(run, tenure, ["basic"] * 400 + ["new <b>"] * 200))
    _say_baseline(
        next(paths.transform.glob("*.out")), _profile(run, tenure / 2, ["basic"] * count, scores**2)
    )
    last_scores = value_histogram(np.clip(scores + 0.02, 0, 1))
    last_plans = ["basic"] * 450 + ["new <b>"] * 150
    _write_history(paths.history, _data_profile(run, tenure + 1, last_plans, last_scores))
    if has_last_runs:
        write_last_runs(paths.history / "published", _earlier_headlines())
    return report_again(root, run)


def _keep_more(path: Path, generator: np.random.Generator) -> None:
    kept = read_arrow(path.read_bytes())
    plans = generator.choice(["basic", "plus", "rare <i>"], len(kept), p=[0.6, 0.39, 0.01]).tolist()
    prices = generator.uniform(1, 30, len(kept)).round(2)
    kept = kept.append_column("plan", pa.array(plans)).append_column("price", pa.array(prices))
    path.write_bytes(arrow_bytes(kept))


def _data_profile(
    run: TinyRun, tenure: np.ndarray, plans: list[str], score: ValueHistogram | None
) -> DataProfile:
    counts = {plan: plans.count(plan) for plan in dict.fromkeys(plans)}
    features = {
        "tenure": FeatureProfile(missing_count=5, histogram=value_histogram(tenure)),
        "plan": FeatureProfile(values=counts),
    }
    return DataProfile(
        contract_fingerprint=run.parsed_contract.fingerprint,
        record_count=len(plans),
        features=features,
        score=score,
    )


def _profile(
    run: TinyRun, tenure: np.ndarray, plans: list[str], scores: np.ndarray | None = None
) -> dict[str, Any]:
    score = None if scores is None else value_histogram(scores)
    return _data_profile(run, tenure, plans, score).document()


def _say_baseline(path: Path, document: dict[str, Any]) -> None:
    content = packed(json.dumps(document).encode())
    answers = pq.ParquetFile(path).read().replace_schema_metadata({BASELINE_KEY: content})
    pq.write_table(answers, path)


def _write_history(folder: Path, profile: DataProfile) -> None:
    bounds = [number / 20 for number in range(21)]
    digest = RunDigest(
        run_id="20261116t060000-0001",
        run_date="2026-11-16",
        finished_at="2026-11-16T06:01:40+00:00",
        model_package_arn="arn",
        counts={"read": 600, "valid": 600, "quarantined": 0, "scored": 600, "unscorable": 0},
        quality={"auc": 0.8},
        profile=profile,
        distribution={"score_from": bounds[:-1], "score_to": bounds[1:], "record_count": [30] * 20},
    )
    write_digest(folder / "published", digest)
    ids = pa.table({"id": [f"c{number}" for number in range(0, 600, 7)]})
    pq.write_table(ids, folder / "published" / "action_ids.parquet")


def _earlier_headlines() -> list[RunHeadline]:
    """Return three weekly runs, the last one that of the history, with markup in a name."""
    runs = [("2026-11-02", 580, 0.0, 0.79), ("2026-11-09", 611, 0.012, 0.81), ("2026-11-16", 600, 0.0, 0.8)]
    return [
        RunHeadline(
            run_id=f"{date.replace('-', '')}t060000-0001",
            run_date=date,
            record_count=record_count,
            quarantined_fraction=held_back,
            mean_score=0.45,
            quality={"auc": auc},
            training_psi=0.02 + held_back,
            training_mover="gone <b>",
            last_run_psi=0.01,
            last_run_mover="tenure",
        )
        for date, record_count, held_back, auc in runs
    ]


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document))

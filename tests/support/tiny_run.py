"""Build the inputs of a report on disk: what the steps before it would have left, small enough to add up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from contracts.arrow_files import arrow_bytes
from contracts.container_paths import inside
from contracts.contract_file import parse_contract
from contracts.dataset import DatasetContract
from contracts.plan import ScoringPlan, Shard, ShardManifest, SourceObject, write_plan
from contracts.quarantine import QUARANTINE_SCHEMA

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/3"

CONTRACT: dict[str, Any] = {
    "description": "A handful of customers.",
    "fields": [
        {"name": "customer_id", "type": "string", "constraints": {"required": True}},
        {"name": "tenure", "type": "integer"},
        {"name": "churn", "type": "string", "description": "Empty for customers the model was trained on."},
    ],
    "primaryKey": "customer_id",
    "scoring": {"features": ["tenure"], "label": "churn", "positiveLabel": "Yes"},
}

Answer = tuple[Any, Any, str | None]
"""Id, score and error. On the parquet wire the score may be a list, or a pair: outputs, positions."""


@dataclass(frozen=True, kw_only=True)
class TinyShard:
    """One shard: its ids and labels as kept, and its answers as they came back (by default all scored)."""

    ids: Sequence[Any]
    labels: Sequence[Any]
    answers: Sequence[Answer]

    @classmethod
    def scored(cls, ids: Sequence[Any], scores: Sequence[float], labels: Sequence[Any] = ()) -> TinyShard:
        """Return a shard whose records all came back with a score."""
        answers = [(record_id, score, None) for record_id, score in zip(ids, scores, strict=True)]
        return cls(ids=ids, labels=labels or [None] * len(ids), answers=answers)


@dataclass(frozen=True, kw_only=True)
class TinyRun:
    """A run to be written; every default balances."""

    shards: Sequence[TinyShard]
    quarantined: Sequence[Mapping[str, Any]] = ()
    contract: Mapping[str, Any] = field(default_factory=lambda: CONTRACT)
    wire_format: str = "parquet"
    run_id: str = "run-1"
    parameters: Mapping[str, str] = field(default_factory=lambda: {"InputUri": "s3://bucket/in/"})

    @property
    def parsed_contract(self) -> DatasetContract:
        """The contract as containers read it."""
        return parse_contract(json.dumps(self.contract).encode(), name="contract.json")

    def write(self, root: Path) -> Path:
        """Write all inputs below a stand-in of `/opt/ml`, and return it."""
        folder = inside(root, "/opt/ml/processing/input")
        for name in ("plan", "kept", "transform", "contract"):
            (folder / name).mkdir(parents=True)
        (folder / "contract" / "contract.json").write_text(json.dumps(self.contract))
        listed = [self._write_shard(folder, number, shard) for number, shard in enumerate(self.shards)]
        if self.quarantined:
            (folder / "quarantine").mkdir()
            table = pa.Table.from_pylist([dict(one) for one in self.quarantined], schema=QUARANTINE_SCHEMA)
            pq.write_table(table, folder / "quarantine" / "algo-1.parquet")
        self._write_plan(folder / "plan", listed)
        return root

    def argv(self, **changed: str) -> list[str]:
        """Return the report's arguments, with some of them changed (`output_format="csv"`)."""
        given = {
            "run_id": self.run_id,
            "run_date": "2026-11-23",
            "started_at": "2026-11-23T06:00:00.123Z",
            "pipeline_name": "Candidate",
            "model_package_arn": ARN,
            "output_uri": "s3://bucket/churn/",
            "output_format": "parquet",
            "wire_format": self.wire_format,
        } | changed
        pairs = [(f"--{name.replace('_', '-')}", value) for name, value in given.items()]
        pairs += [("--parameter", f"{name}={value}") for name, value in self.parameters.items()]
        return [text for pair in pairs for text in pair]

    def _write_shard(self, folder: Path, number: int, shard: TinyShard) -> Shard:
        name = f"shard-00-{number:05d}.{self.wire_format}"
        kept = {self.parsed_contract.id_field: pa.array(shard.ids)}
        if self.parsed_contract.label:
            is_untyped = all(label is None for label in shard.labels)
            kept[self.parsed_contract.label] = pa.array(shard.labels, pa.string() if is_untyped else None)
        listed = Shard(
            name=name, record_count=len(shard.ids), byte_count=100, sha256="0" * 64, kept_sha256="0" * 64
        )
        (folder / "kept" / listed.kept_name).write_bytes(arrow_bytes(pa.table(kept)))
        write_answers(folder / "transform" / listed.output_name, shard.answers, wire_format=self.wire_format)
        return listed

    def _write_plan(self, folder: Path, shards: list[Shard]) -> None:
        reasons = [one["reason_code"] for one in self.quarantined]
        valid_count = sum(shard.record_count for shard in shards)
        source = SourceObject(
            source_key="customers.csv",
            byte_count=1234,
            record_count=valid_count + len(reasons),
            quarantined_count=len(reasons),
        )
        manifest = ShardManifest(
            shards=tuple(shards),
            sources=(source,),
            reason_counts={reason: reasons.count(reason) for reason in reasons},
            prepare_seconds=1.5,
        )
        plan = ScoringPlan(
            contract_fingerprint=self.parsed_contract.fingerprint,
            wire_format=self.wire_format,
            record_count=manifest.record_count,
            valid_count=valid_count,
            quarantined_count=len(reasons),
            quarantined_fraction=len(reasons) / max(1, manifest.record_count),
            source_byte_count=1234,
            shard_count=len(shards),
            shard_byte_count=100 * len(shards),
            transform_instance_count=1,
            prepare_seconds=1.5,
        )
        write_plan(folder, plan, manifest)


def quarantined(
    line_number: int,
    *,
    reason: str = "missing_required",
    message: str = "total_charges is missing",
    raw: bytes = b"c,,",
) -> dict[str, Any]:
    """Return one quarantined record."""
    return {
        "source_key": "customers.csv",
        "line_number": line_number,
        "byte_offset": None,
        "reason_code": reason,
        "field": None,
        "message": message,
        "raw": raw,
        "raw_byte_count": len(raw),
    }


def _score_columns(scores: Sequence[Any]) -> dict[str, pa.Array]:
    if any(isinstance(score, tuple) for score in scores):
        numbers, top = zip(*(score or (None, None) for score in scores), strict=True)
        return {
            "score": pa.array(numbers, pa.list_(pa.float64())),
            "top": pa.array(top, pa.list_(pa.int32())),
        }
    has_lists = any(isinstance(score, list) for score in scores)
    return {"score": pa.array(scores, pa.list_(pa.float64()) if has_lists else pa.float64())}


def write_answers(path: Path, answers: Sequence[Answer], *, wire_format: str) -> None:
    """Write one output as Batch Transform would leave it."""
    ids, scores, errors = (list(column) for column in zip(*answers, strict=True)) if answers else ([], [], [])
    if wire_format == "parquet":
        columns = {"id": pa.array(ids), **_score_columns(scores), "error": pa.array(errors, pa.string())}
        pq.write_table(pa.table(columns), path)
        return
    if wire_format == "jsonlines":
        parts = [{"score": score} if error is None else {"error": error} for _, score, error in answers]
        lines = [
            json.dumps({"id": str(id_), "SageMakerOutput": part})
            for id_, part in zip(ids, parts, strict=True)
        ]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return
    texts = [
        repr(score) if error is None else f"error: {error}"
        for score, error in zip(scores, errors, strict=True)
    ]
    if wire_format == "recordio":
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return
    table = pa.table({"id": pa.array(ids).cast(pa.string()), "answer": pa.array(texts, pa.string())})
    arrow_csv.write_csv(table, path, arrow_csv.WriteOptions(include_header=False, quoting_style="needed"))

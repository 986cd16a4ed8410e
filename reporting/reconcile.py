"""The rules by which a run's books balance; a run whose books do not balance publishes nothing.

    plan.json       states the same counts as the shard manifest beside it
    outputs         one for each shard of the manifest, and no other
    every shard     as many scores as records, under the same ids, in the same order
    quarantine      as many records for each reason as the manifest states

Each rule returns its faults as sentences, so that all of them can be told at once. Nothing here opens a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import CallerError, InternalError, bounded
from contracts.plan import ScoringPlan, Shard, ShardManifest

MAX_FAULTS_TOLD = 5
MAX_NAMES_TOLD = 10
_MAX_ID_CHARS = 60


def check_contract(plan: ScoringPlan, *, contract_fingerprint: str, wire_format: str) -> None:
    """Refuse to report under another contract or wire format than the shards were made with.

    Raises:
        CallerError: They differ.
    """
    if plan.contract_fingerprint != contract_fingerprint:
        raise CallerError(
            f"the contract has the fingerprint {contract_fingerprint}, but the shards were made under "
            f"{plan.contract_fingerprint}; hand the same contract file to both steps"
        )
    if plan.wire_format != wire_format:
        raise CallerError(
            f"--wire-format is {wire_format!r}, but the shards were made as {plan.wire_format!r}; "
            "compile the pipeline with one wire format"
        )


def plan_faults(plan: ScoringPlan, manifest: ShardManifest) -> list[str]:
    """Compare the plan's counts with those of the shard manifest."""
    pairs = {
        "records read": (plan.record_count, manifest.record_count),
        "valid records": (plan.valid_count, manifest.valid_count),
        "quarantined records": (plan.quarantined_count, manifest.quarantined_count),
        "shards": (plan.shard_count, len(manifest.shards)),
    }
    return [
        f"plan.json states {stated} {name}, the shard manifest {listed}"
        for name, (stated, listed) in pairs.items()
        if stated != listed
    ]


def output_faults(shards: Sequence[Shard], output_names: Sequence[str]) -> list[str]:
    """Compare the outputs found (file names, without folders) with those that the manifest promises."""
    expected = [shard.output_name for shard in shards]
    found = set(output_names)
    faults = []
    missing = [name for name in expected if name not in found]
    if missing:
        faults.append(
            f"{len(missing)} of {len(expected)} outputs are missing: {_named(missing)}; "
            "see the transform job's log for the objects that failed"
        )
    unknown = sorted(found.difference(expected))
    if unknown:
        faults.append(f"{len(unknown)} outputs are of no shard in the manifest: {_named(unknown)}")
    repeated = sorted(name for name in found if output_names.count(name) > 1)
    if repeated:
        faults.append(f"{len(repeated)} outputs are there more than once: {_named(repeated)}")
    return faults


def shard_faults(shard: Shard, kept_ids: pa.ChunkedArray, answer_ids: pa.ChunkedArray) -> list[str]:
    """Compare one shard's ids, as they were sent, with those that came back."""
    if len(kept_ids) != shard.record_count:
        return [f"{shard.kept_name}: keeps {len(kept_ids)} ids, the manifest states {shard.record_count}"]
    if len(answer_ids) != shard.record_count:
        fewer_or_more = "fewer" if len(answer_ids) < shard.record_count else "more"
        difference = f"{abs(shard.record_count - len(answer_ids))} {fewer_or_more} than were sent"
        found = f"{len(answer_ids)} predictions for {shard.record_count} records"
        return [f"{shard.output_name}: {found}, {difference}"]
    try:
        answer_ids = answer_ids.cast(kept_ids.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = " ".join(str(error).split())
        return [f"{shard.output_name}: its ids are no {kept_ids.type} as the ids sent: {reason}"]
    if kept_ids.equals(answer_ids):
        return []
    position = pc.index(pc.fill_null(pc.equal(kept_ids, answer_ids), False), False).as_py()
    expected, found = (_told(ids[position]) for ids in (kept_ids, answer_ids))
    return [f"{shard.output_name}: record {position + 1} came back under the id {found}, expected {expected}"]


def quarantine_faults(stated: Mapping[str, int], counted: Mapping[str, int]) -> list[str]:
    """Compare quarantined records by reason: what the manifest states, and what the files hold."""
    return [
        f"quarantine holds {counted.get(reason, 0)} records with the reason {reason}, "
        f"the manifest states {stated.get(reason, 0)}"
        for reason in sorted({*stated, *counted})
        if stated.get(reason, 0) != counted.get(reason, 0)
    ]


def refuse(faults: Sequence[str]) -> None:
    """Raise an InternalError that tells the first faults and counts the others; do nothing without faults."""
    if not faults:
        return
    told = "; ".join(bounded(fault, 300) for fault in faults[:MAX_FAULTS_TOLD])
    more = f"; and {len(faults) - MAX_FAULTS_TOLD} more" if len(faults) > MAX_FAULTS_TOLD else ""
    raise InternalError(bounded(f"the books do not balance, nothing was published: {told}{more}"))


def _named(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - MAX_NAMES_TOLD} more" if len(names) > MAX_NAMES_TOLD else ""
    return ", ".join(names[:MAX_NAMES_TOLD]) + more


def _told(scalar: Any) -> str:
    return bounded(repr(scalar.as_py()), _MAX_ID_CHARS)

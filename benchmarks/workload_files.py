"""Where the files of a benchmark are; `workload` makes them.

Apart from `workload`, which needs much memory: a measuring program must stay small (`processes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WORK = Path(__file__).parent / "work"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Where the files of a benchmark are.

    Attributes:
        customers: What is to be scored, as CSV with a header.
        contract: The dataset contract.
        training: What the model has learnt from, as CSV, for the baseline in the artifact.
        model: The trained model, in XGBoost's UBJ form.
        artifact: Model, contract and baseline, packaged.
        row_count: Records in `customers`.
        damage_fraction: How many of them are damaged.
    """

    customers: Path
    contract: Path
    training: Path
    model: Path
    artifact: Path
    row_count: int
    damage_fraction: float


def workload_below(work: Path, row_count: int, damage_fraction: float = 0.0) -> Workload:
    """Return where the files of that size and damage are below `work`."""
    ending = f"-damage-{damage_fraction:g}" if damage_fraction else ""
    return Workload(
        customers=work / f"customers-{row_count}{ending}.csv",
        contract=work / "contract.yaml",
        training=work / "training.csv",
        model=work / "model.ubj",
        artifact=work / "model.tar.gz",
        row_count=row_count,
        damage_fraction=damage_fraction,
    )

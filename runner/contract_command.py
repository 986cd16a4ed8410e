"""`batchscore contract check`: a contract by itself, and data against it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from contracts.container_paths import CONTRACT_INPUT, PLAN_OUTPUT, QUARANTINE_OUTPUT, SOURCE_INPUT, inside
from contracts.contract_file import check_patterns, read_contract
from contracts.errors import BatchScoreError, RunFailedError
from contracts.plan import MANIFEST_FILE, read_manifest
from runner.console import PatientConsole
from runner.container_code import ask_container, lay_input

EXAMPLES_SHOWN = 10
CHECKED_URI = "s3://check/input/"

# fmt: off - an option beside its value
PREPARE_ARGV = (
    "python3",
    "-m",
    "preprocessing",
    "prepare",
    "--wire-format",
    "parquet",
    "--input-format",
    "auto",
    "--input-uri",
    CHECKED_URI,
    "--output-uri",
    "s3://check/output/",
    "--max-instances",
    "1",
    "--max-concurrency",
    "1",
    "--max-payload-mb",
    "100",
    "--deadline-minutes",
    "60",
    "--records-per-second",
    "100000",
)
# fmt: on


def check_contract(file: Path, against: Path | None) -> None:
    """Check a contract, and if data is given, validate it with the code that prepares runs.

    Raises:
        CallerError: The contract is wrong, or the data cannot be read under it.
        RunFailedError: Some records of the data break a rule.
    """
    contract = read_contract(file)
    check_patterns(contract, name=str(file))
    console = PatientConsole(highlight=False, soft_wrap=True)
    console.print(
        f"{file}: {len(contract.fields)} fields, {len(contract.features)} features, "
        f"id {contract.id_field}, label {contract.label or 'none'}, fingerprint {contract.fingerprint}",
        markup=False,
    )
    if against is not None:
        _validate(file, against, console)


def _validate(file: Path, against: Path, console: PatientConsole) -> None:
    with tempfile.TemporaryDirectory(prefix="batchscore-check-") as temporary:
        root = Path(temporary)
        lay_input(inside(root, SOURCE_INPUT), against, "--against")
        lay_input(inside(root, CONTRACT_INPUT), file, "contract")
        try:
            ask_container(PREPARE_ARGV, root)
        except BatchScoreError as error:
            error.args = (str(error).replace(CHECKED_URI, f"--against {against}"),)
            raise
        manifest = read_manifest(inside(root, PLAN_OUTPUT) / MANIFEST_FILE)
        console.print(
            f"{against}: {manifest.record_count:,} records, {manifest.valid_count:,} valid, "
            f"{manifest.quarantined_count:,} held back",
            markup=False,
        )
        for code, count in manifest.reason_counts.items():
            console.print(f"  {code}: {count:,}", markup=False)
        if not manifest.quarantined_count:
            return
        for digest in sorted(inside(root, QUARANTINE_OUTPUT).glob("*digest.csv")):
            lines = digest.read_text(encoding="utf-8").splitlines()
            console.print("\n".join(lines[: EXAMPLES_SHOWN + 1]), markup=False)
        raise RunFailedError(f"{against}: {manifest.quarantined_count:,} records break the contract")

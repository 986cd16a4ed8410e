"""`batchscore baseline`: describe training data, with the code that prepares and scores a run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from contracts.atomic_files import write_bytes
from contracts.container_paths import CONTRACT_INPUT, MODEL, PLAN_OUTPUT, SOURCE_INPUT, inside
from contracts.contract_file import check_patterns, read_contract
from contracts.dataset import IMAGE_INPUT
from contracts.errors import CallerError
from contracts.model_artifact import BASELINE_FILE, CONTRACT_FILE
from contracts.payload_limits import DEFAULT_PAYLOAD_MB, MAX_PAYLOAD_MB
from runner.container_code import SERVE_ENTRYPOINT, ask_container, lay_input
from runner.model_check import contract_as_json

PREPROCESSING = ("python3", "-m", "preprocessing")
_PREPARE = {
    "wire-format": "arrow",
    "input-format": "auto",
    "input-uri": "s3://laptop/training/",
    "output-uri": "s3://laptop/baseline/",
    "max-instances": "1",
    "max-concurrency": "1",
    "deadline-minutes": "60",
    "records-per-second": "20000",
    "keep-columns": "",
}


def make_baseline(data: Path, contract: Path, model: Mapping[str, bytes] | None, *, option: str) -> bytes:
    """Return the content of `baseline.json`.

    Args:
        data: File or folder of training data.
        contract: Dataset contract; a record that breaks it does not count.
        model: Of the model whose scores are described too, each file's name in an artifact and content; or
            None.
        option: By which the data was named, for messages.

    Raises:
        BatchScoreError: No record is valid, or the model cannot score the data.
    """
    with tempfile.TemporaryDirectory(prefix="batchscore-baseline-") as temporary:
        root = Path(temporary)
        lay_input(inside(root, SOURCE_INPUT), data, option)
        lay_input(inside(root, CONTRACT_INPUT), contract, "--contract")
        if model is None:
            ask_container([*PREPROCESSING, "baseline"], root)
        else:
            inside(root, MODEL).mkdir(parents=True)
            for name, content in model.items():
                (inside(root, MODEL) / name).write_bytes(content)
            (inside(root, MODEL) / CONTRACT_FILE).write_bytes(contract_as_json(contract))
            options = _PREPARE | {"max-payload-mb": str(_payload_mb(contract))}
            words = [word for key, value in options.items() for word in (f"--{key}", value)]
            ask_container([*PREPROCESSING, "prepare", *words], root)
            ask_container([*SERVE_ENTRYPOINT, "baseline"], root)
        return (inside(root, PLAN_OUTPUT) / BASELINE_FILE).read_bytes()


def _payload_mb(contract: Path) -> int:
    """Return how large a record may be: of images, as any run may take them, so that none is missing."""
    has_images = read_contract(contract).model_input == IMAGE_INPUT
    return MAX_PAYLOAD_MB if has_images else DEFAULT_PAYLOAD_MB


def baseline_command(data: Path, contract: Path, out: Path, model: Mapping[str, bytes] | None) -> None:
    """Write the baseline of training data, whole or not at all."""
    check_patterns(read_contract(contract), name=str(contract))
    if out.is_dir():
        raise CallerError(f"--out {out}: is a folder; expected the name of a file, such as baseline.json")
    content = make_baseline(data, contract, model, option="--input")
    try:
        write_bytes(out, content)
    except OSError as error:
        raise CallerError(f"--out {out}: cannot be written: {error.strerror or error}") from error

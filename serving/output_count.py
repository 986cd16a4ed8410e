"""Compare how many numbers a model answers for a record with what its contract says."""

from __future__ import annotations

from pathlib import Path

from contracts.errors import CallerError


def check_output_count(path: Path, found: int, declared: int) -> None:
    """Check the number of a model's outputs.

    Args:
        path: The model, for the message.
        found: Outputs of the model.
        declared: Outputs that the contract says.

    Raises:
        CallerError: The two differ; the message has the line to write into the contract.
    """
    if found == declared:
        return
    has = f"{path}: the model has {found} output{'' if found == 1 else 's'} for each record"
    if found < 2:
        raise CallerError(
            f"{has}, the contract says {declared}; leave `outputs` and `topK` out of its `scoring`"
        )
    names = ", ".join(f"name{number}" for number in range(1, min(found, 3) + 1)) + (
        ", …" if found > 3 else ""
    )
    typed = f" (`{{count: {found}, type: …}}` where it has a type)" if declared > 1 else ""
    raise CallerError(
        f"{has}, the contract says {declared}; write `outputs: {found}` below its `scoring`{typed}, or "
        f"`outputs: [{names}]` with a name for each in the model's order"
    )

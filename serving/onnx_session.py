"""Open an ONNX model and ask it, with onnxruntime on the CPU; what every kind of ONNX model has in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as binding

from contracts.errors import CallerError, bounded

PROBE_RECORD_COUNT = 3
"""Another number than any dimension that a model for one record, or for two classes, has."""

_FLOATS = ("tensor(float)", "tensor(double)")
_LABELS = ("tensor(int64)", "tensor(string)")
_ERRORS = tuple(
    kind for kind in vars(binding).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
"""What onnxruntime raises: its kinds of errors have no base of their own (seen in 1.23 and 1.32)."""


def open_session(path: Path, *, threads: int) -> Any:
    """Return a session of onnxruntime for the model at `path`; to be called within `using_model`."""
    # From bytes: given a path, 1.23 reads weights from whatever file the model names.
    content = path.read_bytes()
    return onnxruntime.InferenceSession(content, _options(threads), providers=["CPUExecutionProvider"])


@contextmanager
def using_model(path: Path, *, remedy: str = "") -> Iterator[None]:
    """Turn what onnxruntime raises into a CallerError that names the model, and may end with a remedy."""
    try:
        yield
    except _ERRORS as error:
        raise CallerError(
            f"{path}: onnxruntime {onnxruntime.__version__} cannot use this model: "
            f"{bounded(' '.join(str(error).split()), 300)}; save it whole, in one file, for "
            f"an operator set that this version knows{remedy}"
        ) from error


def run_session(session: Any, output_name: str, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the tensor of that name that the graph computes."""
    (answer,) = session.run([output_name], dict(tensors))
    tensor: np.ndarray = answer
    return tensor


def described(session: Any) -> str:
    """Return what a model is, in a few words."""
    return f"ONNX, written by {session.get_modelmeta().producer_name or 'an unnamed exporter'}"


def told(entries: Sequence[Any]) -> str:
    """Return names, types and shapes of a model's inputs or outputs, for a message."""
    return bounded(", ".join(f"{entry.name}: {entry.type} {entry.shape}" for entry in entries), 300)


def scores_name(path: Path, session: Any) -> str:
    """Return the name of the output that has the scores.

    Raises:
        CallerError: There is not exactly one tensor of floats.
    """
    outputs = session.get_outputs()
    if any(entry.type.startswith("seq(map") for entry in outputs):
        raise CallerError(
            f"{path}: the model's outputs are {told(outputs)}: probabilities as a list of maps (ZipMap); "
            "export it with options={'zipmap': False}, so that they are a tensor"
        )
    names = [entry.name for entry in outputs if entry.type in _FLOATS]
    if len(names) != 1:
        raise CallerError(
            f"{path}: the model's outputs are {told(outputs)}; expected exactly one tensor of floats, the "
            "scores or the probabilities, beside the labels of a classifier"
        )
    return str(names[0])


def has_labels(session: Any) -> bool:
    """Return whether a model answers labels too."""
    return any(entry.type in _LABELS for entry in session.get_outputs())


def check_probe(path: Path, answer: np.ndarray) -> None:
    """Check that an answer to PROBE_RECORD_COUNT records has a number, or a list of numbers, for each.

    Raises:
        CallerError: It has not.
    """
    if answer.ndim not in (1, 2) or len(answer) != PROBE_RECORD_COUNT or not answer.size:
        raise CallerError(
            f"{path}: the model answers {PROBE_RECORD_COUNT} records with a tensor of the shape "
            f"{list(answer.shape)}; expected one number, or one list of numbers, for each record"
        )


def _options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait for work in a loop would take the cores from other requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # what a payload took is given back
    options.log_severity_level = 4  # what ends the process: an error is raised, and needs no line beside it
    return options

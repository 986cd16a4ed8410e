"""Who predicts: the forest evaluator where it can, else the model's own library, and the log says why."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from serving.forest.checked_forest import CheckedForest, Predict, checked_forest
from serving.forest.trees import Trees, UnsupportedModelError

_logger = logging.getLogger(__name__)

FOREST_VARIABLE = "BATCHSCORE_FOREST"
"""`off` in the environment of the model container lets the libraries evaluate every model themselves."""


def forest_of(
    path: Path, library: str, read_trees: Callable[[], Trees], reference: Predict, *, threads: int
) -> CheckedForest | None:
    """Return a model as a forest, or None, saying why its library has to predict.

    Args:
        path: The model, for the log.
        library: What else would predict.
        read_trees: Reads the model, or raises `UnsupportedModelError`.
        reference: What predicts by the library, from vectors in C order.
        threads: Threads that evaluate one call.

    Raises:
        InternalError: The evaluator and the library differ.
    """
    if os.environ.get(FOREST_VARIABLE, "on") == "off":
        _logger.info("%s: %s predicts, since %s is off", path, library, FOREST_VARIABLE)
        return None
    try:
        return checked_forest(read_trees(), reference, threads=threads)
    except UnsupportedModelError as error:
        _logger.warning(
            "%s: %s predicts, more slowly than the forest evaluator would: %s", path, library, error
        )
        return None

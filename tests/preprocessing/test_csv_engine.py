"""The optional extension is there where it can be."""

from __future__ import annotations

import shutil

from preprocessing import csv_engine


def test_with_a_compiler_the_extension_is_built() -> None:
    """Otherwise its tests would be skipped, and nobody would notice."""
    assert csv_engine.is_native() or not any(shutil.which(name) for name in ("c++", "g++", "clang++"))

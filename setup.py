"""Packaging entry point; everything else that is declared stands in `pyproject.toml`.

The native CSV reader is optional: where there is no compiler, the installation works all the same and
pyarrow reads CSV, more slowly.
"""

from pathlib import Path

from setuptools import Extension, setup

NATIVE = Path("preprocessing", "native")

setup(
    ext_modules=[
        Extension(
            "preprocessing.native_csv",
            sources=[str(NATIVE / name) for name in ("marks.cpp", "module.cpp", "reader.cpp", "scan.cpp")],
            depends=[str(NATIVE / name) for name in ("bytes.h", "marks.h", "reader.h", "scan.h", "values.h")],
            language="c++",
            extra_compile_args=["-std=c++17", "-O3", "-Wall", "-Wextra", "-Wconversion"],
            optional=True,
        )
    ]
)

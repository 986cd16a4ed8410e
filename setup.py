"""Packaging entry point; everything else that is declared stands in `pyproject.toml`.

The native extensions are optional: where there is no compiler, the installation works all the same, pyarrow
reads CSV, and XGBoost and LightGBM evaluate their models, more slowly.
"""

from pathlib import Path

from setuptools import Extension, setup

GLUE = Path("contracts", "native")


def extension(name: str, folder: Path, *options: str) -> Extension:
    """Return the extension `name`, which is made of all C++ files in `folder`, compiled with more options."""
    return Extension(
        name,
        sources=sorted(str(path) for path in folder.glob("*.cpp")),
        depends=sorted(str(path) for part in (folder, GLUE) for path in part.glob("*.h")),
        include_dirs=[str(GLUE)],
        language="c++",
        extra_compile_args=[
            "-std=c++17",
            "-O3",
            "-ffp-contract=off",
            "-Wall",
            "-Wextra",
            "-Wconversion",
            *options,
        ],
        optional=True,
    )


setup(
    ext_modules=[
        extension("preprocessing.native_csv", Path("preprocessing", "native")),
        # Loops that begin in the midst of a cache line cost the portable evaluation a quarter of its speed.
        extension("serving.forest.native_forest", Path("serving", "forest", "native"), "-falign-loops=64"),
    ]
)

"""The image holds the container packages and nothing else of this repository."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTAINER_PACKAGES = {"contracts", "preprocessing", "serving", "reporting"}
NATIVE_FOLDERS = {"contracts/native", "preprocessing/native", "serving/forest/native"}
BUILD_FILES = {
    "requirements/container.txt",
    "pyproject.toml",
    "setup.py",
    "README.md",
    *NATIVE_FOLDERS,
}
"""What the build stage needs; none of it is in the image."""


def final_stage() -> str:
    """The part of the Dockerfile that makes the image."""
    return (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]


def copied_paths(dockerfile: str) -> set[str]:
    """What a Dockerfile, or a stage of one, takes from the repository."""
    lines = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE)
    return {line.rstrip("/") for line in lines}


def test_the_image_copies_exactly_the_container_packages() -> None:
    """The doors, the emulator and the SDK stay outside."""
    assert copied_paths(final_stage()) == CONTAINER_PACKAGES
    assert copied_paths((ROOT / "Dockerfile").read_text()) == CONTAINER_PACKAGES | BUILD_FILES


def test_the_build_context_lets_through_what_is_copied() -> None:
    """A path that .dockerignore holds back would fail the build."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    copied = copied_paths((ROOT / "Dockerfile").read_text())
    assert let_through == copied - NATIVE_FOLDERS
    assert "**/*.so" in lines, "an extension that was built on this machine is not for the image"


def test_every_copied_package_exists() -> None:
    """The list above is about this repository."""
    missing = [name for name in CONTAINER_PACKAGES if not (ROOT / name / "__init__.py").is_file()]
    assert missing == []


def test_the_model_server_is_what_the_image_starts() -> None:
    """Batch Transform runs `<image> serve`."""
    assert 'ENTRYPOINT ["python3", "-m", "serving"]' in (ROOT / "Dockerfile").read_text()


def test_the_image_has_the_openmp_library_that_lightgbm_needs() -> None:
    """[ran] LightGBM 4.7.0 links to libgomp.so.1, neither in its wheel nor in a minimal Debian 12."""
    assert re.search(r"^RUN .*\blibgomp1\b", final_stage(), re.MULTILINE)


def test_a_library_of_models_that_is_missing_fails_the_build() -> None:
    """And not the first job with such a model: nothing else checks that the lock is whole."""
    (imported,) = re.findall(r'python3 -c "import (.*)"', final_stage())
    assert {"lightgbm", "onnxruntime", "tokenizers", "xgboost", "PIL.Image"} <= set(imported.split(", "))


def test_dependencies_are_installed_by_hash() -> None:
    """What is built is what was locked."""
    assert "--require-hashes" in (ROOT / "Dockerfile").read_text()


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    """Without any configuration: what is let through stands in the Dockerfile, with its reason."""
    linter = Path(sys.executable).with_name("hadolint")

    found = subprocess.run(
        [linter, ROOT / "Dockerfile"], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
    )

    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_the_user_of_the_image_is_a_choice() -> None:
    """docs/adr/0011: root, which SageMaker expects, unless somebody asks for another."""
    assert "\nARG IMAGE_USER=root\nUSER ${IMAGE_USER}\n" in final_stage()

"""Container code is started here as the image would start it."""

from __future__ import annotations

import re
from pathlib import Path

from runner.container_code import IMAGE_VARIABLES, local_image

ROOT = Path(__file__).parents[2]


def test_processes_get_the_variables_that_the_dockerfile_sets(tmp_path: Path) -> None:
    """What is measured on a laptop is then what runs in a container."""
    stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    (lines,) = re.findall(r"^ENV ((?:.*\\\n)*.*)", stage, re.MULTILINE)
    in_image = dict(re.findall(r"(\w+)=(\S+)", lines))

    launches = [local_image().job(["python3"], tmp_path, {}), local_image().server(tmp_path, {}, 8080)]

    assert IMAGE_VARIABLES.items() <= in_image.items()
    assert set(in_image) - set(IMAGE_VARIABLES) == {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    assert all(IMAGE_VARIABLES.items() <= launch.environment.items() for launch in launches)

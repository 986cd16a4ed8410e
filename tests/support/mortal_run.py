"""`batchscore` with the mortal server in the place of the model container: `python mortal_run.py run …`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from emulator.images import LocalImage
from runner import container_code
from runner.__main__ import main

MORTAL_SERVER = str(Path(__file__).with_name("mortal_server.py"))
VARIABLES = ("ANSWERS", "AFTERWARDS", "HUNG", "SENT")


def mortal_image() -> LocalImage:
    """Return the image whose model container is the mortal server, told what our environment says."""
    told = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    return LocalImage(python=sys.executable, serve_entrypoint=("python3", MORTAL_SERVER), environment=told)


if __name__ == "__main__":
    container_code.local_image = mortal_image  # type: ignore[attr-defined]  # that is its place
    main()

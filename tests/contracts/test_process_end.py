"""A process that ends at once has said all that it had to say."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("exit_code", [0, 70])
def test_what_was_said_arrives_whole_and_the_exit_code_with_it(exit_code: int) -> None:
    code = (
        "import sys; from contracts.process_end import end_process; "
        f"sys.stdout.write('o' * 100_000); sys.stderr.write('e' * 100_000); end_process({exit_code})"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={"LANG": "C.UTF-8"}
    )

    assert (ended.returncode, len(ended.stdout), len(ended.stderr)) == (exit_code, 100_000, 100_000)

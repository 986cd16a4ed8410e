"""What CI runs is what is here: pinned, with few rights, and calling a command line that exists.

`make lint` has actionlint and zizmor read the workflows; here is what they cannot know.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from runner.cli import app

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BUILD = ROOT / "buildspec.yml"

PINNED = {
    "actions/checkout": ("11bd71901bbe5b1630ceea73d27597364c9af683", "v4.2.2"),
    "actions/setup-python": ("0b93645e9fea7318ecaed2b359559ac225c90a2b", "v5.3.0"),
    "aws-actions/configure-aws-credentials": ("e3dd6a429d7300a6a4c196c26e071d42e0343502", "v4.0.2"),
}
"""Commit and version of every action, as several public workflows write them side by side (2026-11-24)."""

USES = re.compile(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (v[\d.]+)$", re.MULTILINE)


def _commands() -> list[str]:
    """Every line that a workflow or the build gives to a shell."""
    build = yaml.safe_load(BUILD.read_text(encoding="utf-8"))
    commands = [command for phase in build["phases"].values() for command in phase["commands"]]
    for path in WORKFLOWS:
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        commands += [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    return commands


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_a_commit_that_was_seen_in_public(path: Path) -> None:
    """A tag can be moved by whoever owns the action."""
    text = path.read_text(encoding="utf-8")
    found = USES.findall(text)
    assert len(found) == text.count("uses:")
    assert [
        (name, commit, version) for name, commit, version in found if PINNED[name] != (commit, version)
    ] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_job_has_more_rights_than_it_needs(path: Path) -> None:
    """None by default; only what promotes may ask for a token, and that cannot write to the repository."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    allowed = {"contents": "read", **({"id-token": "write"} if path.stem == "promote" else {})}
    assert [job["permissions"] for job in workflow["jobs"].values()] == [allowed]


def test_no_event_stands_in_a_script() -> None:
    """What somebody sends would be run as code."""
    assert [command for command in _commands() if "${{" in command] == []


def test_both_doors_of_ci_promote_with_options_that_exist() -> None:
    """And with values quoted, so that an empty one is an empty one."""
    promoting = [command for command in _commands() if "batchscore" in command]
    assert len(promoting) == 2
    for command in promoting:
        words = shlex.split(command)
        assert words[:2] == [".venv/bin/batchscore", "promote"]
        _parsed(words[1:])
        assert all(
            re.search(rf'"\$\{{?{name}', command) for name in ("BATCHSCORE_STACK", "MODEL_PACKAGE_ARN")
        )


def _parsed(words: list[str]) -> dict[str, Any]:
    """Parse a command line without running it; unknown options raise."""
    group: Any = typer.main.get_command(app)
    command = group.commands[words[0]]
    parameters: dict[str, Any] = command.make_context(words[0], words[1:]).params
    return parameters


def test_make_targets_that_ci_calls_exist() -> None:
    """`make check` is exactly what CI runs."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [shlex.split(command)[1] for command in _commands() if command.startswith("make ")]
    assert sorted(set(targets)) == [".venv/run.stamp", "check"]
    for target in targets:
        assert re.search(rf"^{re.escape(target.replace('.venv', '$(VENV)'))}:", makefile, re.MULTILINE)


def test_the_build_is_one_that_codebuild_reads() -> None:
    """[doc] Build specification reference: version 0.2, phases with commands, a shell."""
    build = yaml.safe_load(BUILD.read_text(encoding="utf-8"))
    assert set(build) == {"version", "env", "phases"}
    assert (build["version"], build["env"]) == (0.2, {"shell": "bash"})
    assert set(build["phases"]) <= {"install", "pre_build", "build", "post_build"}

"""What CI runs is what is here: pinned, with few rights, and calling a command line that exists.

`make lint` has actionlint (with shellcheck) and zizmor read the workflows; here is what they cannot know.
No package brings a schema of CodeBuild's build specification: what its reference says of the keys we use is
written out below.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from runner.cli import app

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BUILD = ROOT / "buildspec.yml"
TEMPLATE = (ROOT / "infra" / "batchscore.yaml").read_text(encoding="utf-8")
PINNED = yaml.safe_load((Path(__file__).parent / "pinned_actions.yaml").read_text(encoding="utf-8"))

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/7"
USES = re.compile(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (v[\d.]+)$", re.MULTILINE)


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _job(name: str) -> dict[str, Any]:
    """The only job of a workflow."""
    (job,) = _load(ROOT / ".github" / "workflows" / f"{name}.yml")["jobs"].values()
    found: dict[str, Any] = job
    return found


def _scripts() -> dict[str, list[str]]:
    """Every script that the build and the workflows give to a shell, by the name of the file."""
    build = _load(BUILD)["phases"].values()
    scripts = {BUILD.name: [command for phase in build for command in phase["commands"]]}
    for path in WORKFLOWS:
        scripts[path.name] = [step["run"] for step in _job(path.stem)["steps"] if "run" in step]
    return scripts


def _promoting_line(name: str) -> str:
    (line,) = [
        line for script in _scripts()[name] for line in script.splitlines() if "bin/batchscore" in line
    ]
    return line


def test_every_action_is_pinned_as_in_our_table_and_none_is_left_over() -> None:
    """A tag can be moved by whoever owns the action; a commit cannot."""
    texts = [path.read_text(encoding="utf-8") for path in WORKFLOWS]
    found = [pin for text in texts for pin in USES.findall(text)]
    assert len(found) == sum(text.count("uses:") for text in texts)
    assert set(found) == {(name, pin["commit"], pin["version"]) for name, pin in PINNED.items()}


@pytest.mark.parametrize("name", sorted(PINNED))
def test_a_pin_was_seen_in_repositories_of_two_owners(name: str) -> None:
    """One copy could be a slip, or forged."""
    owners = {seen["repository"].split("/")[0] for seen in PINNED[name]["seen"]}
    assert len(owners - {name.split("/", maxsplit=1)[0]}) >= 2
    assert all(re.fullmatch("[0-9a-f]{40}", seen["at"]) for seen in PINNED[name]["seen"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_job_has_more_rights_than_it_needs(path: Path) -> None:
    """None by default; only what promotes may ask for a token, and that cannot write to the repository."""
    assert _load(path)["permissions"] == {}
    token = {"id-token": "write"} if path.stem == "promote" else {}
    assert _job(path.stem)["permissions"] == {"contents": "read", **token}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_ends_one_day_and_leaves_no_credentials_in_the_checkout(path: Path) -> None:
    """Six hours is the most that a runner of GitHub's gives [doc]."""
    job = _job(path.stem)
    assert 0 < job["timeout-minutes"] < 360
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


def test_the_session_in_aws_lasts_as_long_as_the_job_may_wait() -> None:
    """It is not renewed, and more than the role allows is refused [doc: AssumeRoleWithWebIdentity]."""
    job = _job("promote")
    (asked,) = [
        step["with"]["role-duration-seconds"]
        for step in job["steps"]
        if "credentials@" in step.get("uses", "")
    ]
    allowed = re.search(
        r"^  GitHubRole:\n(?:    .*\n)*?      MaxSessionDuration: (\d+)$", TEMPLATE, re.MULTILINE
    )
    assert allowed is not None
    assert job["timeout-minutes"] * 60 <= asked <= int(allowed[1])


def test_only_a_pull_requests_check_is_cancelled() -> None:
    """A promotion that has begun must finish, and one that rejects must not wait for it."""
    concurrency = {path.stem: _load(path).get("concurrency") for path in WORKFLOWS}
    assert concurrency["ci"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    assert concurrency["promote"] is None
    assert _job("promote")["environment"] == "production"


def test_no_event_stands_in_a_script() -> None:
    """What somebody sends would be run as code."""
    scripts = [script for found in _scripts().values() for script in found]
    assert [script for script in scripts if "${{" in script or "github.event" in script] == []


@pytest.mark.parametrize("name", ["buildspec.yml", "promote.yml"])
def test_a_door_of_ci_promotes_with_options_that_exist(name: str) -> None:
    """An unknown option would raise here, not at the first approval."""
    words = shlex.split(_promoting_line(name))
    assert words[:2] == [".venv/bin/batchscore", "promote"]
    group: Any = typer.main.get_command(app)
    parameters = group.commands["promote"].make_context("promote", words[2:]).params
    assert (parameters["stack"], parameters["wait"]) == ("$BATCHSCORE_STACK", True)
    assert parameters["package"].strip("${}:-") == "MODEL_PACKAGE_ARN"


def _run_promotion(name: str, folder: Path, package: str | None) -> tuple[int, list[str]]:
    """Run a file's promoting script beside a command that notes its words; return exit code and words."""
    command = folder / ".venv" / "bin" / "batchscore"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > called\n')
    command.chmod(0o755)
    (script,) = [script for script in _scripts()[name] if "bin/batchscore" in script]
    given = {} if package is None else {"MODEL_PACKAGE_ARN": package}
    env = {"PATH": os.environ["PATH"], "BATCHSCORE_STACK": "my stack", **given}
    ended = subprocess.run(
        ["/bin/bash", "-e", "-c", script], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    called = folder / "called"
    return ended.returncode, called.read_text().splitlines() if called.exists() else []


@pytest.mark.parametrize(
    ("name", "package"),
    [("promote.yml", ""), ("promote.yml", ARN), ("buildspec.yml", None), ("buildspec.yml", ARN)],
)
def test_an_empty_or_good_package_reaches_the_command_as_one_word(
    name: str, package: str | None, tmp_path: Path
) -> None:
    """Where an event names none, an empty one is said to be none."""
    code, words = _run_promotion(name, tmp_path, package)
    assert (code, words) == (0, ["promote", "--stack", "my stack", "--package", package or "", "--wait"])


@pytest.mark.parametrize(
    "package", ["$(touch called)", f"{ARN}\n::stop-commands::x", f"{ARN} --group other", "--help", "churn"]
)
def test_a_package_of_another_form_is_refused_before_the_command(package: str, tmp_path: Path) -> None:
    """Whoever may send a `repository_dispatch` chooses this text."""
    assert _run_promotion("promote.yml", tmp_path, package) == (2, [])


def test_shellcheck_finds_nothing_in_the_build() -> None:
    """`actionlint` asks it about the workflows only."""
    script = "\n".join(_scripts()[BUILD.name])
    command = [Path(sys.executable).with_name("shellcheck"), "--shell=bash", "-"]
    found = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert (found.stdout, found.returncode) == ("", 0)


def test_make_targets_that_ci_calls_exist() -> None:
    """`make check` is exactly what CI runs."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    scripts = [script for found in _scripts().values() for script in found]
    targets = [shlex.split(script)[1] for script in scripts if script.startswith("make ")]
    assert sorted(set(targets)) == [".venv/run.stamp", "check"]
    for target in targets:
        assert re.search(rf"^{re.escape(target.replace('.venv', '$(VENV)'))}:", makefile, re.MULTILINE)


def test_the_build_is_one_that_codebuild_reads() -> None:
    """[doc] Build specification reference: version 0.2, a shell by its name, phases with commands."""
    build = _load(BUILD)
    assert set(build) == {"version", "env", "phases"}
    assert (build["version"], build["env"]) == (0.2, {"shell": "bash"})
    assert set(build["phases"]) <= {"install", "pre_build", "build", "post_build"}
    assert all(set(phase) <= {"runtime-versions", "commands"} for phase in build["phases"].values())


def test_the_template_starts_this_build_and_trusts_this_workflow() -> None:
    """Names that stand in both files."""
    assert f"BuildSpec: {BUILD.name}" in TEMPLATE
    assert "{Name: BATCHSCORE_STACK," in TEMPLATE
    assert re.search(r"^  GitHubRoleArn:", TEMPLATE, re.MULTILINE)

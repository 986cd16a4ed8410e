"""What the documents say twice is compared with what is there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_customers import TinyBusiness

from contracts.quarantine import REASON_MEANINGS, ReasonCode
from contracts.wire import WIRE_FORMATS
from pipelines.definition import definition_document
from pipelines.parameter_specs import PARAMETER_SPECS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("contracts", "emulator", "pipelines", "preprocessing", "reporting", "runner", "serving", "steps")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code_blocks(name: str) -> list[str]:
    return re.findall(r"^```[a-z]*\n(.*?)^```", text_of(name), flags=re.MULTILINE | re.DOTALL)


def step_names() -> set[str]:
    steps = definition_document("candidate")["Steps"]
    names = {step["Name"] for step in steps}
    for step in steps:
        for branch in ("IfSteps", "ElseSteps"):
            names |= {inner["Name"] for inner in step["Arguments"].get(branch, [])}
    return names


@pytest.mark.parametrize("name", ["README.md", "docs/architecture.md"])
def test_the_picture_of_the_graph_has_the_steps_of_the_definition(name: str) -> None:
    (picture,) = [block for block in code_blocks(name) if block.startswith("flowchart")]

    assert set(re.findall(r"\b([A-Z][a-z]+[A-Z]\w+)[\[{]", picture)) == step_names()


def test_the_reason_codes_are_documented_in_the_words_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", text_of("docs/quarantine.md"), flags=re.MULTILINE)

    documented = [row for row in rows if row[0] in {code.value for code in ReasonCode}]

    assert documented == [(code.value, REASON_MEANINGS[code]) for code in ReasonCode]


def test_every_format_that_can_be_chosen_is_documented() -> None:
    text = text_of("docs/formats.md")
    choices = [
        *PARAMETER_SPECS["InputFormat"].choices,
        *(name for choice in PARAMETER_SPECS["OutputFormat"].choices for name in choice.split(",")),
        *WIRE_FORMATS,
    ]

    assert [name for name in choices if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_a_document_names_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.MULTILINE))

    named = set(re.findall(r"\bmake ([a-z-]+)\b", "\n".join(code_blocks(name))))

    assert named
    assert named <= targets


def test_the_glossary_spells_identifiers_as_the_code_does() -> None:
    rows = [line.split("|") for line in text_of("docs/glossary.md").splitlines() if line.startswith("| ")]
    identifiers = {name for row in rows for name in re.findall(r"`([^`]+)`", row[2])}
    code = "\n".join(
        path.read_text(encoding="utf-8") for name in PACKAGES for path in (ROOT / name).rglob("*.py")
    )
    code += "\n".join(PARAMETER_SPECS)

    assert len(identifiers) > 20
    assert [name for name in sorted(identifiers) if not re.search(rf"\b{re.escape(name)}\b", code)] == []


def test_the_architecture_names_every_room_and_no_other() -> None:
    rooms = re.findall(r"^\| `([a-z]+)/` \|", text_of("docs/architecture.md"), flags=re.MULTILINE)

    assert sorted(rooms) == sorted(PACKAGES)


def test_links_between_documents_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{document.name}: {link}"
        for document in documents
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
        if not (document.parent / link).exists()
    ]

    assert dead == []


@pytest.mark.end_to_end
def test_the_readme_s_commands_run_as_they_stand(tmp_path: Path) -> None:
    """In a folder with files of the names that the README uses."""
    business = TinyBusiness(tmp_path / "business")
    for source, name in ((business.folder / "tiny.json", "churn.json"), (business.contract, "contract.yaml")):
        shutil.copy(source, tmp_path / name)
    shutil.copytree(business.source, tmp_path / "customers")
    (block,) = [block for block in code_blocks("README.md") if "batchscore run" in block]
    commands = [shlex.split(line) for line in block.splitlines()]
    assert [command[0] for command in commands] == [".venv/bin/batchscore"] * 6
    for command in commands:
        words = [word.replace("churn.ubj", "churn.json") for word in command[1:]]
        more = ["-p", "MaxQuarantineFraction=0.5"] if words[0] == "run" else []
        argv = [sys.executable, "-m", "runner", *words, *more]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "scored" / "pointer" / "latest.json").exists()

"""Container code is started here as the image would start it."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from emulator.processes import ProcessPool
from runner.container_code import (
    COMMON_MODULES,
    FIRST_MODULES,
    IMAGE_VARIABLES,
    LATER_MODULES,
    early_fork_server,
    local_image,
)

ROOT = Path(__file__).parents[2]
SURROUNDINGS = {
    *("environ", "getenv", "getcwd", "getpid", "urandom", "uuid4", "argv", "stdin", "stdout", "stderr"),
    *("open", "read_text", "read_bytes", "exists", "monotonic", "time_ns", "perf_counter", "now", "today"),
}


def test_processes_get_the_variables_that_the_dockerfile_sets(tmp_path: Path) -> None:
    """What is measured on a laptop is then what runs in a container."""
    stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    (lines,) = re.findall(r"^ENV ((?:.*\\\n)*.*)", stage, re.MULTILINE)
    in_image = dict(re.findall(r"(\w+)=(\S+)", lines))

    launches = [local_image().job(["python3"], tmp_path, {}), local_image().server(tmp_path, {}, 8080)]

    assert IMAGE_VARIABLES.items() <= in_image.items()
    assert set(in_image) - set(IMAGE_VARIABLES) == {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    assert all(IMAGE_VARIABLES.items() <= launch.environment.items() for launch in launches)


@pytest.mark.parametrize("package", ["preprocessing", "serving", "reporting"])
def test_what_is_read_beforehand_is_imported_by_the_code_of_every_container(package: str) -> None:
    """So that no import that is missing in the code goes unnoticed here, and fails in a container."""
    code = (
        f"import sys, {package}.__main__; "
        f"print([name for name in {COMMON_MODULES!r} if name not in sys.modules])"
    )

    answer = subprocess.run(
        [local_image().python, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"


def test_what_is_read_beforehand_is_there() -> None:
    """A wrong name would only be slower, or never be ready."""
    code = f"import importlib; [importlib.import_module(name) for name in {FIRST_MODULES + LATER_MODULES!r}]"

    subprocess.run([local_image().python, "-c", code], cwd=ROOT, check=True)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_what_is_read_beforehand_starts_no_threads() -> None:
    """A fork would not take them along. That of Arrow's jemalloc, which knows of forks, is the only one."""
    code = (
        "import importlib, pathlib; "
        f"[importlib.import_module(name) for name in {FIRST_MODULES + LATER_MODULES!r}]; "
        "print({path.read_text().strip() for path in pathlib.Path('/proc/self/task').glob('*/comm')} "
        "- {'jemalloc_bg_thd'}, sum(1 for _ in pathlib.Path('/proc/self/task').iterdir()))"
    )
    environment = {"PATH": "/usr/bin:/bin", **IMAGE_VARIABLES}

    answer = subprocess.run(
        [local_image().python, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    names, _, count = answer.stdout.rpartition(" ")
    assert names.startswith("{'python")
    assert int(count) <= 2


@pytest.mark.parametrize("package", ["contracts", "preprocessing", "serving", "reporting"])
def test_no_module_of_the_image_looks_at_its_surroundings_while_it_is_imported(package: str) -> None:
    """What was read before a process is forked must be what would be read after it."""
    looked = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in _used_at_import(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert not {one for one in looked if one.rpartition(" ")[2] in SURROUNDINGS}


def test_what_is_used_at_import_is_found() -> None:
    code = """
import os
HERE = os.environ["HERE"]
def later(): return os.getenv("LATER")
class Kept:
    made = os.urandom(1)
if __name__ == "__main__":
    os.getpid()
"""
    assert {"environ", "urandom"} == _used_at_import(ast.parse(code)) & SURROUNDINGS


def _used_at_import(tree: ast.AST) -> set[str]:
    """Return the names and attributes that the code outside of functions and of the main program uses."""
    used: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            defaults = [one for one in (*node.args.defaults, *node.args.kw_defaults) if one is not None]
            waiting += [*getattr(node, "decorator_list", ()), *defaults]
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            continue
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            used.add(node.id if isinstance(node, ast.Name) else node.attr)
        waiting += ast.iter_child_nodes(node)
    return used


@pytest.mark.functional
def test_container_code_that_is_started_later_has_its_libraries_already(tmp_path: Path) -> None:
    """Who comes before the server is ready starts by itself; the others gain a sixth of a second each."""
    (tmp_path / "told.py").write_text("import sys; print('pyarrow.compute' in sys.modules)\n")
    launch = local_image().job(["python3", "-m", "told"], tmp_path, {})

    said: list[str] = []
    with ProcessPool(local_image()) as pool:
        while said[-1:] != ["True\n"]:
            log_path = tmp_path / "log"
            process = pool.start(launch, folder=tmp_path, log_path=log_path, on_progress=print)
            process.wait()
            said.append(log_path.read_text())
            pool.end(process)

    assert set(said) <= {"True\n", "False\n"}


@pytest.mark.parametrize(
    ("arguments", "is_wanted"),
    [
        (["run", "--contract", "c.yaml"], True),
        (["run", "--help"], False),
        (["run", "--containers"], False),
        (["start"], False),
        ([], False),
    ],
)
def test_only_a_run_with_processes_starts_what_starts_them(arguments: list[str], is_wanted: bool) -> None:
    with early_fork_server(arguments) as forks:
        assert (forks is not None) == is_wanted

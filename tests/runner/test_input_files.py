"""What a person means by a path is found whole, or refused: no file is silently left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import CallerError
from runner.input_files import input_files

pytestmark = pytest.mark.functional


def test_nested_files_are_found_and_a_file_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b", "deep/a"):
        (tmp_path / name).write_text("x")

    assert input_files(tmp_path, "--input") == [tmp_path / "b", tmp_path / "deep" / "a"]
    assert input_files(tmp_path / "b", "--input") == [tmp_path / "b"]


def test_the_path_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("x")
    (tmp_path / "link").symlink_to("real")

    assert input_files(tmp_path / "link", "--input") == [tmp_path / "link" / "a"]


def test_a_linked_folder_inside_is_refused(tmp_path: Path) -> None:
    """Its records would be left out, since links are not followed."""
    (tmp_path / "in").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "other")

    with pytest.raises(CallerError, match="linked: is a link to a folder, which is not followed"):
        input_files(tmp_path / "in", "--input")


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")

    with pytest.raises(CallerError, match="gone: is a link to nothing"):
        input_files(tmp_path, "--input")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match=r"--against .*none: does not exist"):
        input_files(tmp_path / "none", "--against")

"""Everything that can be checked is checked before a run starts, and all faults are told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_artifact import write_archive, write_artifact, write_contract

from contracts.errors import CallerError
from emulator.object_store import ObjectStore
from runner.preflight import RunPlaces, check_lengths, check_places

pytestmark = pytest.mark.functional


def places(folder: Path, **changes: object) -> RunPlaces:
    """Return places with which nothing is wrong, but for the changes."""
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "a.csv").write_text("id,age\n1,2\n")
    good = {
        "contract": write_contract(folder / "contract.json"),
        "model": write_artifact(folder / "model.tar.gz"),
        "source": str(folder / "in"),
        "output": str(folder / "out"),
    }
    return RunPlaces(**{**good, **changes})  # type: ignore[arg-type]  # the changes are the test's own


def refusal(folder: Path, **changes: object) -> str:
    with pytest.raises(CallerError) as caught:
        check_places(places(folder, **changes), ObjectStore(folder / "objects"))
    return str(caught.value)


def test_good_places_pass(tmp_path: Path) -> None:
    check_places(places(tmp_path), ObjectStore(tmp_path / "objects"))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, contract=tmp_path / "none.yaml", source=str(tmp_path / "nowhere"))

    assert "none.yaml: cannot read the contract: No such file or directory" in message
    assert "nowhere: does not exist" in message


def test_a_contract_of_another_model_is_refused(tmp_path: Path) -> None:
    other = write_contract(tmp_path / "other.json", missingValues=["", "NA"])

    message = refusal(tmp_path, contract=other)

    assert "other.json: has the fingerprint" in message
    assert "use the contract that the model was trained under" in message


def test_a_text_is_refused_on_a_wire_of_vectors(tmp_path: Path) -> None:
    text = {
        "fields": [{"name": "id", "type": "string"}, {"name": "review", "type": "string"}],
        "scoring": {"features": ["review"], "modelInput": "text"},
    }
    good = places(
        tmp_path,
        contract=write_contract(tmp_path / "text.json", **text),
        model=write_artifact(tmp_path / "text.tar.gz", **text),
    )
    store = ObjectStore(tmp_path / "objects")

    check_places(good, store, wire="parquet")
    with pytest.raises(CallerError, match="'csv' carries vectors of numbers"):
        check_places(good, store, wire="csv")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert "empty: holds no file to score" in refusal(tmp_path, source=str(tmp_path / "empty"))


def test_an_empty_prefix_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, source="s3://laptop/none/", output="s3://laptop/out/")

    assert "s3://laptop/none/: holds no file to score" in message


def test_a_prefix_without_a_slash_at_its_end_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, source="s3://laptop/in", output="s3://laptop/out/")

    assert "a prefix must end with `/`, or it matches its siblings too" in message


@pytest.mark.parametrize("output", ["in", "in/scored", "in/../in/x"])
def test_an_output_inside_the_input_is_refused(tmp_path: Path, output: str) -> None:
    assert "the next run would score its own output" in refusal(tmp_path, output=str(tmp_path / output))


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")

    assert "taken: is a file; expected a folder" in refusal(tmp_path, output=str(tmp_path / "taken"))


def test_too_little_disk_space_is_refused(tmp_path: Path) -> None:
    good = places(tmp_path)

    with pytest.raises(CallerError, match="about 64 MB are needed for this input, 1 MB are free"):
        check_places(good, ObjectStore(tmp_path / "objects"), measure=lambda _folder: 1024 * 1024)


@pytest.mark.parametrize(
    ("members", "link", "reason"),
    [
        ({"../model.json": b"{}"}, None, "would be written outside its folder"),
        ({"/model.json": b"{}"}, None, "would be written outside its folder"),
        ({"model.json": b"{}"}, "contract.json", "is a link or a device"),
        ({"model.pkl": b""}, None, "may hold a pickle"),
        ({"model.ubj": b"\x80\x04pickle"}, None, "'model.ubj': may hold a pickle"),
        ({"model.ubj": b"L"}, None, "'model.ubj': begins with b'L' and is no XGBoost UBJ model"),
        ({"contract.json": b"{}"}, None, "the contract is wrong"),
        ({"model.json": b"{}"}, None, "has no contract.json"),
        ({"readme.txt": b""}, None, "found none"),
        ({"model.json": b"{}", "model.ubj": b"{}"}, None, "found model.json, model.ubj"),
    ],
)
def test_an_archive_that_is_no_artifact_is_refused(
    tmp_path: Path, members: dict[str, bytes], link: str | None, reason: str
) -> None:
    model = write_archive(tmp_path / "bad.tar.gz", members, link)

    assert reason in refusal(tmp_path, model=model)


def test_a_model_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.tar.gz").write_text("not an archive")

    assert "bad.tar.gz: is not a readable model.tar.gz" in refusal(tmp_path, model=tmp_path / "bad.tar.gz")


def test_an_output_inside_the_input_is_refused_when_one_is_a_uri(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "objects")
    folder = store.path_of("s3://bk/in")
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id,age\n1,2\n")

    with pytest.raises(CallerError, match="is inside --input s3://bk/in/"):
        check_places(places(tmp_path, source="s3://bk/in/", output=str(folder / "out")), store)


def test_a_parameter_too_long_for_the_report_is_refused_at_the_start() -> None:
    """[doc] An argument of a job has at most 256 characters; the report is told every parameter."""
    check_lengths({"InputUri": "s" * 247})
    with pytest.raises(CallerError, match="too long: InputUri=sss"):
        check_lengths({"InputUri": "s" * 248})


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """Also where it does not exist yet, and before anything is prepared."""
    (tmp_path / "file").write_text("x")

    assert "cannot be written to" in refusal(tmp_path, output=str(tmp_path / "file" / "out"))


def test_the_folder_of_the_input_file_is_no_output(tmp_path: Path) -> None:
    """The next run on that folder would read this run's pointer and report."""
    (tmp_path / "in").mkdir()
    message = refusal(tmp_path, source=str(tmp_path / "in" / "a.csv"), output=str(tmp_path / "in"))

    assert "is the folder of --input" in message


def test_a_state_inside_the_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="state: is inside --input"):
        check_places(places(tmp_path), ObjectStore(tmp_path / "in" / "state" / "objects"))


def test_a_column_that_cannot_be_kept_is_told_with_the_other_faults(tmp_path: Path) -> None:
    """A slip in KeepColumns costs no run."""
    (tmp_path / "empty").mkdir()
    given = places(tmp_path, source=str(tmp_path / "empty"))

    with pytest.raises(CallerError) as caught:
        check_places(given, ObjectStore(tmp_path / "objects"), keep_columns="nope")

    assert "KeepColumns: 'nope' is no field of the contract" in str(caught.value)
    assert "empty: holds no file to score" in str(caught.value)


def test_a_contract_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    assert refusal(tmp_path, contract=tmp_path / "none.yaml").count("cannot read the contract") == 1

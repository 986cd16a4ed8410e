"""`batchscore quarantine`: what was held back is shown, counted and filtered, and comes out as it was."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from held_back import RUN_ID, HeldBackRun, held

from contracts.errors import CallerError, PlatformError
from contracts.quarantine import MAX_RAW_BYTES, SourceForm
from runner.quarantine_command import QuarantineRequest, quarantine_command
from runner.quarantine_writing import write_back

pytestmark = pytest.mark.functional

CSV = SourceForm(format="csv", header=b"id,age,note")
JSON_LINES = SourceForm(format="jsonlines")


def answer(run: HeldBackRun, capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    quarantine_command(QuarantineRequest(state=run.state.root, **options))
    return capsys.readouterr().out


def answer_json(run: HeldBackRun, capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer(run, capsys, as_json=True, **options))
    return document


def written(
    run: HeldBackRun, folder: Path, capsys: pytest.CaptureFixture[str], **options: Any
) -> dict[str, bytes]:
    """Write the records back and return the files by what follows the run id in their names."""
    answer(run, capsys, write_folder=folder, **options)
    return {path.name.removeprefix(f"quarantine-{RUN_ID}-"): path.read_bytes() for path in folder.iterdir()}


def reasons(content: bytes) -> list[list[str]]:
    return list(csv.reader(content.decode().splitlines()))[1:]


@pytest.fixture
def several(tmp_path: Path) -> HeldBackRun:
    return HeldBackRun(tmp_path).hold_back(
        [
            held(b"1,x,", form=CSV, line_number=2),
            held(b"2,y,", form=CSV, line_number=3),
            held(b",3,", "missing_required", form=CSV, line_number=4, field="id", message="id is missing"),
            held(b"4,z,", form=CSV, source_key="b.csv", line_number=9),
            held(b"5", "wrong_field_count", form=CSV, line_number=5, field=None, message="has 1 field"),
        ]
    )


def test_counts_by_reason_and_field_come_most_frequent_first(
    several: HeldBackRun, capsys: pytest.CaptureFixture[str]
) -> None:
    text = answer(several, capsys)

    rows = [line.split() for line in text.splitlines()[2:5]]
    assert [(row[0], row[-3], row[-2], row[-1]) for row in rows] == [
        ("wrong_type", "age", "3", "60.0%"),
        ("missing_required", "id", "1", "20.0%"),
        ("wrong_field_count", "contract", "1", "20.0%"),
    ]
    assert text.startswith(f"Run {RUN_ID}: 5 held back\n")
    assert "has no value for a required field" in text
    assert f"batchscore quarantine {RUN_ID} --write FOLDER" in text


def test_examples_name_place_field_message_and_record(
    several: HeldBackRun, capsys: pytest.CaptureFixture[str]
) -> None:
    text = answer(several, capsys, example_count=1)

    assert "  a.csv:2  age  age: 'x' is not a number\n    1,x,\n" in text
    assert "  a.csv:5  has 1 field\n    5\n" in text
    assert "2,y," not in text


def test_no_examples_may_be_asked_for(several: HeldBackRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert "a.csv:" not in answer(several, capsys, example_count=0)


def test_records_of_one_reason_or_source_may_be_asked_for(
    several: HeldBackRun, capsys: pytest.CaptureFixture[str]
) -> None:
    by_reason = answer_json(several, capsys, reason="missing_required")
    by_source = answer_json(several, capsys, source_key="b.csv")
    by_both = answer(several, capsys, reason="missing_required", source_key="b.csv")

    assert [example["raw"] for example in by_reason["examples"]] == [",3,"]
    assert (by_reason["total"], by_reason["selected"]) == (5, 1)
    assert [example["line_number"] for example in by_source["examples"]] == [9]
    assert "none of them is what --reason and --source ask for" in by_both


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reason": "wrong_typ"}, "--reason 'wrong_typ': no such code; did you mean 'wrong_type'?"),
        ({"source_key": "c.csv"}, "--source 'c.csv': no record of it is held back; did you mean"),
    ],
)
def test_an_unknown_reason_or_source_is_answered_with_near_matches(
    several: HeldBackRun, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(CallerError) as caught:
        quarantine_command(QuarantineRequest(state=several.state.root, **options))

    assert str(caught.value).startswith(message)


def test_the_json_has_counts_examples_and_places(
    several: HeldBackRun, capsys: pytest.CaptureFixture[str]
) -> None:
    document = answer_json(several, capsys)

    counts = [(entry["reason_code"], entry["field"], entry["count"]) for entry in document["counts"]]
    assert counts == [("wrong_type", "age", 3), ("missing_required", "id", 1), ("wrong_field_count", None, 1)]
    assert document["sources"] == {"a.csv": 4, "b.csv": 1}
    assert len(document["examples"]) == 5
    assert all(Path(path).exists() for path in document["files"] + document["digests"])
    assert len(document["digests"]) == 1


def test_neither_markup_nor_control_characters_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nasty = "[red]x[/red]\x1b[2J\u202e\r\n"
    record = held(
        nasty.encode() + b"\xff",
        form=CSV,
        source_key=nasty,
        field="[/bold]\x07",
        message="[link=x]\x1b]0;t\x07",
    )

    text = answer(HeldBackRun(tmp_path).hold_back([record]), capsys)

    assert "    [red]x[/red]\\x1b[2J\\u202e\\r\\n\\xff\n" in text
    assert "[/bold]\\x07  [link=x]\\x1b]0;t\\x07" in text
    assert [char for char in text if not char.isprintable() and char != "\n"] == []


def test_nothing_held_back_is_said_plainly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = HeldBackRun(tmp_path).hold_back([])

    assert "nothing was held back; every record read kept every rule" in answer(run, capsys)
    assert written_nothing(run, tmp_path / "out", capsys)
    assert answer_json(run, capsys)["counts"] == []


def written_nothing(run: HeldBackRun, folder: Path, capsys: pytest.CaptureFixture[str]) -> bool:
    answer(run, capsys, write_folder=folder)
    return not folder.exists()


def test_a_run_that_got_not_so_far_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = HeldBackRun(tmp_path, status="Failed", failure_reason="a.csv: the header lacks the field 'id'")

    text = answer(run, capsys)

    assert text.startswith(
        f"run {RUN_ID} is Failed and did not get so far as to hold records back: a.csv: the"
    )
    assert answer_json(run, capsys)["has_quarantine"] is False
    with pytest.raises(CallerError, match=r"did not get so far.*; nothing was written"):
        quarantine_command(QuarantineRequest(state=run.state.root, write_folder=tmp_path / "out"))


def test_records_found_late_are_shown_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = HeldBackRun(tmp_path).hold_back([held(b"1,x,", form=CSV)])
    run.hold_back(
        [held(b"", "duplicate_id", form=None, field="id", message="id: '7' came twice")],
        folder="late_quarantine",
    )

    text, document = answer(run, capsys), answer_json(run, capsys)

    assert "2 held back, 1 of them found after preparation" in text
    assert "id: '7' came twice" in text
    assert (document["total"], document["late"]) == (2, 1)


def test_a_file_that_is_no_quarantine_is_named(tmp_path: Path) -> None:
    run = HeldBackRun(tmp_path).hold_back([])
    (run.folder / "quarantine" / "algo-2.parquet").write_bytes(b"PAR1 no")

    with pytest.raises(PlatformError, match=r"algo-2\.parquet: cannot be read as a quarantine file: "):
        quarantine_command(QuarantineRequest(state=run.state.root))


def test_csv_records_come_out_as_they_stood_under_their_header(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Quoted line breaks, quotes and other line ends stay; the list of reasons counts physical lines."""
    form = SourceForm(format="csv", header=b'"id",age,"a\nnote"')
    run = HeldBackRun(tmp_path).hold_back(
        [
            held(b'1,x,"two\r\nlines\n"', form=form, line_number=3),
            held(b'"2""",y,', form=form, line_number=6, message="=cmd|x"),
            held(b"3,z,\xff", form=form, line_number=7, field=None),
        ]
    )

    files = written(run, tmp_path / "out", capsys)

    assert files["1.csv"] == b'"id",age,"a\nnote"\n1,x,"two\r\nlines\n"\n"2""",y,\n3,z,\xff\n'
    assert reasons(files["1.reasons.csv"]) == [
        ["3", "a.csv", "3", "wrong_type", "age", "age: 'x' is not a number"],
        ["6", "a.csv", "6", "wrong_type", "age", "'=cmd|x"],
        ["7", "a.csv", "7", "wrong_type", "", "age: 'x' is not a number"],
    ]
    assert set(files) == {"1.csv", "1.reasons.csv"}


def test_sources_of_one_form_share_a_file_and_others_have_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    semicolons = SourceForm(format="csv", header=b"id;\xe9", encoding="cp1252")
    run = HeldBackRun(tmp_path).hold_back(
        [
            held(b"1,x,", form=CSV),
            held(b"2;\xe9", form=semicolons, source_key="b.csv"),
            held(b"3,x,", form=CSV, source_key="c.csv"),
            held(b"4", form=SourceForm(format="csv"), source_key="headerless.csv"),
        ]
    )

    files = written(run, tmp_path / "out", capsys)

    assert files["1.csv"] == b"id,age,note\n1,x,\n3,x,\n"
    assert files["2.csv"] == b"id;\xe9\n2;\xe9\n"
    assert files["3.csv"] == b"4\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_comes_out_as_utf_16(
    encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = "utf-16-le" if encoding == "utf-16" else encoding
    form = SourceForm(format="csv", header="id,n".encode(order), encoding=encoding)
    raws = ['1,"\u010a\n\u0a00"', "2,\u20ac"]
    run = HeldBackRun(tmp_path).hold_back([held(raw.encode(order), form=form) for raw in raws])

    files = written(run, tmp_path / "out", capsys)

    assert files["1.csv"].decode("utf-16") == "id,n\n" + "".join(raw + "\n" for raw in raws)
    assert [line[0] for line in reasons(files["1.reasons.csv"])] == ["2", "4"]


def test_records_that_could_not_be_parsed_have_a_file_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unclosed quote would take the records below it for its own."""
    run = HeldBackRun(tmp_path).hold_back(
        [
            held(b'1,2,"open', "malformed_record", form=CSV, field=None, message="a quote is opened"),
            held(b"2,x,", form=CSV, line_number=3),
        ]
    )

    files = written(run, tmp_path / "out", capsys)

    assert files["1-unparsed.csv"] == b'id,age,note\n1,2,"open\n'
    assert files["2.csv"] == b"id,age,note\n2,x,\n"
    assert set(files) == {"1-unparsed.csv", "1-unparsed.reasons.csv", "2.csv", "2.reasons.csv"}


@pytest.mark.parametrize("source_format", ["jsonlines", "json", "parquet"])
def test_json_records_come_out_as_json_lines(
    source_format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An element of an array may have been written on several lines; a broken one harms no other."""
    form = SourceForm(format=source_format)
    run = HeldBackRun(tmp_path).hold_back(
        [
            held(b'{"id": "1",\r\n  "age": "x\\n"}', form=form),
            held(b'{"id": ', "malformed_record", form=form),
            held(b'{"id": "3"}', form=form),
        ]
    )

    files = written(run, tmp_path / "out", capsys)

    lines = files["1.jsonl"].split(b"\n")
    assert json.loads(lines[0]) == {"id": "1", "age": "x\n"}
    assert lines[1:] == [b'{"id": ', b'{"id": "3"}', b""]
    assert [line[0] for line in reasons(files["1.reasons.csv"])] == ["1", "2", "3"]


def test_recordio_records_come_out_frame_after_frame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    form = SourceForm(format="recordio")
    run = HeldBackRun(tmp_path).hold_back([held(b"\x01\n\0", form=form), held(b"\x02\r\n", form=form)])

    files = written(run, tmp_path / "out", capsys)

    assert files["1.recordio"] == b"\x01\n\0\0\x02\r\n\0"  # each filled up to the next frame's place
    assert [line[0] for line in reasons(files["1.reasons.csv"])] == ["1", "2"]


def test_what_cannot_be_written_is_counted_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = HeldBackRun(tmp_path).hold_back(
        [
            held(
                b"1" * MAX_RAW_BYTES,
                "record_too_large",
                form=CSV,
                raw_byte_count=MAX_RAW_BYTES + 1,
                line_number=4,
            ),
            held(b"", form=CSV, line_number=5),
            held(b"3,x,", form=None, source_key="unknown.csv", line_number=6),
            held(b"4,x,", form=CSV, line_number=7),
            held(b"GIF89a", form=SourceForm(format="images"), source_key="scans.tar", line_number=8),
        ]
    )
    folder = tmp_path / "out"

    text = answer(run, capsys, write_folder=folder)

    listed = reasons((folder / f"quarantine-{RUN_ID}-unwritten.reasons.csv").read_bytes())
    assert [(line[0], line[1], line[-1]) for line in listed] == [
        ("a.csv", "4", "longer than the 65,536 bytes that are kept of a record"),
        ("a.csv", "5", "none of its bytes are kept"),
        ("unknown.csv", "6", "it is not known how its source is written"),
        ("scans.tar", "8", "it is a file of its own, or a member of an archive: mend it where it lies"),
    ]
    assert "not written: 1 record: longer than the 65,536 bytes" in text
    assert (folder / f"quarantine-{RUN_ID}-1.csv").read_bytes() == b"id,age,note\n4,x,\n"


def test_a_selection_is_written_alone(
    several: HeldBackRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = written(several, tmp_path / "out", capsys, source_key="b.csv")

    assert files["1.csv"] == b"id,age,note\n4,z,\n"


def test_the_json_names_what_was_written(
    several: HeldBackRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = answer_json(several, capsys, write_folder=tmp_path / "out")["written"]

    assert [(Path(file["path"]).name, file["records"]) for file in document["files"]] == [
        (f"quarantine-{RUN_ID}-1.csv", 5)
    ]
    assert Path(document["files"][0]["reasons"]).exists()
    assert document["unwritten"] == {}


def test_no_file_is_ever_overwritten(
    several: HeldBackRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = written(several, tmp_path / "out", capsys)

    with pytest.raises(CallerError, match=rf"quarantine-{RUN_ID}-1\.csv is there already"):
        quarantine_command(QuarantineRequest(state=several.state.root, write_folder=tmp_path / "out"))

    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        f"quarantine-{RUN_ID}-{name}": content for name, content in before.items()
    }


def test_a_file_in_place_of_the_folder_is_refused(several: HeldBackRun, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")

    with pytest.raises(CallerError, match="is no folder"):
        quarantine_command(QuarantineRequest(state=several.state.root, write_folder=tmp_path / "out"))


def test_a_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    _, _, record = held(b"1,x,", form=CSV)
    row = {"source_key": "a.csv", "reason_code": record.reason.value, "line_number": 2, "field": "age"}
    row |= {"message": record.message, "raw": record.place.raw, "raw_byte_count": 4}

    def groups() -> Iterator[list[dict[str, Any]]]:
        yield [row]
        (unfinished,) = (tmp_path / "out").iterdir()
        assert len(list(unfinished.iterdir())) == 2
        raise PlatformError("the disk is gone")

    with pytest.raises(PlatformError, match="the disk is gone"):
        write_back(groups(), {"a.csv": CSV}, tmp_path / "out", RUN_ID)

    assert list((tmp_path / "out").iterdir()) == []


def test_many_groups_of_records_come_out_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preprocessing.quarantine_file.GROUP_RECORDS", 7)
    lines = [b"%d,x," % number for number in range(50)]
    run = HeldBackRun(tmp_path).hold_back(
        [held(line, form=CSV, line_number=n) for n, line in enumerate(lines)]
    )

    files = written(run, tmp_path / "out", capsys)

    assert files["1.csv"].splitlines() == [CSV.header, *lines]
    assert [line[0] for line in reasons(files["1.reasons.csv"])] == [str(number) for number in range(2, 52)]
    assert answer_json(run, capsys)["total"] == 50


def test_a_parquet_row_whose_bytes_are_no_text_is_listed_and_not_written_as_another_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escaped in JSON it would be a valid id, though nobody's."""
    row = held(b'{"id": "k\\\\xff"}', "invalid_encoding", form=SourceForm(format="parquet"))
    run = HeldBackRun(tmp_path).hold_back([row])

    files = written(run, tmp_path / "out", capsys)

    assert [name for name in files if name.endswith(".jsonl")] == []
    assert b"its bytes are no text" in files["unwritten.reasons.csv"]

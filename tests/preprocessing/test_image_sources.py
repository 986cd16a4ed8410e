"""Every image file of a folder or an archive is one record: in a shard with its bytes, or in quarantine."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from pathlib import Path

import pytest
from made_images import CONTRACT, encoded, gradient, png_of_size, special, tar_of, zip_of
from preparation import Preparation, run_prepare

from contracts.contract_file import parse_contract
from contracts.errors import PlatformError
from preprocessing.readers import read_blocks
from preprocessing.source_objects import find_source_files

pytestmark = pytest.mark.functional

PNG = encoded(gradient())
JPEG = encoded(gradient(), "JPEG")
IMAGE_FIELD = "{name: image, type: string, format: binary, constraints: {required: true}}"
MODEL_INPUT = "modelInput: image, image: {maxPixels: 10000}"


def prepared(root: Path, sources: dict[str, bytes], **changes: str) -> Preparation:
    done = run_prepare(root, sources, CONTRACT, **{"wire_format": "arrow", **changes})
    assert done.exit_code == 0, done.message
    return done


def images(done: Preparation) -> dict[str, bytes]:
    return {row["id"]: row["image"] for row in done.shard_rows()}


def reasons(done: Preparation) -> dict[str, str]:
    return {row["message"].partition(": ")[0]: row["reason_code"] for row in done.quarantine()}


@pytest.mark.parametrize("wire", ["arrow", "parquet"])
def test_files_and_members_come_out_under_their_paths_with_their_bytes(tmp_path: Path, wire: str) -> None:
    """Folders, tar, compressed tar and zip beside each other; members under the path of their archive."""
    members = {"x/1.png": PNG, "2.jpg": JPEG}
    sources = {
        "b/c/1.png": PNG,
        "b/2.JPEG": JPEG,
        "b.tar": tar_of(members),
        "b.tar.gz": tar_of(members, "w:gz"),
        "c.tgz": gzip.compress(tar_of(members)),
        "d.zip": zip_of(members),
    }

    done = prepared(tmp_path, sources, wire_format=wire)

    archives = ("b.tar", "b.tar.gz", "c.tgz", "d.zip")
    assert images(done) == {
        "b/c/1.png": PNG,
        "b/2.JPEG": JPEG,
        **{f"{archive}/{name}": content for archive in archives for name, content in members.items()},
    }
    assert [(one.source_key, one.record_count) for one in done.manifest.sources] == [
        ("b.tar", 2),
        ("b.tar.gz", 2),
        ("b/", 2),
        ("c.tgz", 2),
        ("d.zip", 2),
    ]


def test_what_is_no_sound_image_is_held_back_with_its_reason(tmp_path: Path) -> None:
    """The message begins with the file; its line is its number, its bytes are kept."""
    sources = {
        "in/bomb.png": png_of_size(65_000, 65_000),
        "in/checksum.png": PNG[:-13] + bytes([PNG[-13] ^ 1]) + PNG[-12:],  # of the pixels, which are sound
        "in/corrupt.png": PNG[:50] + b"\x00" * 10 + PNG[60:],
        "in/cut.jpg": JPEG[: len(JPEG) // 2],
        "in/empty.png": b"",
        "in/good.png": PNG,
        "in/mislabelled.jpg": PNG,
        "in/nested.png": zip_of({"a.png": PNG}),
        "in/text.png": b"no image",
    }

    done = prepared(tmp_path, sources)

    assert reasons(done) == {
        "in/bomb.png": "too_many_pixels",
        "in/checksum.png": "corrupt_image",
        "in/corrupt.png": "corrupt_image",
        "in/cut.jpg": "truncated_image",
        "in/empty.png": "not_an_image",
        "in/mislabelled.jpg": "mislabelled_image",
        "in/nested.png": "not_an_image",
        "in/text.png": "not_an_image",
    }
    assert [row["line_number"] for row in done.quarantine()] == [1, 2, 3, 4, 5, 7, 8, 9]
    assert {row["source_key"] for row in done.quarantine()} == {"in/"}
    assert done.quarantine()[3]["raw"] == sources["in/cut.jpg"]
    assert "65000 x 65000 = 4225000000 pixels" in done.quarantine()[0]["message"]
    assert (done.plan.valid_count, done.plan.quarantined_count) == (1, 8)


def test_hidden_files_are_left_out_and_others_are_held_back_where_images_are_declared(tmp_path: Path) -> None:
    """`InputFormat=images` makes every other file a record; `auto` would read it as a table."""
    members = {"._1.png": b"resource", "__MACOSX/1.png": b"resource", ".DS_Store": b"x", "1.png": PNG}
    sources = {"Thumbs.db": b"x", "a.txt": b"x", ".DS_Store": b"x", "1": PNG, "2.zip": zip_of(members)}

    done = prepared(tmp_path, sources, input_format="images")

    assert images(done) == {"1": PNG, "2.zip/1.png": PNG}
    assert reasons(done) == {"Thumbs.db": "not_an_image", "a.txt": "not_an_image"}
    assert [one.source_key for one in done.manifest.sources] == ["./", "2.zip"]


def test_a_stray_table_beside_images_says_how_it_is_held_back(tmp_path: Path) -> None:
    """`auto` takes it for a table whose header lacks the fields."""
    done = run_prepare(
        tmp_path, {"1.png": PNG, "notes.txt": b"cleaned on Tuesday\n"}, CONTRACT, wire_format="arrow"
    )

    assert done.exit_code != 0
    assert "notes.txt: the header lacks the field" in done.message
    assert "the contract is for images, and this is read as a table: give InputFormat=images" in done.message


def test_members_that_are_not_plain_files_are_held_back_and_never_followed(tmp_path: Path) -> None:
    """Links, devices, names that climb, archives in archives; what lies around them is read."""
    members: dict[str, bytes | tarfile.TarInfo] = {
        "link.png": special("link.png", tarfile.SYMTYPE, "/etc/passwd"),
        "hard.png": special("hard.png", tarfile.LNKTYPE, "1.png"),
        "pipe.png": special("pipe.png", tarfile.FIFOTYPE),
        "folder": special("folder", tarfile.DIRTYPE),
        "../up.png": PNG,
        "/root.png": PNG,
        "inner.zip": zip_of({"1.png": PNG}),
        "./1.png": PNG,
    }

    done = prepared(tmp_path, {"a.tar": tar_of(members)})

    assert images(done) == {"a.tar/1.png": PNG}
    assert set(reasons(done).values()) == {"refused_member"}
    assert len(done.quarantine()) == 6
    assert done.quarantine()[0]["message"].endswith("is a link to '/etc/passwd'; links are not followed")


def test_a_locked_a_damaged_and_an_unknown_zip_member_cost_themselves_only(tmp_path: Path) -> None:
    """Bytes that do not come to the checksum are no record."""
    content = bytearray(zip_of({"a.png": PNG, "b.png": PNG, "c.png": PNG}, zipfile.ZIP_STORED))
    first = content.index(PNG)
    content[content.index(PNG, first + 1) + 40] ^= 1  # b.png
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1  # a.png is locked
    content[first - len("a.png") - 30 + 6] |= 1

    done = prepared(tmp_path, {"a.zip": bytes(content)})

    assert images(done) == {"a.zip/c.png": PNG}
    assert reasons(done) == {"a.zip/a.png": "refused_member", "a.zip/b.png": "refused_member"}
    assert "is locked with a password" in done.quarantine()[0]["message"]
    assert "Bad CRC-32" in done.quarantine()[1]["message"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_member_may_be_stored_or_deflated(tmp_path: Path, method: int) -> None:
    """Others are not unpacked at all."""
    done = prepared(tmp_path, {"a.zip": zip_of({"1.png": PNG}, method), "b.png": PNG})

    assert images(done) == {"b.png": PNG}
    (held,) = done.quarantine()
    assert f"is compressed by method {method}" in held["message"]
    assert (held["raw"], held["raw_byte_count"]) == (b"", len(PNG))


def test_a_member_that_stands_twice_is_a_duplicate(tmp_path: Path) -> None:
    """As any other id that two records have."""
    archive = zip_of({"1.png": PNG, "2.png": encoded(gradient(8, 8))}).replace(b"2.png", b"1.png")

    done = prepared(tmp_path, {"a.zip": archive})

    assert images(done) == {"a.zip/1.png": PNG}
    assert [(row["reason_code"], row["line_number"]) for row in done.quarantine()] == [("duplicate_id", 2)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.tar", tar_of({"1.png": PNG, "2.png": PNG})[:1500], "cut off"),
        ("a.tar", tar_of({"1.png": PNG})[:1024], "mark of its end"),
        ("a.tar.gz", tar_of({"1.png": PNG}, "w:gz")[:-20], "end-of-stream"),
        ("a.tar", tar_of({"1.png": PNG}) + tar_of({"2.png": PNG}), "behind the mark of its end"),
        ("a.tar", b"x" * 2000, "cannot be read as an archive"),
        ("a.zip", zip_of({"1.png": PNG})[:-30], "cannot be read as an archive"),
        ("a.zip", b"", "cannot be read as an archive"),
        ("a.tar", tar_of({"1" * 2_000_000: PNG}), "bytes of headers in a row"),
        ("a.tgz", tar_of({"1.png": bytes(100_000_000)}, "w:gz"), "unpack to more than"),
        ("a.zip", zip_of({"1.png": bytes(100_000_000)}), "unpack to more than"),
    ],
)
def test_an_archive_from_which_nobody_can_go_on_ends_the_run(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    """Nobody knows what is missing in it, or it is a bomb."""
    done = run_prepare(tmp_path, {name: content}, CONTRACT, wire_format="arrow")

    assert done.exit_code != 0
    assert done.message.startswith(f"{name}: ")
    assert said in done.message


def test_a_damaged_header_amid_a_tar_is_not_taken_for_its_end(tmp_path: Path) -> None:
    """Python's reader stops at it without a word, and the members behind it would be lost."""
    content = bytearray(tar_of({"1.png": PNG, "2.png": PNG, "3.png": PNG}))
    content[content.index(b"2.png")] ^= 1

    done = run_prepare(tmp_path, {"a.tar": bytes(content)}, CONTRACT, wire_format="arrow")

    assert "mark of its end" in done.message


def test_an_image_larger_than_a_payload_is_held_back_with_both_numbers(tmp_path: Path) -> None:
    """No more of it is kept than of any long record."""
    large = encoded(gradient(), "BMP") + bytes(2_000_000)

    done = prepared(tmp_path, {"large.bmp": large, "a.tar": tar_of({"large.bmp": large, "1.png": PNG})})

    assert list(images(done)) == ["a.tar/1.png"]
    assert reasons(done) == {"large.bmp": "record_too_large", "a.tar/large.bmp": "record_too_large"}
    held = done.quarantine()[0]
    assert (len(held["raw"]), held["raw_byte_count"]) == (65_536, len(large))
    assert str(len(large) + len("large.bmp")) in held["message"]


def test_images_of_very_different_sizes_are_packed_by_bytes(tmp_path: Path) -> None:
    """Small ones first would let hundreds of large ones be expected in a shard."""
    small, large = encoded(gradient()), encoded(gradient(), "BMP") + bytes(200_000)
    sources = {f"a/{number:04}.png": small for number in range(500)}
    sources |= {f"b/{number:04}.bmp": large for number in range(40)}

    done = prepared(tmp_path, sources)

    assert len(images(done)) == 540
    sizes = [shard.byte_count for shard in done.manifest.shards]
    assert max(sizes) <= 1024 * 1024
    assert len(sizes) <= 20


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            IMAGE_FIELD,
            "{name: image, type: string}",
            "no field {type: string, format: binary} for their bytes",
        ),
        ("{name: id, type: string", "{name: id, type: integer", "must be a string; it is integer"),
        (
            "primaryKey",
            "  - {name: price, type: number, constraints: {required: true}}\nprimaryKey",
            "no 'price'",
        ),
    ],
)
def test_a_contract_that_images_cannot_fill_is_refused_before_anything_is_read(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    """It says what image files have."""
    contract = CONTRACT.replace(before, after).replace(MODEL_INPUT, "modelInput: text")
    if "binary" in contract:
        contract = CONTRACT.replace(before, after)
    done = run_prepare(tmp_path, {"1.png": PNG, "a.zip": b""}, contract, wire_format="arrow")

    assert done.exit_code != 0
    assert said in done.message


def test_files_are_found_in_the_order_of_their_keys_and_loose_images_together(tmp_path: Path) -> None:
    """The order is S3's, in which `a.png` comes before what is in the folder `a`."""
    for key in ("a/b/2.png", "a/b/1.png", "a.csv", "a-1.csv", "a/c/3.png", "a/b.csv"):
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12")

    found = [(file.source_key, file.image_count, file.byte_count) for file in find_source_files(tmp_path)]

    assert found == [("a-1.csv", 0, 2), ("a.csv", 0, 2), ("a/", 3, 6), ("a/b.csv", 0, 2)]


def test_loose_images_that_are_not_those_that_were_found_end_the_run(tmp_path: Path) -> None:
    """One more, one less, one that is longer: nobody knows what was read."""
    contract = parse_contract(CONTRACT.encode(), name="contract")

    def added(folder: Path) -> None:
        (folder / "3.png").write_bytes(PNG)

    def removed(folder: Path) -> None:
        (folder / "2.png").unlink()

    def changed(folder: Path) -> None:
        (folder / "2.png").write_bytes(PNG + b"more")

    for change in (added, removed, changed):
        folder = tmp_path / change.__name__
        folder.mkdir()
        for name in ("1.png", "2.png"):
            (folder / name).write_bytes(PNG)
        (found,) = find_source_files(folder)
        assert sum(block.record_count for block in read_blocks(found, "auto", contract, 10_000)) == 2
        change(folder)
        with pytest.raises(PlatformError, match="was changed while it was read"):
            list(read_blocks(found, "auto", contract, 10_000))

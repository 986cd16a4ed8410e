"""Choose the reader for a source object.

A reader is a function from an open source object to blocks of records (`records.RecordBlock`). A new format
is one more module beside `csv_blocks` and one more entry in `_READERS` and `_SUFFIX_FORMATS`. Readers are
imported when a source object is there that they read: nobody waits for the others.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from contracts.dataset import BINARY_TYPE, DatasetContract
from contracts.errors import CallerError, near_matches
from contracts.image_names import is_archive
from contracts.recordio import MAGIC_BYTES
from preprocessing.records import RecordBlock
from preprocessing.source_objects import (
    AUTO_FORMAT,
    GZIP_SUFFIX,
    IMAGES_FORMAT,
    SourceFile,
    first_bytes,
    is_compressed,
    open_source,
)

_SUFFIX_FORMATS = {
    ".csv": "csv",
    ".jsonl": "jsonlines",
    ".ndjson": "jsonlines",
    ".json": "json",
    ".parquet": "parquet",
    ".recordio": "recordio",
    ".rec": "recordio",
    ".pbr": "recordio",
    ".avro": "avro",
    ".orc": "orc",
    ".xlsx": "xlsx",
    ".zst": "zstandard",
    ".bz2": "bzip2",
}
_PARQUET_MARK = b"PAR1"
_JSON_OBJECT = re.compile(rb'\{\s*["}]')
_JSON_ARRAY = re.compile(rb"\[\s*[{\]]")
_BEGINNING_BYTES = 4096
_READER_NAMES = ("csv", "jsonlines", "json", "parquet", "recordio", IMAGES_FORMAT)


def check_input_format(name: str) -> None:
    """Raise a CallerError that lists the valid formats if there is none of that name."""
    valid = (AUTO_FORMAT, *_READER_NAMES)
    if name not in valid:
        raise CallerError(f"InputFormat is {name!r}; {near_matches(name, valid)}")


def choose_format(file: SourceFile, input_format: str) -> str:
    """Return the format in which a source object is read; `auto` goes by the name's ending.

    Where the name says nothing, the first bytes do: Parquet and RecordIO begin with marks of their own, JSON
    with a brace or a bracket. Everything else is CSV.

    Raises:
        CallerError: The name says that it has a format which cannot be read; or it may not be read.
    """
    if input_format != AUTO_FORMAT:
        return input_format
    if file.image_count or is_archive(file.source_key):
        return IMAGES_FORMAT
    suffix = PurePosixPath(file.source_key.lower().removesuffix(GZIP_SUFFIX)).suffix
    name = _SUFFIX_FORMATS.get(suffix) or _format_of(_beginning(file))
    if name == "jsonlines" and _format_of(_beginning(file)) == "json":
        return "json"  # some tools name an array so, and no line of it could be read
    if name not in _READER_NAMES:
        raise CallerError(
            f"{file.source_key}: looks like {name}, which cannot be read; valid: {', '.join(_READER_NAMES)}; "
            "if the name misleads, set InputFormat"
        )
    return name


def _beginning(file: SourceFile) -> bytes:
    """Return the first bytes of a source object, decompressed; nothing where that is damaged."""
    if not is_compressed(file):
        return first_bytes(file, _BEGINNING_BYTES)
    decompress = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        return decompress.decompress(first_bytes(file, _BEGINNING_BYTES), _BEGINNING_BYTES)
    except zlib.error:
        return b""  # the reader says what is damaged


def _format_of(beginning: bytes) -> str:
    if beginning.startswith(_PARQUET_MARK):
        return "parquet"
    if beginning.startswith(MAGIC_BYTES):
        return "recordio"
    text = beginning.removeprefix(codecs.BOM_UTF8).lstrip()
    if _JSON_OBJECT.match(text):
        return "jsonlines"
    return "json" if _JSON_ARRAY.match(text) else "csv"


def check_format(file: SourceFile, input_format: str, contract: DatasetContract) -> None:
    """Refuse, before anything is read, what no reader reads or what cannot have the contract's fields.

    Raises:
        CallerError: It is such a source object.
    """
    name = choose_format(file, input_format)
    try:
        if name == IMAGES_FORMAT:
            from preprocessing.image_blocks import image_fields  # noqa: PLC0415 - see the module docstring

            image_fields(contract)
    except CallerError as fault:
        raise CallerError(f"{file.source_key}: {fault}") from fault
    binary = [field.name for field in contract.fields if field.type == BINARY_TYPE]
    if name == "recordio" and binary:
        raise CallerError(
            f"{file.source_key}: is RecordIO, which is not read for binary fields ({', '.join(binary)}); "
            "deliver Parquet, JSON Lines, CSV or image files"
        )


def read_blocks(
    file: SourceFile, input_format: str, contract: DatasetContract, max_record_bytes: int
) -> Iterator[RecordBlock]:
    """Yield the blocks of one source object.

    Raises:
        CallerError: It cannot be read, or does not have what the contract says.
    """
    if file.image_count:
        from preprocessing.image_folder import read_image_folder  # noqa: PLC0415 - see the module docstring

        return read_image_folder(file, input_format, contract, max_record_bytes)
    reader = _READERS[choose_format(file, input_format)]
    return reader(file, contract, max_record_bytes)


def _read_csv(file: SourceFile, contract: DatasetContract, max_record_bytes: int) -> Iterator[RecordBlock]:
    from preprocessing.csv_blocks import read_csv_blocks  # noqa: PLC0415 - see the module docstring

    with open_source(file) as source:
        yield from read_csv_blocks(source, contract, max_record_bytes=max_record_bytes)


def _read_recordio(
    file: SourceFile, contract: DatasetContract, max_record_bytes: int
) -> Iterator[RecordBlock]:
    from preprocessing.recordio_blocks import read_recordio_blocks  # noqa: PLC0415 - see the module docstring

    with open_source(file) as source:
        yield from read_recordio_blocks(source, contract, max_record_bytes=max_record_bytes)


def _read_json_lines(
    file: SourceFile, contract: DatasetContract, max_record_bytes: int
) -> Iterator[RecordBlock]:
    from preprocessing.json_lines_blocks import read_json_lines_blocks  # noqa: PLC0415 - see the module docstring

    with open_source(file) as source:
        yield from read_json_lines_blocks(source, contract, max_record_bytes=max_record_bytes)


def _read_json(file: SourceFile, contract: DatasetContract, max_record_bytes: int) -> Iterator[RecordBlock]:
    from preprocessing.json_array_blocks import read_json_blocks  # noqa: PLC0415 - see the module docstring

    with open_source(file) as source:
        yield from read_json_blocks(source, contract, max_record_bytes=max_record_bytes)


def _read_parquet(
    file: SourceFile, contract: DatasetContract, max_record_bytes: int
) -> Iterator[RecordBlock]:
    from preprocessing.parquet_blocks import read_parquet_blocks  # noqa: PLC0415 - see the module docstring

    yield from read_parquet_blocks(file, contract, max_record_bytes=max_record_bytes)


def _read_images(file: SourceFile, contract: DatasetContract, max_record_bytes: int) -> Iterator[RecordBlock]:
    from preprocessing.image_archives import read_image_archive  # noqa: PLC0415 - see the module docstring

    yield from read_image_archive(file, contract, max_record_bytes)


_READERS: dict[str, Callable[[SourceFile, DatasetContract, int], Iterator[RecordBlock]]] = {
    "csv": _read_csv,
    "recordio": _read_recordio,
    "jsonlines": _read_json_lines,
    "json": _read_json,
    "parquet": _read_parquet,
    IMAGES_FORMAT: _read_images,
}

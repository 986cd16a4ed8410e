"""Cut image files, from a folder or an archive, into blocks: every file is one record.

Its primary key is the file's path below the input, of a member of an archive the archive's path and the
member's; its binary field is the bytes. What the first bytes and the name tell is looked at here. Whether a
model can use the image is for `validation` to say, as it is for bytes out of any other source.

Memory is bounded by BLOCK_BYTES and the largest record allowed: of a larger one no more is read than the
quarantine keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.dataset import BINARY_TYPE, DatasetContract
from contracts.errors import CallerError
from contracts.image_names import format_of_name, starting_format, told_start
from contracts.quarantine import MAX_RAW_BYTES, ReasonCode, SourceForm
from preprocessing.missing_fields import needed_fields
from preprocessing.records import BLOCK_BYTES, ParsedBlock, RecordPlace, StructureFault, too_large

MAX_BLOCK_IMAGES = 4096
FORM = SourceForm(format="images")


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """One file, not read yet.

    Attributes:
        name: Its path below the input.
        byte_count: Its size.
        byte_offset: Of its first byte in the uncompressed archive, or None where unknown.
        read: Returns its first bytes, so many at most.
        fault: What is wrong with it already; then its bytes are kept only for the quarantine.
    """

    name: str
    byte_count: int
    byte_offset: int | None
    read: Callable[[int], bytes]
    fault: StructureFault | None = None


class ImageReadError(Exception):
    """A file cannot be read, though the ones after it can; the text says why."""


@dataclass(frozen=True, kw_only=True)
class _ImageRecord:
    name: str
    content: bytes
    byte_count: int
    byte_offset: int | None
    fault: StructureFault | None


@dataclass(frozen=True, kw_only=True)
class ImageBlock:
    """Some consecutive image files.

    Attributes:
        records: The files, with their bytes.
        first_number: 1-based number of the first in its source object.
        names: Of the contract's fields for path and bytes.
        source_bytes_done: As in RecordBlock.
    """

    records: tuple[_ImageRecord, ...]
    first_number: int
    names: tuple[str, str]
    source_bytes_done: int

    @property
    def source_form(self) -> SourceForm:
        """As in RecordBlock."""
        return FORM

    @property
    def record_count(self) -> int:
        """As in RecordBlock."""
        return len(self.records)

    def parse(self) -> ParsedBlock:
        """Look at names and first bytes, and make columns of paths and bytes."""
        found = {index: record.fault or _fault_of(record) for index, record in enumerate(self.records)}
        faults = {index: fault for index, fault in found.items() if fault is not None}
        rows = np.delete(np.arange(len(self.records)), list(faults))
        sound = [self.records[index] for index in rows.tolist()]
        key_name, image_name = self.names
        columns = {
            key_name: pa.array([record.name for record in sound], pa.string()),
            image_name: pa.array([record.content for record in sound], pa.binary()),
        }
        return ParsedBlock(block=self, rows=rows, columns=columns, faults=faults)

    def place(self, index: int) -> RecordPlace:
        """Return where that file stands; its line is its number."""
        record = self.records[index]
        return RecordPlace(
            line_number=self.first_number + index,
            byte_offset=record.byte_offset,
            raw=record.content[:MAX_RAW_BYTES],
            raw_byte_count=record.byte_count,
            name=record.name,
        )

    def line_numbers(self, indices: np.ndarray) -> np.ndarray:
        """As in RecordBlock."""
        numbers: np.ndarray = self.first_number + indices
        return numbers


def image_blocks(
    files: Iterable[ImageFile],
    contract: DatasetContract,
    max_record_bytes: int,
    bytes_done: Callable[[], int],
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[ImageBlock]:
    """Yield the files of one source object in blocks, in their order.

    Args:
        files: Each is read before the next one is asked for.
        contract: Has been checked by `image_fields`.
        max_record_bytes: Of path and bytes together.
        bytes_done: Returns how many bytes of the source object, as delivered, have been read.
        block_bytes: From so many on a block is whole.
    """
    names = image_fields(contract)
    records: list[_ImageRecord] = []
    first_number, byte_count = 1, 0
    for file in files:
        records.append(_read(file, max_record_bytes))
        byte_count += len(records[-1].content)
        if byte_count >= block_bytes or len(records) >= MAX_BLOCK_IMAGES:
            yield ImageBlock(
                records=tuple(records),
                first_number=first_number,
                names=names,
                source_bytes_done=bytes_done(),
            )
            first_number, byte_count, records = first_number + len(records), 0, []
    if records:
        yield ImageBlock(
            records=tuple(records), first_number=first_number, names=names, source_bytes_done=bytes_done()
        )


def image_fields(contract: DatasetContract) -> tuple[str, str]:
    """Return the names of the fields that get an image's path and its bytes.

    Raises:
        CallerError: The contract has no such fields, or needs others that an image file does not have.
    """
    binary = [field.name for field in contract.fields if field.type == BINARY_TYPE]
    if not binary:
        raise CallerError(
            "looks like images or an archive of them, but the contract has no field {type: string, format: "
            "binary} for their bytes; deliver tables as they are or gzip-compressed, or set InputFormat"
        )
    key = contract.field(contract.id_field)
    faults = []
    if len(binary) > 1:
        faults.append(f"one binary field gets the bytes, and there are {', '.join(binary)}")
    if key.type != "string":
        faults.append(f"the primary key {key.name!r} gets the path and must be a string; it is {key.type}")
    others = [field.name for field in needed_fields(contract) if field.name not in (key.name, *binary)]
    if others:
        faults.append(f"an image file has no {', '.join(map(repr, others))}, which the contract needs")
    if faults:
        raise CallerError(
            "image files, and archives of them, do not fit the contract: " + "; ".join(faults) + "; write "
            "a contract for a path and an image, or set InputFormat if these are tables"
        )
    return key.name, binary[0]


def _read(file: ImageFile, max_record_bytes: int) -> _ImageRecord:
    name, fault = file.name, file.fault
    try:
        key_bytes = len(name.encode())
    except UnicodeEncodeError:
        name, key_bytes = name.encode(errors="backslashreplace").decode(), 0
        fault = fault or StructureFault(reason=ReasonCode.INVALID_ENCODING, message="its name is not UTF-8")
    if fault is None and key_bytes + file.byte_count > max_record_bytes:
        fault = too_large(key_bytes + file.byte_count, max_record_bytes)
    content = b""
    try:
        content = file.read(file.byte_count if fault is None else MAX_RAW_BYTES)
    except ImageReadError as error:
        fault = fault or StructureFault(reason=ReasonCode.REFUSED_MEMBER, message=str(error))
    return _ImageRecord(
        name=name, content=content, byte_count=file.byte_count, byte_offset=file.byte_offset, fault=fault
    )


def _fault_of(record: _ImageRecord) -> StructureFault | None:
    """Say what name and first bytes tell against an image."""
    found, said = starting_format(record.content), format_of_name(record.name)
    if found is None:
        return StructureFault(reason=ReasonCode.NOT_AN_IMAGE, message=told_start(record.content))
    if said not in (None, found):
        message = f"is named as a {said} image, but its bytes are {found}; rename or replace it"
        return StructureFault(reason=ReasonCode.MISLABELLED_IMAGE, message=message)
    return None

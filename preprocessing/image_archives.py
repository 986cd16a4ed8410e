"""Read an archive of image files, tar (also gzip-compressed) or zip, without unpacking it to disk.

Every member that is a file is one record, hidden ones left out as in folders. A link, a device, a locked
member or one whose name leads out of the archive is quarantined and never followed. What nobody can go on
from ends the run: an archive that is cut off or damaged, since nobody knows what is missing, and one that
unpacks to far more than it has.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from contracts.dataset import DatasetContract
from contracts.errors import CallerError, bounded
from contracts.image_names import is_archive
from contracts.quarantine import ReasonCode
from contracts.source_names import is_data
from preprocessing.image_blocks import ImageBlock, ImageFile, ImageReadError, image_blocks
from preprocessing.records import BLOCK_BYTES, OpenSource, StructureFault
from preprocessing.source_objects import SourceFile, open_source

MAX_READ_BYTES = 128 * 1024 * 1024
"""At once, for a directory of a zip or a header of a tar: as many as the largest payload, and some more."""

MAX_HEADER_BYTES = 1024 * 1024
"""Of a tar between two members."""

MAX_EXPANSION = 200
"""Bytes unpacked over bytes packed: images are compressed already, zeros shrink a thousandfold."""

FREE_UNPACKED_BYTES = 64 * 1024 * 1024
"""So much may come out of any archive, however small it is."""

_ZIP_SUFFIX = ".zip"
_BLOCK_BYTES = tarfile.BLOCKSIZE
_ENCRYPTED = 0x1
"""Flag of a zip member."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How zip members may be compressed: of LZMA the file says how much memory it takes."""


def read_image_archive(
    file: SourceFile, contract: DatasetContract, max_record_bytes: int
) -> Iterator[ImageBlock]:
    """Yield the blocks of one archive, members in its order.

    Raises:
        CallerError: It is damaged, cut off, or unpacks to too much.
        PlatformError: It was changed while it was read.
    """
    is_zip = file.source_key.lower().endswith(_ZIP_SUFFIX)
    with open_source(file) as source, _naming_damage(file.source_key):
        members = _zip_members(source, file) if is_zip else _tar_members(source, file)
        yield from image_blocks(members, contract, max_record_bytes, source.bytes_done)


@contextmanager
def _naming_damage(source_key: str) -> Iterator[None]:
    """Turn what reading a damaged archive raises into a CallerError."""
    try:
        yield
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        raise CallerError(
            f"{source_key}: cannot be read as an archive: {bounded(str(error), 200)}; it is damaged or cut "
            "off, and members may be missing: deliver it again"
        ) from error


class _Bounded:
    """The bytes of an archive, of which nobody reads very many at once, or between two members.

    Attributes:
        header_bytes: Of a tar, read since the last member, or None while a member is read.
    """

    def __init__(self, source: OpenSource) -> None:
        self._source = source
        self.header_bytes: int | None = None
        self.seek, self.tell, self.seekable = source.stream.seek, source.stream.tell, source.stream.seekable

    def read(self, byte_count: int = -1) -> bytes:
        wanted = MAX_READ_BYTES + 1 if byte_count < 0 else byte_count
        if byte_count > MAX_READ_BYTES:
            raise ValueError(f"a header of {byte_count} bytes")
        if self.header_bytes is not None:
            self.header_bytes += wanted
            if self.header_bytes > MAX_HEADER_BYTES:
                raise ValueError(f"{self.header_bytes} bytes of headers in a row")
        content = self._source.stream.read(wanted)
        if len(content) > MAX_READ_BYTES:
            raise ValueError(f"more than {MAX_READ_BYTES} bytes at its end")
        return content


def _tar_members(source: OpenSource, file: SourceFile) -> Iterator[ImageFile]:
    stream, limit = _Bounded(source), _Limit(file)
    stream.header_bytes = 0
    with tarfile.open(fileobj=cast("BinaryIO", stream), mode="r:") as archive:
        for member in archive:
            stream.header_bytes = None
            limit.add(member.size)
            if not member.isdir() and (name := _data_name(member.name)):
                yield ImageFile(
                    name=f"{file.source_key}/{name}",
                    byte_count=max(member.size, 0),
                    byte_offset=member.offset_data,
                    read=partial(_read_tar_member, archive, member),
                    fault=_name_fault(member.name) or _kind_fault(member),
                )
            archive.members = []  # type: ignore[attr-defined] # or it would keep all of them
            stream.header_bytes = 0
        stream.header_bytes = None
        stream.seek(archive.offset)
        _check_end(stream, limit)


def _check_end(stream: _Bounded, limit: _Limit) -> None:
    """Check that a tar ends where Python ceased to read it, which it also does at a damaged header.

    It is read to its end, where a compressed one has its checksum.
    """
    if stream.read(_BLOCK_BYTES) != bytes(_BLOCK_BYTES):
        raise tarfile.ReadError("it does not end with the mark of its end")
    while content := stream.read(BLOCK_BYTES):
        limit.add(len(content))
        if content.count(0) != len(content):
            raise tarfile.ReadError("something stands behind the mark of its end")


def _read_tar_member(archive: tarfile.TarFile, member: tarfile.TarInfo, byte_count: int) -> bytes:
    if not member.isreg() or member.issparse():
        return b""
    stream = archive.extractfile(member)
    return stream.read(byte_count) if stream is not None else b""


def _zip_members(source: OpenSource, file: SourceFile) -> Iterator[ImageFile]:
    limit = _Limit(file)
    with zipfile.ZipFile(cast("BinaryIO", _Bounded(source))) as archive:
        for member in archive.infolist():
            limit.add(member.file_size)
        for member in archive.infolist():
            if not member.is_dir() and (name := _data_name(member.filename)):
                yield ImageFile(
                    name=f"{file.source_key}/{name}",
                    byte_count=member.file_size,
                    byte_offset=None,
                    read=partial(_read_zip_member, archive, member),
                    fault=_name_fault(member.filename) or _packing_fault(member),
                )


def _read_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, byte_count: int) -> bytes:
    """Return the first bytes of a member, of which all are compared with its checksum; none of a refused one.

    Raises:
        ImageReadError: It is damaged.
    """
    if _packing_fault(member) is not None:
        return b""
    try:
        with archive.open(member) as stream:
            content = stream.read(byte_count)
            if len(content) < min(byte_count, member.file_size):
                raise ImageReadError(f"has {len(content)} bytes, and {member.file_size} are stated")
            return content
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise ImageReadError(f"cannot be read from the archive: {bounded(str(error), 200)}") from error


class _Limit:
    """Adds up what an archive unpacks to."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        self._unpacked_bytes = 0
        self._limit = FREE_UNPACKED_BYTES + MAX_EXPANSION * file.byte_count

    def add(self, byte_count: int) -> None:
        """Take the size of one member.

        Raises:
            CallerError: All of them together are too large.
        """
        self._unpacked_bytes += byte_count
        if byte_count < 0 or self._unpacked_bytes > self._limit:
            raise CallerError(
                f"{self._file.source_key}: the archive of {self._file.byte_count} bytes would unpack to more "
                f"than {self._limit} bytes, which no archive of images does; refused"
            )


def _data_name(name: str) -> str:
    """Return a member's name without needless parts; nothing if it is hidden, or none."""
    parts = [part for part in PurePosixPath(name).parts if part != "/"]
    plain = "/".join(parts)
    return plain if parts and is_data("/".join(part for part in parts if part != "..")) else ""


def _name_fault(name: str) -> StructureFault | None:
    if name.startswith("/") or ".." in PurePosixPath(name).parts:
        return _refused("its name leads out of the archive; it would be taken for a file elsewhere")
    if is_archive(name):
        return _refused("is an archive within an archive, which is not looked into; deliver it beside")
    return None


def _kind_fault(member: tarfile.TarInfo) -> StructureFault | None:
    if member.issym() or member.islnk():
        return _refused(f"is a link to {bounded(member.linkname, 200)!r}; links are not followed")
    if not member.isreg() or member.issparse():
        return _refused("is a device, a pipe or a file with holes; only plain files are read")
    return None


def _packing_fault(member: zipfile.ZipInfo) -> StructureFault | None:
    if member.flag_bits & _ENCRYPTED:
        return _refused("is locked with a password; deliver it without")
    if member.compress_type not in _METHODS:
        return _refused(f"is compressed by method {member.compress_type}; expected to be stored or deflated")
    return None


def _refused(message: str) -> StructureFault:
    return StructureFault(reason=ReasonCode.REFUSED_MEMBER, message=message)

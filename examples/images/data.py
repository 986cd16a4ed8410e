"""The scans: 1,797 real ones of 8 x 8 pixels, each a PNG file, or any number of copies of them.

The first third lies loose in folders, the second is in a tar, the last in a zip. Beside them lie a few files
that no model can read, as there are in every real archive. The same arguments give the same files, byte for
byte. Half of the real scans, chosen by a fixed seed, are for training.
"""

from __future__ import annotations

import io
import itertools
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract

CONTRACT_PATH = Path(__file__).with_name("contract.yaml")
SEED = 20
SCANS_PER_FOLDER = 500
PUBLISHED_WHITE = 16
"""Brightest value in the published data."""

BROKEN_FILES = {
    "broken/bomb.png": "too_many_pixels",
    "broken/corrupt.png": "corrupt_image",
    "broken/mislabelled.jpg": "mislabelled_image",
    "broken/notes.txt": "not_an_image",
    "broken/truncated.png": "truncated_image",
    "second.tar/link.png": "refused_member",
}
"""What is added to the real scans, and the reason with which it must be held back."""

_PNG_START = b"\x89PNG\r\n\x1a\n"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def images_contract() -> DatasetContract:
    """Return the contract of this example."""
    return read_contract(CONTRACT_PATH)


def real_scans() -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels, uint8 of shape (scans, 8, 8) from black to white, and the digit that each shows."""
    published = load_digits()
    pixels = np.round(published.images * (255 / PUBLISHED_WHITE)).astype(np.uint8)
    return pixels, np.asarray(published.target)


def is_for_training(scan_count: int) -> np.ndarray:
    """Return for each real scan, in their order, whether the model may learn from it: half may."""
    chosen = np.zeros(scan_count, dtype=bool)
    chosen[np.random.default_rng(SEED).permutation(scan_count)[: scan_count // 2]] = True
    return chosen


def scan_name(number: int) -> str:
    """Return the name of the file of a scan; copies come after all real ones, in the same order."""
    return f"{number:07}.png"


def scan_number(file: str) -> int:
    """Return the number of the scan that a published file shows."""
    return int(Path(file).stem)


def png(pixels: np.ndarray) -> bytes:
    """Return pixels as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write_training_scans(path: Path) -> None:
    """Write what the model learns from as a zip."""
    pixels, _ = real_scans()
    chosen = np.flatnonzero(is_for_training(len(pixels))).tolist()
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_zip(path, ((scan_name(number), png(pixels[number])) for number in chosen))


def write_archive(folder: Path, scan_count: int | None = None) -> None:
    """Write the archive to be scored: every real scan once, or so many, and BROKEN_FILES."""
    shutil.rmtree(folder, ignore_errors=True)
    files = [png(pixels) for pixels in real_scans()[0]]
    count = len(files) if scan_count is None else scan_count
    ends = (0, count // 3, count // 3 * 2, count)
    first, second, third = (
        ((scan_name(number), files[number % len(files)]) for number in range(start, end))
        for start, end in itertools.pairwise(ends)
    )
    (folder / "broken").mkdir(parents=True)
    for name, content in _broken_files(files[0]).items():
        (folder / name).write_bytes(content)
    _write_folders(folder / "first", first)
    _write_tar(folder / "second.tar", second)
    _write_zip(folder / "third.zip", third)


def _broken_files(sound: bytes) -> dict[str, bytes]:
    """Return the contents of the loose ones of BROKEN_FILES, made of a sound PNG file."""
    middle = len(sound) // 2
    return {
        "broken/bomb.png": _bomb(side=60_000),
        "broken/corrupt.png": sound[:middle] + bytes(8) + sound[middle + 8 :],
        "broken/mislabelled.jpg": sound,
        "broken/notes.txt": b"The scanner was cleaned on Tuesday.\n",
        "broken/truncated.png": sound[: middle + 8],
    }


def _bomb(side: int) -> bytes:
    """Return a PNG file of a few kilobytes whose pixels would take gigabytes."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1_000_000))), (b"IEND", b""))
    return _PNG_START + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _write_folders(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    for number, (name, content) in enumerate(files):
        path = folder / f"{number // SCANS_PER_FOLDER:04}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _write_tar(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)


def _write_zip(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content)

"""A model travels in a safe format or not at all, and whoever has another is told the way."""

from __future__ import annotations

import pytest

from contracts.errors import CallerError
from contracts.model_formats import FORMATS_TAKEN, MODEL_FORMATS, check_model_start, check_suffix, format_of


@pytest.mark.parametrize(
    ("suffix", "remedy"),
    [
        (".pkl", "skl2onnx.to_onnx"),
        (".JOBLIB", "skl2onnx.to_onnx"),
        (".npy", "skl2onnx.to_onnx"),
        (".pt", "torch.onnx.export"),
        (".pth", "torch.onnx.export"),
        (".keras", "format='onnx'"),
        (".h5", "format='onnx'"),
        (".bst", "booster.save_model('model.ubj')"),
    ],
)
def test_a_foreign_format_is_refused_with_the_way_out(suffix: str, remedy: str) -> None:
    with pytest.raises(CallerError) as caught:
        check_suffix("models/churn", suffix)

    message = str(caught.value)
    assert message.startswith("models/churn: may ")
    assert remedy in message
    assert message.endswith(f"taken are {FORMATS_TAKEN}")


@pytest.mark.parametrize("suffix", [".json", ".txt", ".md", ""])
def test_other_files_may_lie_beside_a_model(suffix: str) -> None:
    check_suffix("readme", suffix)


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"\x80\x04\x95", "may hold a pickle"),
        (b"\x78\x9c\xed", "may hold a pickle"),
        (b"PK\x03\x04", "is a zip archive, as PyTorch and Keras write them"),
        (b"\x89HDF\r\n", "may be a Keras file"),
        (b"binf\x00", "old binary form"),
        (b"", "begins with b'' and is no "),
        (b"MZ", "begins with b'MZ' and is no "),
    ],
)
@pytest.mark.parametrize("entry", MODEL_FORMATS, ids=lambda entry: entry.file_name)
def test_a_foreign_file_under_a_models_name_is_refused(entry: object, start: bytes, found: str) -> None:
    """A name is no proof."""
    with pytest.raises(CallerError, match=found):
        check_model_start("a", entry, start)  # type: ignore[arg-type]


def test_formats_are_known_by_the_name_of_their_file() -> None:
    assert [entry.title for entry in MODEL_FORMATS if format_of(entry.file_name) is entry] == [
        "XGBoost JSON",
        "XGBoost UBJ",
        "LightGBM text",
        "ONNX",
    ]
    assert format_of("other.json") is None

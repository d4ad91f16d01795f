from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.machine.files import Files
from envkit.machine.torch_sites import TorchPlace, _build, list_metadata, read_torch_sites

TORCH = "from typing import Optional\n__version__ = '{}'\ndebug = False\ncuda: Optional[str] = {}\nhip: Optional[str] = {}\nxpu: Optional[str] = {}\n"


def install(site: Path, *names: str) -> None:
    for name in names:
        info = site / f"{name}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.4\n")


def write_version(site: Path, package: str, text: str) -> None:
    file = site / package / "version.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def read(site: Path, files: Files | None = None) -> dict[str, tuple[str, str | None]]:
    (found,) = read_torch_sites(files or Files(Path("/")), {"one": TorchPlace(site, "3.12")})
    assert (found.environment, found.path, found.python) == ("one", str(site), "3.12")
    return {package.name: (package.version, package.build) for package in found.packages}


@pytest.mark.parametrize(
    ("version", "cuda", "hip", "xpu", "build"),
    [
        ("2.15.0+cu132", "'13.2'", "None", "None", "cu132"),
        ("2.13.0+cpu", "None", "None", "None", "cpu"),
        ("2.13.0", "None", "None", "None", "cpu"),
        ("2.9.0+rocm6.4", "None", "'6.4.43484-123eb5128'", "None", "rocm6.4"),
        ("2.9.0+rocm6.4.1.git1ded221d", "None", "'6.4'", "None", "rocm6.4.1"),
        ("2.9.0+xpu", "None", "None", "'20250200'", "xpu"),
        ("2.9.0", "'12.9'", "None", "None", "cu129"),
        ("2.7.0a0+79aa17489c.nv25.04", '"12.9"', "None", "None", "cu129"),
        ("2.9.0a0+gitabc", "None", "'6.4.43484-1'", "None", "rocm6.4"),
        ("2.9.0a0+gitabc", "None", "None", "'20250200'", "xpu"),
    ],
)
def test_torch_build_is_what_its_own_file_says(tmp_path, version, cuda, hip, xpu, build):
    public = version.partition("+")[0]
    install(tmp_path, f"torch-{public}")
    write_version(tmp_path, "torch", TORCH.format(version, cuda, hip, xpu))
    assert read(tmp_path) == {"torch": (public, build)}


def test_torch_family_is_told_in_one_order_and_by_usual_names(tmp_path):
    install(
        tmp_path,
        *("flash_attn-2.8.3+cu12torch2.8cxx11abiTRUE", "xformers-0.0.33+5d4b92a.d2026", "triton-3.7.0"),
        *(
            "torchvision-0.30.0",
            "torchaudio-2.15.0",
            "torch-2.15.0",
            "torchmetrics-1.9.0",
            "Transformers-5.23.0",
        ),
        *("pytorch_triton_rocm-3.5", "torchao-0.16.0+cu132", "bitsandbytes-0.50.0"),
    )
    write_version(tmp_path, "torch", TORCH.format("2.15.0+cu132", "'13.2'", "None", "None"))
    write_version(tmp_path, "torchvision", "__version__ = '0.30.0+cu130'\ngit_version = 'x'\n")
    write_version(tmp_path, "torchaudio", "__version__ = '2.15.0'\n")
    assert list(read(tmp_path).items()) == [
        ("torch", ("2.15.0", "cu132")),
        ("torchvision", ("0.30.0", "cu130")),
        ("torchaudio", ("2.15.0", None)),
        ("torchao", ("0.16.0+cu132", "cu132")),
        ("transformers", ("5.23.0", None)),
        ("triton", ("3.7.0", None)),
        ("pytorch-triton-rocm", ("3.5", None)),
        ("bitsandbytes", ("0.50.0", None)),
        ("flash-attn", ("2.8.3+cu12torch2.8cxx11abiTRUE", "cu12")),
        ("xformers", ("0.0.33+5d4b92a.d2026", None)),
    ]


def test_torch_without_metadata_is_told_by_its_file(tmp_path):
    write_version(tmp_path, "torch", TORCH.format("2.9.0+cpu", "None", "None", "None"))
    assert read(tmp_path) == {"torch": ("2.9.0+cpu", "cpu")}


def test_torch_that_is_there_twice_is_the_one_whose_files_are_there(tmp_path):
    files = Files(Path("/"))
    install(tmp_path, "torch-2.15.0", "torch-2.9.0+cpu")
    write_version(tmp_path, "torch", TORCH.format("2.9.0+cpu", "None", "None", "None"))
    assert read(tmp_path, files) == {"torch": ("2.9.0+cpu", "cpu")}
    assert [each.why for each in files.unread] == ["torch is there twice: 2.15.0, 2.9.0+cpu"]


def test_torch_that_was_removed_by_half_is_noted_and_not_told(tmp_path):
    files = Files(Path("/"))
    (tmp_path / "torch-2.15.0.dist-info").mkdir()
    assert read(tmp_path, files) == {}
    assert "no METADATA" in files.unread[0].why


def test_torch_as_an_egg_is_found(tmp_path):
    (tmp_path / "torch-2.6.0-py3.12.egg-info").write_text("")
    assert read(tmp_path) == {"torch": ("2.6.0", None)}


def test_torch_site_that_is_gone_is_noted_and_the_others_are_told(tmp_path):
    files = Files(Path("/"))
    sites = {"gone": TorchPlace(tmp_path / "gone"), "": TorchPlace(tmp_path)}
    (found,) = read_torch_sites(files, sites)
    assert (found.environment, found.packages) == ("", ())
    assert [each.what for each in files.unread] == [str(tmp_path / "gone")]


def test_torch_version_file_that_is_binary_or_a_folder_says_nothing(tmp_path):
    install(tmp_path, "torch-2.15.0", "torchvision-0.30.0")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/version.py").write_bytes(b"\xff\x00" * 100_000)
    (tmp_path / "torchvision/version.py").mkdir(parents=True)
    assert read(tmp_path) == {"torch": ("2.15.0", None), "torchvision": ("0.30.0", None)}


def test_metadata_of_another_name_that_begins_alike_is_left_out(tmp_path):
    install(tmp_path, "uv-0.13.9", "uv_build-0.13.9", "uv-dynamic-1.0")
    assert [(each.name, each.version) for each in list_metadata(tmp_path, ("uv",))] == [("uv", "0.13.9")]


@given(st.dictionaries(st.sampled_from(["__version__", "cuda", "hip", "rocm", "xpu"]), st.text(max_size=12)))
def test_torch_build_of_any_file_is_a_known_word_or_none(module):
    build = _build(module)
    assert build is None or build.startswith(("cu", "rocm", "xpu", "cpu"))


@pytest.mark.torch
def test_torch_of_this_python_is_told_as_it_tells_itself():
    import torch

    found = read(Path(torch.__file__).parents[1])
    local = torch.__version__.partition("+")[2]
    assert found["torch"][0].partition("+")[0] == torch.__version__.partition("+")[0]
    assert found["torch"][1] == (local or found["torch"][1])

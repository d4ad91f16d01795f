from __future__ import annotations

import os
import runpy

import pytest

from envkit.machine.files import Files
from envkit.machine.hugging_face import read_hugging_face


def read(tmp_path, files: Files | None = None, **variables: str):
    return read_hugging_face(files or Files(tmp_path), environ={"HOME": str(tmp_path), **variables})


@pytest.mark.parametrize(
    ("variables", "home", "cache"),
    [
        ({}, "{}/.cache/huggingface", "{}/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface", "/c/huggingface/hub"),
        ({"HF_HOME": "~/hf", "XDG_CACHE_HOME": "/c"}, "{}/hf", "{}/hf/hub"),
        ({"HF_HOME": "$SCRATCH/${X}", "SCRATCH": "/s"}, "/s/${{X}}", "/s/${{X}}/hub"),
        ({"HF_HUB_CACHE": "/hub"}, "{}/.cache/huggingface", "/hub"),
        ({"HUGGINGFACE_HUB_CACHE": "/old"}, "{}/.cache/huggingface", "/old"),
        (
            {"HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "~/new"},
            "{}/.cache/huggingface",
            "{}/new",
        ),
    ],
)
def test_hub_folders_are_those_of_the_library(tmp_path, variables, home, cache):
    found = read(tmp_path, **variables)
    assert (found.home, found.cache_dir) == (home.format(tmp_path), cache.format(tmp_path))


@pytest.mark.parametrize(
    ("variables", "is_offline"),
    [
        ({}, False),
        ({"HF_HUB_OFFLINE": "1"}, True),
        ({"HF_HUB_OFFLINE": "yes"}, True),
        ({"HF_HUB_OFFLINE": "On"}, True),
        ({"HF_HUB_OFFLINE": "true"}, True),
        ({"HF_HUB_OFFLINE": "0"}, False),
        ({"HF_HUB_OFFLINE": "t"}, False),
        ({"HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": "1"}, True),
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, False),
    ],
)
def test_hub_is_offline_where_the_library_would_be(tmp_path, variables, is_offline):
    assert read(tmp_path, **variables).is_offline is is_offline


def test_hub_endpoint_is_told_without_its_password(tmp_path):
    assert read(tmp_path).endpoint is None
    found = read(tmp_path, HF_ENDPOINT="https://me:s3cret@mirror.example/hf/")
    assert found.endpoint == "https://***@mirror.example/hf"


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({}, "file"),
        ({"HF_TOKEN": "hf_s3cret"}, "HF_TOKEN"),
        ({"HUGGING_FACE_HUB_TOKEN": "hf_s3cret"}, "HUGGING_FACE_HUB_TOKEN"),
        ({"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": "hf_s3cret"}, "HUGGING_FACE_HUB_TOKEN"),
        ({"HF_TOKEN": " \n", "HUGGING_FACE_HUB_TOKEN": "hf_s3cret"}, "file"),
    ],
)
def test_hub_token_is_told_by_its_place_alone(tmp_path, variables, source):
    file = tmp_path / "t/token"
    file.parent.mkdir()
    file.write_text("hf_s3cret")
    file.chmod(0o644)
    found = read(tmp_path, HF_TOKEN_PATH="~/t/token", **variables)
    assert (found.token_source, found.token_file, found.token_file_mode) == (source, str(file), "644")
    assert "s3cret" not in repr(found)


def test_hub_token_file_that_is_empty_or_missing_is_no_source(tmp_path):
    assert read(tmp_path).token_source is None
    assert read(tmp_path).token_file is None
    (tmp_path / "token").touch()
    found = read(tmp_path, HF_HOME=str(tmp_path))
    assert (found.token_source, found.token_file) == (None, str(tmp_path / "token"))


def test_hub_token_file_that_cannot_be_looked_at_is_noted(tmp_path):
    files = Files(tmp_path)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    read(tmp_path, files, HF_TOKEN_PATH=str(loop))
    assert [each.what for each in files.unread] == [str(loop)]
    assert files.unread[0].why == os.strerror(40) or "symbolic links" in files.unread[0].why


@pytest.mark.parametrize("kind", ["folder", "device", "pipe", "link"])
def test_hub_token_file_that_is_no_regular_file_has_no_mode_to_mend(tmp_path, kind):
    token = tmp_path / "token"
    if kind == "folder":
        token.mkdir(mode=0o755)
    elif kind == "pipe":
        os.mkfifo(token, mode=0o644)
    elif kind == "link":
        (tmp_path / "other").write_text("x")
        token.symlink_to(tmp_path / "other")
    place = "/dev/null" if kind == "device" else str(token)
    found = read(tmp_path, HF_TOKEN_PATH=place)
    assert (found.token_file, found.token_file_mode) == (place, None)


def test_hub_token_file_of_another_user_has_no_mode_to_mend(tmp_path, monkeypatch):
    token = tmp_path / "token"
    token.write_text("hf_s3cret")
    token.chmod(0o644)
    assert read(tmp_path, HF_TOKEN_PATH=str(token)).token_file_mode == "644"
    monkeypatch.setattr(os, "getuid", lambda: token.stat().st_uid + 1)
    assert read(tmp_path, HF_TOKEN_PATH=str(token)).token_file_mode is None


@pytest.mark.parametrize(("folder_mode", "mode"), [(0o700, None), (0o711, "644"), (0o750, "644")])
def test_hub_token_in_a_folder_that_only_its_owner_enters_is_open_to_nobody(tmp_path, folder_mode, mode):
    token = tmp_path / "home/hf/token"
    token.parent.mkdir(parents=True)
    token.write_text("hf_s3cret")
    token.chmod(0o644)
    token.parent.parent.chmod(folder_mode)
    assert read(tmp_path, HF_TOKEN_PATH=str(token)).token_file_mode == mode


@pytest.mark.torch
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HF_HOME": "~/hf", "HF_HUB_OFFLINE": "yes"},
        {"XDG_CACHE_HOME": "$HOME/c", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_OFFLINE": ""},
        {"XDG_CACHE_HOME": "", "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"},
        {"HUGGINGFACE_HUB_CACHE": "/old", "HF_TOKEN_PATH": "${NONE}/t"},
        {"HF_HOME": "", "HF_HUB_CACHE": "~/x/$HOME", "HF_ENDPOINT": "https://mirror.example//"},
    ],
)
def test_hub_settings_are_those_that_the_library_reads(tmp_path, monkeypatch, variables):
    import huggingface_hub.constants

    for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING", "TRANSFORMERS_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name, value in {"HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    theirs = runpy.run_path(huggingface_hub.constants.__file__)
    ours = read(tmp_path, **variables)
    assert (ours.home, ours.cache_dir) == (theirs["HF_HOME"], theirs["HF_HUB_CACHE"])
    assert ours.is_offline is theirs["HF_HUB_OFFLINE"]
    assert ours.endpoint in (None, theirs["ENDPOINT"])

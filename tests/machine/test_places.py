from __future__ import annotations

from pathlib import Path

import pytest

from envkit.machine.places import usual_places, usual_sites


@pytest.mark.parametrize(
    ("environ", "purpose", "expected"),
    [
        ({}, "environments", "/data/envs"),
        ({}, "runs", "/work/runs"),
        ({}, "uv cache", "/home/ann/.cache/uv"),
        ({}, "hub cache", "/home/ann/.cache/huggingface/hub"),
        ({}, "temporary files", "/tmp"),
        ({"XDG_CACHE_HOME": "/big"}, "uv cache", "/big/uv"),
        ({"UV_CACHE_DIR": "/big/uv-cache"}, "uv cache", "/big/uv-cache"),
        ({"HF_HOME": "/big/hf"}, "hub cache", "/big/hf/hub"),
        ({"HF_HUB_CACHE": "hub"}, "hub cache", "/work/hub"),
        ({"TMPDIR": "/scratch"}, "temporary files", "/scratch"),
        ({"TMPDIR": "", "TMP": "/scratch"}, "temporary files", "/scratch"),
    ],
)
def test_place_is_where_its_program_puts_it(environ, purpose, expected):
    places = usual_places(Path("/data"), Path("/work"), {"HOME": "/home/ann", **environ})
    assert places[purpose] == Path(expected)


def test_sites_are_this_pythons_and_those_of_whole_environments(tmp_path):
    own = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
    packages = {}
    for name in ("ner", "half", ".made"):
        packages[name] = tmp_path / "envs" / name / "lib" / "python3.13" / "site-packages"
        packages[name].mkdir(parents=True)
        if name != "half":
            (tmp_path / "envs" / name / "envkit-env.json").write_text("{}")
    (tmp_path / "envs" / "broken").symlink_to("gone")
    sites = usual_sites(tmp_path, search_path=["/usr/lib/python312.zip", str(own)])
    assert {name: (place.path, place.python) for name, place in sites.items() if name} == {
        "ner": (packages["ner"], "3.13")
    }
    assert sites[""].path == own


def test_site_of_this_python_is_where_torch_would_come_from(tmp_path):
    first, second = tmp_path / "a" / "dist-packages", tmp_path / "b" / "site-packages"
    (second / "torch").mkdir(parents=True)
    assert usual_sites(tmp_path, search_path=[str(first), str(second)])[""].path == second
    assert usual_sites(tmp_path, search_path=["/usr/lib"]) == {}

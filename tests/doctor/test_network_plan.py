from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.config import Settings
from envkit.doctor.network_plan import plan_network
from envkit.machine import ProcessOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from envkit.machine import RunProcess
    from envkit.machine.network import NetworkPlan

HELP = """
      --index <INDEX>
          The URLs to use, in addition to the default index.

      --default-index <DEFAULT_INDEX>
          The default package index (by default: <https://default.example/simple>).
"""


def uv_that_says(text: str) -> RunProcess:
    def run(cmd: Sequence[str], *, environ: Mapping[str, str], timeout: float) -> ProcessOutput:
        assert "help" in cmd
        return ProcessOutput(status=0, out=text, err="")

    return run


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., NetworkPlan]:
    def make(settings: Settings | None = None, *, says: str = HELP, **variables: str) -> NetworkPlan:
        environ = {
            "HOME": str(tmp_path),
            "PATH": str(tmp_path / "bin"),
            "XDG_CONFIG_DIRS": str(tmp_path),
            "UV_NO_CONFIG": "1",
            "PIP_CONFIG_FILE": "/dev/null",
            **variables,
        }
        return plan_network(
            settings or Settings(),
            environ=environ,
            folder=tmp_path,
            run_process=uv_that_says(says),
        )

    return make


def test_plan_of_a_plain_machine_asks_what_the_tools_ask(plan: Callable[..., NetworkPlan]) -> None:
    found = plan()
    assert found.addresses == {
        "package index": "https://default.example/simple",
        "torch index": Settings().torch_index,
        "model hub": "https://huggingface.co",
    }
    assert found.sources["package index"] == "uv's default"


def test_plan_without_the_words_of_uv_asks_no_index(plan: Callable[..., NetworkPlan]) -> None:
    assert "package index" not in plan(says="").addresses


@pytest.mark.parametrize(
    ("settings", "variables", "index", "source"),
    [
        ({}, {"PIP_INDEX_URL": "https://a", "UV_DEFAULT_INDEX": "https://b"}, "https://a", "PIP_INDEX_URL"),
        ({}, {"UV_DEFAULT_INDEX": "https://b"}, "https://b", "UV_DEFAULT_INDEX"),
        ({}, {"UV_INDEX_URL": "https://c"}, "https://c", "UV_INDEX_URL"),
        (
            {"package_index": "https://own"},
            {"PIP_INDEX_URL": "https://a"},
            "https://own",
            "mirrors.package-index",
        ),
        ({}, {"PIP_NO_INDEX": "1", "PIP_INDEX_URL": "https://a"}, None, None),
    ],
)
def test_package_index_is_the_one_that_envkit_would_use(
    plan: Callable[..., NetworkPlan],
    settings: dict[str, str],
    variables: dict[str, str],
    index: str | None,
    source: str | None,
) -> None:
    found = plan(Settings(**settings), **variables)  # type: ignore[arg-type]
    assert found.addresses.get("package index") == index
    assert found.sources.get("package index") == source


def test_index_of_uvs_own_file_is_asked(plan: Callable[..., NetworkPlan], tmp_path: Path) -> None:
    file = tmp_path / "uv.toml"
    file.write_text('[[index]]\nurl = "https://file.example/simple"\ndefault = true\n')
    found = plan(UV_NO_CONFIG="", UV_CONFIG_FILE=str(file))
    assert found.addresses["package index"] == "https://file.example/simple"


def test_what_pip_is_told_besides_is_in_the_plan(plan: Callable[..., NetworkPlan], tmp_path: Path) -> None:
    found = plan(
        PIP_EXTRA_INDEX_URL=f"https://more {tmp_path}",
        PIP_PROXY="proxy:1",
        PIP_CERT="ca.pem",
        PIP_TRUSTED_HOST="a b",
    )
    assert found.extra_indexes == ("https://more", tmp_path.as_uri())
    assert (found.extra_source, found.proxy) == ("PIP_EXTRA_INDEX_URL", "proxy:1")
    assert (found.certificates, found.certificates_source) == (tmp_path / "ca.pem", "PIP_CERT")
    assert found.trusted_hosts == ("a", "b")


def test_pip_configuration_that_cannot_be_read_leaves_the_rest(
    plan: Callable[..., NetworkPlan], tmp_path: Path
) -> None:
    (tmp_path / "pip.conf").write_text("index-url = https://u:secret@a\n")
    found = plan(PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert found.addresses["package index"] == "https://default.example/simple"


@pytest.mark.parametrize(
    ("settings", "variables", "hub"),
    [
        ({}, {"HF_ENDPOINT": "https://hub"}, "https://hub"),
        ({"model_hub": "https://own"}, {"HF_ENDPOINT": "https://hub"}, "https://own"),
    ],
)
def test_model_hub_is_the_one_that_envkit_names(
    plan: Callable[..., NetworkPlan], settings: dict[str, str], variables: dict[str, str], hub: str
) -> None:
    found = plan(Settings(**settings), **variables)  # type: ignore[arg-type]
    assert found.addresses["model hub"] == hub


def test_channel_is_asked_where_conda_is_set_up(plan: Callable[..., NetworkPlan], tmp_path: Path) -> None:
    assert "conda channel" not in plan().addresses
    named = plan(Settings(channels=("lab",), channel_alias="https://alias.example"))
    assert named.addresses["conda channel"] == "https://alias.example/lab/"
    program = tmp_path / "bin" / "conda"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert plan().addresses["conda channel"].endswith("/conda-forge/")


def test_plan_shows_no_password(plan: Callable[..., NetworkPlan]) -> None:
    found = plan(PIP_INDEX_URL="https://me:secret@a", PIP_PROXY="http://me:secret@proxy:1")
    assert "secret" not in repr(found)

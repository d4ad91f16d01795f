"""pip's configuration in uv's words, asked of uv itself where a word could be misread."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import EnvError
from envkit.environments.uv import find_uv
from envkit.environments.uv_environment import UvSettings, uv_settings
from envkit.pip_configuration import PipConfiguration, read_pip_configuration

if TYPE_CHECKING:
    from pathlib import Path


def translate(
    tmp_path: Path, pip: dict[str, str], environ: dict[str, str] | None = None, **more: Any
) -> UvSettings:
    configuration = read_pip_configuration(
        environ={"HOME": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null", **pip}, folder=tmp_path
    )
    return uv_settings(configuration, environ=environ or {}, root=tmp_path, **more)


@pytest.mark.parametrize(
    ("pip", "environ", "expected"),
    [
        ({}, {}, {"UV_PYTHON_DOWNLOADS": "never", "UV_INDEX_STRATEGY": "unsafe-best-match"}),
        ({}, {"UV_PYTHON_DOWNLOADS": "automatic"}, {"UV_PYTHON_DOWNLOADS": "automatic"}),
        ({}, {"UV_INDEX_STRATEGY": "first-index"}, {"UV_INDEX_STRATEGY": "first-index"}),
        ({"INDEX_URL": "http://a"}, {}, {"UV_DEFAULT_INDEX": "http://a"}),
        ({"INDEX_URL": "http://a"}, {"UV_INDEX_URL": "http://b"}, {"UV_DEFAULT_INDEX": "http://a", "UV_INDEX_URL": None}),
        ({}, {"UV_DEFAULT_INDEX": "http://b"}, {"UV_DEFAULT_INDEX": "http://b"}),
        ({"EXTRA_INDEX_URL": "http://a http://b"}, {"UV_INDEX": "http://c"}, {"UV_INDEX": "http://a http://b"}),
        ({"NO_INDEX": "1"}, {"UV_INDEX": "http://c", "UV_DEFAULT_INDEX": "x"}, {"UV_INDEX": None, "UV_DEFAULT_INDEX": None}),
        ({"PROXY": "h:3128"}, {"https_proxy": "http://old"}, {"HTTPS_PROXY": "http://h:3128", "https_proxy": None}),
        ({"TRUSTED_HOST": "a b:80"}, {}, {"UV_INSECURE_HOST": "a b:80"}),
        ({"TIMEOUT": "7.5"}, {}, {"UV_HTTP_TIMEOUT": "8"}),
        ({"RETRIES": "0"}, {}, {"UV_HTTP_RETRIES": "0"}),
        ({"PRE": "1"}, {}, {"UV_PRERELEASE": "allow"}),
        ({"NO_CACHE_DIR": "1"}, {}, {"UV_NO_CACHE": "true"}),
        ({"KEYRING_PROVIDER": "subprocess"}, {}, {"UV_KEYRING_PROVIDER": "subprocess"}),
        ({"KEYRING_PROVIDER": "import"}, {}, {"UV_KEYRING_PROVIDER": None}),
        ({"UPLOADED_PRIOR_TO": "2026-01-01"}, {}, {"UV_EXCLUDE_NEWER": "2026-01-01"}),
        ({}, {"UV_TORCH_BACKEND": "auto", "UV_PYTHON": "3.9", "RUST_LOG": "debug"}, {"UV_TORCH_BACKEND": None, "UV_PYTHON": None, "RUST_LOG": None}),
        ({}, {"UV_OFFLINE": "1", "HOME": "/h"}, {"UV_OFFLINE": "1", "HOME": "/h"}),
    ],
)  # fmt: skip
def test_variables_speak_as_pip_does(
    tmp_path: Path, pip: dict[str, str], environ: dict[str, str], expected: dict[str, str | None]
) -> None:
    found = translate(tmp_path, {f"PIP_{name}": text for name, text in pip.items()}, environ).environ
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("pip", "expected"),
    [
        ({}, ()),
        ({"PIP_NO_INDEX": "1"}, ("--no-index",)),
        ({"PIP_ONLY_BINARY": "a,b"}, ("--only-binary", "a", "--only-binary", "b")),
        ({"PIP_NO_BINARY": ":all:"}, ("--no-binary", ":all:")),
        ({"PIP_INDEX_URL": "http://u:secret@h"}, ()),
    ],
)
def test_flags_are_only_those_without_a_variable(
    tmp_path: Path, pip: dict[str, str], expected: tuple[str, ...]
) -> None:
    assert translate(tmp_path, pip).arguments == expected


def test_extra_index_of_torch_joins_what_is_set(tmp_path: Path) -> None:
    index = {"extra_indexes": ["http://torch"]}
    assert (
        translate(tmp_path, {}, {"UV_INDEX": "http://u"}, **index).environ["UV_INDEX"]
        == "http://u http://torch"
    )
    no_index = translate(tmp_path, {"PIP_NO_INDEX": "1"}, **index)
    assert "UV_INDEX" not in no_index.environ


def test_certificates_follow_pip_then_requests_then_system(tmp_path: Path) -> None:
    bundle, folder = tmp_path / "a.pem", tmp_path / "certificates"
    bundle.touch()
    folder.mkdir()
    found = translate(tmp_path, {"PIP_CERT": str(bundle)}, {"SSL_CERT_FILE": "/old"}).environ
    assert found["SSL_CERT_FILE"] == str(bundle)
    assert translate(tmp_path, {"PIP_CERT": str(folder)}).environ["SSL_CERT_DIR"] == str(folder)
    assert translate(tmp_path, {}, {"REQUESTS_CA_BUNDLE": str(bundle)}).environ["SSL_CERT_FILE"] == str(
        bundle
    )
    assert translate(tmp_path, {}, {"SSL_CERT_FILE": "/own"}).environ["SSL_CERT_FILE"] == "/own"
    assert "UV_SYSTEM_CERTS" not in translate(tmp_path, {}).environ
    store = tmp_path / "etc/ssl/certs/ca-certificates.crt"
    store.parent.mkdir(parents=True)
    store.touch()
    assert translate(tmp_path, {}).environ["UV_SYSTEM_CERTS"] == "true"
    assert "UV_SYSTEM_CERTS" not in translate(tmp_path, {}, {"UV_NATIVE_TLS": "0"}).environ


@pytest.mark.parametrize("variable", ["PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONSTRAINT"])
def test_file_that_is_not_there_is_named_with_its_source(tmp_path: Path, variable: str) -> None:
    with pytest.raises(EnvError, match=f"there is no {tmp_path}/gone.pem, .* that {variable} names"):
        translate(tmp_path, {variable: "gone.pem"})


def test_silence_covers_every_retry_of_a_silent_server() -> None:
    slow = PipConfiguration(timeout=100, retries=4)
    assert uv_settings(slow, environ={}).silence == 560
    assert uv_settings(PipConfiguration(), environ={"UV_HTTP_TIMEOUT": "x"}).silence == 180


def test_settings_repr_holds_no_secret(tmp_path: Path) -> None:
    assert "secret" not in repr(translate(tmp_path, {"PIP_INDEX_URL": "http://u:secret@h"}))


def test_uv_understands_every_word(tmp_path: Path, find_links: Path) -> None:
    """Ask uv: links with blanks and commas, constraints with blanks, and the rest must all be taken."""
    strange = tmp_path / "a, b"
    strange.mkdir()
    (strange / "c.txt").write_text("tiny<1.2\n")
    (strange / "links").symlink_to(find_links)
    (tmp_path / "pip.conf").write_text("[global]\nfind-links = links\nconstraint = c.txt\n")
    configuration = read_pip_configuration(
        environ={
            "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
            "PIP_NO_INDEX": "1",
            "PIP_TIMEOUT": "2.5",
            "PIP_RETRIES": "1",
            "PIP_TRUSTED_HOST": "a b:80",
            "PIP_ONLY_BINARY": ":all:",
            "PIP_PRE": "1",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_UPLOADED_PRIOR_TO": "2099-01-01",
        },
        folder=strange,
    )
    settings = uv_settings(configuration, environ={"HOME": str(tmp_path)})

    def install(requirement: str) -> str:
        cmd = [str(find_uv()), "pip", "install", "--dry-run", "--target", str(tmp_path / "t")]
        cmd += ["--python", sys.executable, *settings.arguments, requirement]
        return subprocess.run(cmd, env=settings.environ, capture_output=True, text=True, check=False).stderr

    assert "+ pluggy" in install("pluggy")
    assert "you require tiny<1.2" in install("tiny")


def test_find_links_are_those_that_are_there_as_pip_passes_over_others(tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    (tmp_path / "c d").mkdir()
    links = f"{tmp_path}/a,b /nowhere/wheels file://{tmp_path}/c%20d http://h/page"

    found = translate(tmp_path, {"PIP_FIND_LINKS": links}, {"UV_FIND_LINKS": "/mine"}).environ

    assert found["UV_FIND_LINKS"].split(",") == [
        f"file://{tmp_path}/a%2Cb",
        f"file://{tmp_path}/c%20d",
        "http://h/page",
    ]
    assert "UV_FIND_LINKS" not in translate(tmp_path, {"PIP_FIND_LINKS": "/nowhere"}).environ


def test_index_that_is_no_address_and_no_folder_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(EnvError) as raised:
        translate(tmp_path, {"PIP_INDEX_URL": "h.example/simple"})

    assert "h.example/simple" in raised.value.message
    assert "PIP_INDEX_URL" in (raised.value.hint or "")


def test_extra_index_that_is_not_there_is_passed_over_as_pip_does(tmp_path: Path) -> None:
    (tmp_path / "simple").mkdir()

    found = translate(
        tmp_path, {"PIP_EXTRA_INDEX_URL": f"/nowhere http://h/simple {tmp_path}/simple"}
    ).environ

    assert found["UV_INDEX"] == f"http://h/simple file://{tmp_path}/simple"


@pytest.mark.parametrize(
    "name",
    [
        *("UV_CONFIG_FILE", "UV_NO_CONFIG", "UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_PROJECT", "UV_WORKING_DIR"),
        *("UV_OVERRIDE", "UV_EXCLUDE", "UV_RESOLUTION", "UV_TORCH_BACKEND", "UV_REQUIRE_HASHES"),
        *("UV_NO_VERIFY_HASHES", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON"),
        *("PIP_REQUIRE_VIRTUALENV", "PIP_REQUIREMENT", "PIP_EDITABLE", "PIP_NO_DEPS", "PIP_DRY_RUN"),
        *("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"),
    ],
)
def test_variables_that_would_move_an_install_are_left_out(tmp_path: Path, name: str) -> None:
    (tmp_path / "uv.toml").write_text("")
    assert name not in translate(tmp_path, {}, {name: str(tmp_path / "uv.toml"), "HOME": "/h"}).environ


@pytest.mark.parametrize(
    "index", ["https:/u:s3kret@h/simple", "u:s3kret@h/simple", "https://u:no s3kret@h/simple"]
)
def test_index_that_is_no_address_is_refused_without_its_password(tmp_path: Path, index: str) -> None:
    with pytest.raises(EnvError, match="the package index") as caught:
        translate(tmp_path, {"PIP_INDEX_URL": index})
    assert "s3kret" not in f"{caught.value.message}{caught.value.hint}"

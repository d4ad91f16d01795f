from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.machine.variables import read_variables


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("LD_LIBRARY_PATH", "/opt/cuda/lib64", "/opt/cuda/lib64"),
        ("CUDA_VISIBLE_DEVICES", "", ""),  # set and empty hides all GPUs
        ("HF_TOKEN", "hf_abc", "***"),
        ("HF_TOKEN_PATH", "/tokens/hf", "/tokens/hf"),
        ("UV_INDEX_CORP_PASSWORD", "secret", "***"),
        ("UV_INDEX_CORP_USERNAME", "ann", "***"),
        ("DOCKER_AUTH_CONFIG", "{}", "***"),
        ("PIP_INDEX_URL", "https://ann:secret@index.corp/simple", "https://***@index.corp/simple"),
        ("PIP_EXTRA_INDEX_URL", "https://a:b@x/ https://c:d@y/", "https://***@x/ https://***@y/"),
        ("https_proxy", "ann:secret@proxy.corp:3128", "***@proxy.corp:3128"),
        ("UV_INDEX", "corp=https://ann:secret@x/", "corp=https://***@x/"),
        ("PIP_INDEX_URL", "https://u:abc/SEKRET@host/simple", "https://***@host/simple"),
        ("PIP_INDEX_URL", "https://u:12/SEKRET@host/simple", "https://***@host/simple"),
        ("UV_DEFAULT_INDEX", "https://SEK/RET@host/simple", "https://***@host/simple"),
        ("UV_DEFAULT_INDEX", "https://host.corp:8443/simple/", "https://host.corp:8443/simple/"),
        ("UV_DEFAULT_INDEX", "https://host.corp/simple/@v1", "https://host.corp/simple/@v1"),
        ("ALL_PROXY", "socks5h://al:SEKRET/x@p:1", "socks5h://***@p:1"),
        ("UV_EXTRA_INDEX_URL", "https://u:SEKRET 37@h/", "https://***@h/"),
        ("UV_EXTRA_INDEX_URL", "https://x/ a=https://u:SE, 37@h/", "https://x/ a=https://***@h/"),
        ("CONDA_CHANNELS", "conda-forge,https://u:a/b@h/c", "conda-forge,https://***@h/c"),
        ("NCCL_NET_PLUGIN", "tcp://u:SEK RET@h", "tcp://***@h"),
        ("TOKENIZERS_PARALLELISM", "false", "false"),
        ("PYTHONPATH", "/src", "/src"),
    ],
)
def test_variable_that_matters_is_read_without_its_secrets(name, value, shown):
    assert [(each.name, each.value) for each in read_variables({name: value})] == [(name, shown)]


@pytest.mark.parametrize(
    "name",
    [
        "HF_HUB_ACCESSTOKEN",
        "HF_PAT",
        "UV_GITHUB_PAT",
        "NVIDIA_NGC_APIKEY",
        "CONDA_AUTHTOKEN",
        "ENVKIT_PASSPHRASE",
        "DOCKER_LOGIN",
        "DOCKER_CONFIG_JSON",
        "HF_TOKEN_2",
        "UV_PUBLISH_TOKEN",
    ],
)
def test_variable_whose_name_tells_of_a_secret_is_masked(name):
    assert [each.value for each in read_variables({name: "SEKRET"})] == ["***"]


@pytest.mark.parametrize(
    "name", ["TOKENIZERS_PARALLELISM", "HF_TOKEN_PATH", "DOCKER_CONFIG", "PIP_KEYRING_PROVIDER", "PYTHONPATH"]
)
def test_variable_whose_name_only_resembles_one_of_a_secret_is_shown(name):
    assert [each.value for each in read_variables({name: "/shown"})] == ["/shown"]


@pytest.mark.parametrize("name", ["HOME", "AWS_SECRET_ACCESS_KEY", "EDITOR", "CONDA_PREFIX_1", "MY_PIP_CERT"])
def test_variable_that_changes_nothing_here_is_left_out(name):
    assert read_variables({name: "x"}) == ()


def test_variables_are_in_the_order_of_their_names():
    environ = {"UV_OFFLINE": "1", "PATH": "/bin", "CUDA_HOME": "/opt/cuda"}
    assert [each.name for each in read_variables(environ)] == ["CUDA_HOME", "PATH", "UV_OFFLINE"]


WORD = st.text("abzAZ09/ :@,;!$&*+-.%?#[]", min_size=1, max_size=9)


@settings(max_examples=40)
@given(before=WORD, after=WORD)
def test_variable_of_an_address_keeps_no_password(before, after):
    value = f"https://ann:{before}SEKRET{after}@host.corp/simple"
    (variable,) = read_variables({"UV_INDEX_URL": value})
    assert "SEKRET" not in variable.value
    assert "host.corp/simple" in variable.value

from __future__ import annotations

import pytest

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
        ("TOKENIZERS_PARALLELISM", "false", "false"),
        ("PYTHONPATH", "/src", "/src"),
    ],
)
def test_variable_that_matters_is_read_without_its_secrets(name, value, shown):
    assert [(each.name, each.value) for each in read_variables({name: value})] == [(name, shown)]


@pytest.mark.parametrize("name", ["HOME", "AWS_SECRET_ACCESS_KEY", "EDITOR", "CONDA_PREFIX_1", "MY_PIP_CERT"])
def test_variable_that_changes_nothing_here_is_left_out(name):
    assert read_variables({name: "x"}) == ()


def test_variables_are_in_the_order_of_their_names():
    environ = {"UV_OFFLINE": "1", "PATH": "/bin", "CUDA_HOME": "/opt/cuda"}
    assert [each.name for each in read_variables(environ)] == ["CUDA_HOME", "PATH", "UV_OFFLINE"]

"""Which address a channel stands for, and that no password gets out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.environments.conda.channels import channel_sources, mask_channels, plain_url
from envkit.environments.conda.condarc import Condarc

HERE = Path("/folder-here")


@pytest.mark.parametrize(
    ("name", "condarc", "alias", "urls"),
    [
        ("conda-forge", Condarc(), None, ["https://conda.anaconda.org/conda-forge/"]),
        ("conda-forge", Condarc(channel_alias="https://m/conda/"), None, ["https://m/conda/conda-forge/"]),
        ("conda-forge", Condarc(channel_alias="https://m"), "https://n", ["https://n/conda-forge/"]),
        ("team/label/dev", Condarc(), None, ["https://conda.anaconda.org/team/label/dev/"]),
        ("https://h/c", Condarc(), None, ["https://h/c/"]),
        ("https://h/c/linux-64/", Condarc(), None, ["https://h/c/"]),
        ("/srv/channel", Condarc(), None, ["file:///srv/channel/"]),
        ("./channel", Condarc(), None, ["file:///folder-here/channel/"]),
        ("team", Condarc(custom_channels={"team": "https://h/conda"}), None, ["https://h/conda/team/"]),
        (
            "team/dev",
            Condarc(custom_channels={"team": "https://h/conda"}),
            None,
            ["https://h/conda/team/dev/"],
        ),
        (
            "all",
            Condarc(custom_multichannels={"all": ("https://a/x", "b")}),
            "https://n",
            ["https://a/x/", "https://n/b/"],
        ),
        ("defaults", Condarc(default_channels=("https://d/main",)), None, ["https://d/main/"]),
        (
            "defaults",
            Condarc(),
            None,
            ["https://repo.anaconda.com/pkgs/main/", "https://repo.anaconda.com/pkgs/r/"],
        ),
    ],
)
def test_channel_sources_name_stands_for_its_address(
    name: str, condarc: Condarc, alias: str | None, urls: list[str]
) -> None:
    found = channel_sources([name], condarc=condarc, alias=alias, folder=HERE)

    assert [channel.url for channel in found] == urls
    assert all(not channel.mirrors for channel in found)


def test_channel_sources_named_twice_counts_once() -> None:
    names = ["conda-forge", "https://conda.anaconda.org/conda-forge", "other"]

    found = channel_sources(names, condarc=Condarc(), alias=None, folder=HERE)

    assert [channel.name for channel in found] == ["conda-forge", "other"]


def test_channel_sources_mirrored_is_read_elsewhere_and_called_as_before() -> None:
    condarc = Condarc(mirrored_channels={"conda-forge": ("https://m/cf", "https://n/cf/")})

    [found] = channel_sources(["conda-forge"], condarc=condarc, alias=None, folder=HERE)

    assert found.url == "https://conda.anaconda.org/conda-forge/"
    assert found.mirrors == ("https://m/cf", "https://n/cf")


WORDS = st.text("abcdefghijklmnop0123456789-_.%", min_size=6, max_size=12)


@given(user=WORDS, password=WORDS, token=WORDS, kind=st.sampled_from(["user", "token", "both"]))
def test_channel_sources_with_secrets_keep_them_in_mirrors_alone(
    user: str, password: str, token: str, kind: str
) -> None:
    account = f"{user}:{password}@" if kind != "token" else ""
    path = f"/t/{token}" if kind != "user" else ""
    address = f"https://{account}repo.example.org:8443{path}/team/channel"

    [found] = channel_sources([address], condarc=Condarc(), alias=None, folder=HERE)

    assert found.url == "https://repo.example.org:8443/team/channel/"
    assert found.name == "https://repo.example.org:8443/team/channel"
    assert found.mirrors == (address,)
    said = mask_channels(f"error for url ({address}/linux-64/repodata.json) of {address}.", [found])
    assert account not in said or not account
    assert f"/t/{token}" not in said
    assert "repo.example.org:8443/team/channel/linux-64/repodata.json" in said


@pytest.mark.parametrize(
    "url",
    ["file:///t/channel", "https://host/t", "https://conda.anaconda.org/conda-forge/", "file:///srv/at@home"],
)
def test_plain_url_without_secrets_stays(url: str) -> None:
    assert plain_url(url) == url

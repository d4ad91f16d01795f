"""torchvision and torchaudio beside torch."""

from __future__ import annotations

import pytest

from envkit.api.facts import InstalledPackage
from envkit.torchbuild import judge_family


def packages(**versions: str) -> list[InstalledPackage]:
    found = []
    for name, text in versions.items():
        version, _, build = text.partition(" ")
        found.append(InstalledPackage(name=name, version=version, build=build or None))
    return found


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        pytest.param({"torch": "2.13.0+cpu"}, [], id="torch alone"),
        pytest.param({"torchvision": "0.28.0"}, [], id="no torch"),
        pytest.param({"torch": "2.13.0", "torchvision": "0.28.0"}, [], id="a pair"),
        pytest.param({"torch": "2.13.0+cpu", "torchvision": "0.28.0+cpu"}, [], id="a pair of one build"),
        pytest.param({"torch": "2.12.0", "torchvision": "0.28.0"}, ["goes with torch 2.13.0, and here is torch 2.12.0"], id="no pair"),
        pytest.param({"torch": "2.15.0", "torchvision": "0.29.2"}, [], id="one that goes with all newer ones"),
        pytest.param({"torch": "2.13.0", "torchvision": "0.29.2"}, ["goes with torch 2.14.0 or newer"], id="and not with older ones"),
        pytest.param({"torch": "2.13.0+cu130", "torchvision": "0.28.0+cpu"}, ["is a build for cpu, and torch 2.13.0+cu130 one for cu130"], id="two builds"),
        pytest.param({"torch": "2.13.0 cu130", "torchvision": "0.28.0 cu126"}, ["is a build for cu126"], id="builds from version files"),
        pytest.param({"torch": "2.13.0 cu130", "torchvision": "0.28.0"}, [], id="one build unknown"),
        pytest.param({"torch": "2.8.0", "torchaudio": "2.8.0"}, [], id="torchaudio, a pair"),
        pytest.param({"torch": "2.12.0", "torchaudio": "2.8.0"}, ["torchaudio 2.8.0 goes with torch 2.8.0"], id="torchaudio, no pair"),
        pytest.param({"torch": "2.15.0", "torchaudio": "2.11.0"}, [], id="the last torchaudio"),
        pytest.param({"torch": "2.10.0", "torchaudio": "2.11.0"}, ["goes with torch 2.11 or newer"], id="the last torchaudio, older torch"),
        pytest.param({"torch": "2.99.0", "torchvision": "0.99.0"}, [], id="newer than the table"),
        pytest.param({"torch": "nonsense", "torchvision": "0.28.0"}, [], id="unreadable"),
        pytest.param({"torch": "2.12.0+cu130", "torchvision": "0.28.0+cpu"}, ["goes with", "is a build for cpu"], id="both"),
    ],
)  # fmt: skip
def test_family_is_judged_by_versions_and_builds(installed, said):
    found = judge_family(packages(**installed))
    assert len(found) == len(said)
    assert all(words in line for words, line in zip(said, found, strict=True))

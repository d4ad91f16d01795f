from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from envkit.torchbuild import judge_installed


@pytest.mark.parametrize(
    ("capabilities", "driver", "version", "said"),
    [
        ([], None, "2.13.0+cpu", None),
        ([], None, "2.13.0+cu130", None),
        (["8.6"], "580.65.06", "2.13.0+cpu", "CPU build, but this machine has GPU 0"),
        (["8.6"], "580.65.06", "2.13.0+cu126", None),
        (["8.6"], "580.65.06", "2.13.0", None),
        (["7.0"], "580.65.06", "2.13.0", "no kernels for GPU 0 (compute capability 7.0)"),
        (["7.0"], "580.65.06", "2.13.0+cu126", None),
        (["12.0"], "580.65.06", "2.13.0+cu126", "no kernels"),
        (["8.6", "12.0"], "580.65.06", "2.13.0+cu126", "no kernels for GPU 1"),
        (["8.6"], "535.129.03", "2.15.0", "needs NVIDIA driver 580 or newer, here is 535.129.03"),
        (["8.6"], "535.129.03", "2.99.0", "needs NVIDIA driver 580 or newer"),
        (["7.0"], "580.65.06", "2.99.0", "no kernels"),
        (["8.6"], "535.129.03", "2.5.1+cu121", None),
        (["8.6"], "535.129.03", "2.4.0", None),
        (["8.6"], "470.1", "2.5.1+cu121.with.pypi.cudnn", "needs NVIDIA driver 525.60.13"),
        (["8.6"], "535.129.03", "2.9.0+rocm6.4", "built for GPUs of AMD, but this machine has GPU 0"),
        (["8.6"], "535.129.03", "2.9.0+xpu", "built for GPUs of Intel"),
        (["8.6"], "535.129.03", "2.9.0a0+gitabcdef", None),
        (["8.6"], "535.129.03", "not a version", None),
        ([None], None, "2.13.0+cpu", None),
        (["3.0"], "470.1", "2.13.0+cpu", None),
    ],
)
def test_installed_torch_is_judged_by_its_version(make_facts, capabilities, driver, version, said):
    verdict = judge_installed(make_facts(*capabilities, driver=driver), version)
    assert (verdict is None) if said is None else (said in verdict and version in verdict)


def test_installed_cpu_torch_suits_where_the_requirement_allows_no_cuda_build(make_facts):
    volta = make_facts("7.0", driver="580.1")
    assert judge_installed(volta, "2.15.0+cpu")
    assert judge_installed(volta, "2.15.0+cpu", specifier=SpecifierSet(">=2.15")) is None
    assert judge_installed(volta, "2.15.0+cpu", python="3.15") is None


def test_installed_torch_on_a_mac_suits(make_facts):
    assert judge_installed(make_facts(system="darwin", machine="arm64"), "2.15.0") is None

"""For every id of envkit's own checks a machine, or plugins, on which it has something to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from doctor.machines import (
    GB,
    amd_machine,
    change,
    container,
    container_without_gpus,
    cpu_machine,
    device,
    docker_machine,
    gpu_machine,
    having,
    intel_gpu_machine,
    jetson,
    mac,
    silenced,
    with_torch,
    with_variables,
    wsl,
)

from envkit.api.checks import CheckContext, PluginState
from envkit.api.facts import (
    Apple,
    CertificateFile,
    CondaTool,
    Cuda,
    CudaToolkit,
    Gpu,
    HardLinks,
    LibraryFolder,
    Pip,
    Reach,
    Uv,
)

if TYPE_CHECKING:
    from typing import Any

    from envkit.api.facts import MachineFacts

_CPU, _A100, _DOCKER = cpu_machine(), gpu_machine(), docker_machine()
_INDEX = {"state": "refused", "detail": "nobody listens there", "address": "https://index.example/simple"}


def _disks(**fields: Any) -> MachineFacts:
    return having(_CPU, disks=tuple(msgspec.structs.replace(disk, **fields) for disk in _CPU.disks))


def _gpus(**fields: Any) -> MachineFacts:
    gpus = tuple(msgspec.structs.replace(gpu, **fields) for gpu in _A100.nvidia.gpus)
    return change(_A100, "nvidia", gpus=gpus)


def _closed(facts: MachineFacts) -> MachineFacts:
    files = tuple(msgspec.structs.replace(each, is_usable=False) for each in facts.nvidia.devices)
    return silenced(change(facts, "nvidia", devices=files))


def _unreached(what: str) -> MachineFacts:
    return having(_CPU, network=(Reach(what=what, **_INDEX),))  # type: ignore[arg-type]


def _plugin(state: str, **fields: Any) -> CheckContext:
    usual = {"plugin": "envkit-poem", "version": "0.1", "kind": "task", "name": "poem", "state": state}
    return CheckContext(facts=_CPU, plugins=(PluginState(**{**usual, **fields}),))  # type: ignore[arg-type]


_FACTS: dict[str, MachineFacts] = {
    "python.range": having(change(_CPU, "python", version="3.9.2"), interpreters=()),
    "python.word-size": change(_CPU, "python", is_64bit=False),
    "python.externally-managed": change(
        _CPU, "python", prefix="/usr", externally_managed="/usr/lib/python3.12/EXTERNALLY-MANAGED"
    ),
    "python.path-variable": with_variables(_CPU, PYTHONPATH="/usr/lib"),
    "python.user-site": change(_CPU, "python", user_site="/home/ada/.local/lib/python3.12/site-packages"),
    "python.conda-in-venv": with_variables(_CPU, CONDA_PREFIX="/home/ada/miniforge3"),
    "platform.system": change(_CPU, "platform", system="windows"),
    "platform.libc": change(_CPU, "platform", libc="musl"),
    "platform.locale": with_variables(_CPU, LANG="de_DE.ISO-8859-1"),
    "gpu.driver-missing": gpu_machine(driver=None),
    "gpu.nouveau": change(gpu_machine(driver=None), "nvidia", has_nouveau=True),
    "gpu.driver-mismatch": silenced(change(_A100, "nvidia", library_version="580.105.08")),
    "gpu.driver-old": gpu_machine(driver="418.226.00"),
    "gpu.wsl-driver": change(wsl(), "nvidia", wsl_linux_driver="/usr/lib/x86_64-linux-gnu/libcuda.so.1"),
    "gpu.permission": _closed(_A100),
    "gpu.missing-in-container": container_without_gpus(),
    "gpu.fewer-than-bus": silenced(_A100),
    "gpu.hidden": with_variables(_A100, CUDA_VISIBLE_DEVICES=""),
    "gpu.mig": _gpus(mig=True),
    "gpu.exclusive": _gpus(compute_mode="exclusive"),
    "accelerator.amd": amd_machine(devices=()),
    "accelerator.intel": intel_gpu_machine(has_level_zero=False),
    "accelerator.apple": having(change(mac(), "platform", os_version="12.2"), apple=Apple()),
    "accelerator.jetson": jetson(),
    "cuda.library-path": having(
        _A100, cuda=Cuda(library_folders=(LibraryFolder(path="/opt/cuda/lib", libraries=("libcudnn.so.9",)),))
    ),
    "cuda.toolkits": having(
        _A100, cuda=Cuda(toolkits=(CudaToolkit(path="/opt/cuda"), CudaToolkit(path="/usr/local/cuda-12.6")))
    ),
    "torch.build": change(_CPU, "platform", machine="riscv64"),
    "torch.ending": gpu_machine("V100"),
    "torch.beyond-table": having(
        _A100,
        nvidia=msgspec.structs.replace(
            _A100.nvidia,
            driver_version="999.10",
            gpus=(Gpu(index=0, name="NVIDIA R100", compute_capability="15.0"),),
        ),
    ),
    "torch.cpu-build": with_torch(_A100, "2.15.0+cpu", "cpu"),
    "torch.kernels": with_torch(gpu_machine("V100"), "2.15.0", "cu132"),
    "torch.driver": with_torch(gpu_machine(driver="535.247.01"), "2.15.0", "cu132"),
    "torch.family": with_torch(_CPU, "2.8.0+cpu", "cpu", torchvision="0.23.0+cu128"),
    "memory.total": change(_CPU, "memory", total=2 * GB),
    "memory.group-limit": change(container(), "memory", limit=2 * GB),
    "memory.shared": container(_A100),
    "memory.open-files": change(_CPU, "limits", open_files=256),
    "disk.space": _disks(free=GB),
    "disk.inodes": _disks(inodes_free=10),
    "disk.writable": _disks(is_writable=False),
    "disk.hard-links": having(_CPU, hard_links=HardLinks(works=False, why="they are on two disks")),
    "disk.network": _disks(is_network=True, file_system="nfs4"),
    "installer.uv": having(_CPU, uv=Uv()),
    "installer.pip-configuration": having(_CPU, pip=Pip(version="25.1.1", problem="/etc/pip.conf, line 3")),
    "installer.conda": having(
        _CPU, conda=(CondaTool(name="conda", path="/opt/conda/bin/conda", version="24.1", solver="classic"),)
    ),
    "network.package-index": _unreached("package index"),
    "network.torch-index": _unreached("torch index"),
    "network.model-hub": _unreached("model hub"),
    "network.channel": _unreached("conda channel"),
    "network.certificate-file": having(
        _CPU,
        certificates=(CertificateFile(path="/etc/none.pem", named_by="SSL_CERT_FILE", problem="missing"),),
    ),
    "network.proxy": with_variables(_CPU, HTTPS_PROXY="http://proxy.example:port"),
    "hub.offline": with_variables(change(_CPU, "hugging_face", is_offline=True), HF_HUB_OFFLINE="1"),
    "hub.mirror": change(_CPU, "hugging_face", endpoint="https://hub.example"),
    "hub.token-file": change(
        _CPU, "hugging_face", token_file="/home/ada/.cache/huggingface/token", token_file_mode="644"
    ),
    "docker.state": change(_DOCKER, "docker", state="stopped", why="nobody listens there"),
    "docker.permission": change(
        _DOCKER,
        "docker",
        state="no permission",
        socket=device("/var/run/docker.sock", is_usable=False, group="docker"),
    ),
    "docker.context": change(_DOCKER, "docker", state="no such context", context="gone"),
    "docker.buildkit": change(_DOCKER, "docker", has_buildkit=False, buildx=None),
    "docker.gpu-runtime": having(_A100, docker=_DOCKER.docker),
    "docker.cgroup-driver": having(
        _A100, docker=msgspec.structs.replace(_DOCKER.docker, runtimes=("nvidia", "runc"))
    ),
    "docker.disk": change(_DOCKER, "docker", root_free=GB),
}
TRIGGERS: dict[str, CheckContext] = {
    **{name: CheckContext(facts=facts) for name, facts in _FACTS.items()},
    "plugin.load": _plugin("broken", problem="no module named 'rhyme'"),
    "plugin.conflict": _plugin("conflict", problem="envkit-poem 0.1 and envkit-verse 0.2 both claim 'poem'"),
    "plugin.requirements": _plugin("incompatible", problem="it needs Python >=3.13"),
    "plugin.heavy": _plugin("ok", heavy=("torch",), milliseconds=1400.0),
    "plugin.import": _plugin("ok", remarks=("prints 'hello'", "changes the working folder")),
}

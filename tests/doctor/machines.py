"""Facts of machines as they are read there, for tests: every part is filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from packaging.specifiers import SpecifierSet

from envkit.api.facts import (
    Amd,
    AmdGpu,
    Apple,
    CertificateFile,
    CondaTool,
    Cpu,
    DeviceFile,
    Docker,
    Gpu,
    InstalledPackage,
    Intel,
    IntelGpu,
    Interpreter,
    Limits,
    MachineFacts,
    Memory,
    Nvidia,
    Pip,
    PipSetting,
    Platform,
    TorchSite,
    Unread,
    Variable,
)
from envkit.doctor.surroundings import Surroundings
from envkit.testing import fake_facts

GB = 1_000_000_000
HOME = "/home/ada"
VENV = f"{HOME}/work/.venv"
SITE = f"{VENV}/lib/python3.12/site-packages"
ENVKIT_HOME = Path(HOME, ".local/share/envkit")

# Name, compute capability and memory, as NVML tells them.
GPUS = {
    "A100": ("NVIDIA A100-SXM4-80GB", "8.0", 85_899_345_920),
    "H100": ("NVIDIA H100 80GB HBM3", "9.0", 85_520_809_984),
    "RTX 3090": ("NVIDIA GeForce RTX 3090", "8.6", 25_769_803_776),
    "RTX 5090": ("NVIDIA GeForce RTX 5090", "12.0", 34_190_917_632),
    "T4": ("Tesla T4", "7.5", 16_106_127_360),
    "V100": ("Tesla V100-SXM2-16GB", "7.0", 16_935_682_048),
    "K80": ("Tesla K80", "3.7", 11_996_954_624),
}


def surroundings(**changes: Any) -> Surroundings:
    """Return what built-in checks judge by where envkit's own tasks are installed."""
    usual: dict[str, Any] = {
        "home": ENVKIT_HOME,
        "torch_index": "https://download.pytorch.org/whl",
        "wheels": (),
        # Bounded, so that what a newer table adds changes no expectation.
        "torch_range": SpecifierSet(">=2.6,<2.16"),
        "wanted_python": SpecifierSet(">=3.11"),
        "disk_needed": 8 * GB,
    }
    return Surroundings(**{**usual, **changes})


def change(facts: MachineFacts, part: str, **fields: Any) -> MachineFacts:
    """Return the same machine with other values in one of its parts."""
    return msgspec.structs.replace(facts, **{part: msgspec.structs.replace(getattr(facts, part), **fields)})


def having(facts: MachineFacts, **parts: Any) -> MachineFacts:
    """Return the same machine with whole parts replaced."""
    return msgspec.structs.replace(facts, **parts)


def with_variables(facts: MachineFacts, **variables: str) -> MachineFacts:
    """Return the same machine with variables set, or set otherwise."""
    values = {each.name: each.value for each in facts.variables} | variables
    return having(facts, variables=tuple(Variable(name=name, value=values[name]) for name in sorted(values)))


def unread(facts: MachineFacts, *pairs: tuple[str, str], part: str) -> MachineFacts:
    """Return the same machine where some of a part could not be read: pairs of what and why."""
    return having(facts, unread=(*facts.unread, *(Unread(what=a, why=b, part=part) for a, b in pairs)))


def with_torch(
    facts: MachineFacts, version: str, build: str | None = None, *, environment: str = "", **others: str
) -> MachineFacts:
    """Return the same machine with a torch, and packages that go with it, in one more place."""
    packages = (
        InstalledPackage(name="torch", version=version, build=build),
        *(
            InstalledPackage(name=name, version=each, build=each.partition("+")[2] or None)
            for name, each in others.items()
        ),
    )
    path = f"{ENVKIT_HOME}/envs/{environment}/lib/python3.12/site-packages" if environment else SITE
    site = TorchSite(environment=environment, path=path, python="3.12", packages=packages)
    kept = tuple(each for each in facts.torch_sites if each.environment != environment)
    return having(facts, torch_sites=(*kept, site))


def cpu_machine(**parts: Any) -> MachineFacts:
    """Return a laptop with Debian: no GPU but its processor's, no CUDA, conda, Docker or model hub settings."""
    usual = fake_facts()
    own: dict[str, Any] = {
        "cpu": Cpu(
            model="13th Gen Intel(R) Core(TM) i7-1365U",
            physical_cores=10,
            logical_cores=12,
            features=("avx2",),
        ),
        "memory": Memory(
            total=33_351_843_840,
            available=24_101_883_904,
            shared_total=16_675_921_920,
            shared_free=16_620_347_392,
        ),
        "intel": Intel(
            gpus=(IntelGpu(name="Intel integrated graphics", pci_id="0xa7a1", is_integrated=True),),
            devices=(device("/dev/dri/renderD128", group="render"),),
        ),
        "disks": (
            *usual.disks,
            msgspec.structs.replace(usual.disks[0], path="/tmp", existing="/tmp", purpose="temporary files"),
        ),
    }
    return having(usual, **{**own, **parts})


def device(
    path: str, *, is_usable: bool = True, owner: str = "root", group: str = "root", mode: str = "660"
) -> DeviceFile:
    """Return a file of /dev."""
    return DeviceFile(path=path, is_usable=is_usable, owner=owner, group=group, mode=mode)


def gpus(*names: str) -> tuple[Gpu, ...]:
    """Return NVIDIA GPUs by their short names, such as ``A100``."""
    return tuple(
        Gpu(
            index=index,
            name=GPUS[name][0],
            compute_capability=GPUS[name][1],
            memory=GPUS[name][2],
            uuid=f"GPU-{index:08x}-1111-2222-3333-444444444444",
            mig=False if name in ("A100", "H100") else None,
            compute_mode="default",
        )
        for index, name in enumerate(names)
    )


def gpu_machine(*names: str, driver: str | None = "580.95.05", **parts: Any) -> MachineFacts:
    """Return a server with Ubuntu and NVIDIA GPUs (one A100 unless named); without a driver where that is None."""
    found = gpus(*(names or ("A100",)))
    same = fake_facts("A100", count=len(found), driver=driver)
    usual: dict[str, Any] = {
        "platform": Platform(
            system="linux",
            machine="x86_64",
            kernel="6.8.0-87-generic",
            os_name="Ubuntu 24.04.3 LTS",
            os_version="24.04",
            libc="glibc",
            libc_version="2.39",
        ),
        "cpu": Cpu(
            model="AMD EPYC 7763 64-Core Processor", physical_cores=64, logical_cores=128, features=("avx2",)
        ),
        "memory": Memory(
            total=540_000_000_000,
            available=520_000_000_000,
            shared_total=270_000_000_000,
            shared_free=270_000_000_000,
        ),
        "intel": Intel(),
        "nvidia": same.nvidia,
        "unread": same.unread,
    }
    if driver is not None:
        # Whatever the driver: what it takes of CUDA is for tests to say.
        usual["nvidia"] = msgspec.structs.replace(same.nvidia, gpus=found, cuda_version="13.0")
    return cpu_machine(**{**usual, **parts})


def silenced(facts: MachineFacts, *said: tuple[str, str]) -> MachineFacts:
    """Return the same GPU machine where the driver is loaded and does not answer; pairs of what and why."""
    names = tuple(Gpu(index=gpu.index, name=gpu.name.removeprefix("NVIDIA ")) for gpu in facts.nvidia.gpus)
    facts = change(facts, "nvidia", gpus=names, cuda_version=None)
    return unread(facts, *said, part="nvidia")


def wsl(facts: MachineFacts | None = None) -> MachineFacts:
    """Return Ubuntu inside WSL 2 on Windows with a GPU of NVIDIA's; given facts, those inside WSL."""
    if facts is None:
        windows = fake_facts("RTX 3090", driver="581.57", system="wsl").nvidia
        nvidia = msgspec.structs.replace(windows, gpus=gpus("RTX 3090"))
        facts = having(gpu_machine(), nvidia=nvidia)
    return change(facts, "platform", kernel="6.6.87.2-microsoft-standard-WSL2", is_wsl=True)


def container(facts: MachineFacts | None = None) -> MachineFacts:
    """Return a container of Docker's with its usual 64 MiB of shared memory; given facts, one on that machine.

    GPUs stay as they are: those of ``docker run --gpus all``.
    """
    facts = change(facts or cpu_machine(), "platform", is_container=True)
    return change(facts, "memory", shared_total=67_108_864, shared_free=67_108_864)


def container_without_gpus(facts: MachineFacts | None = None) -> MachineFacts:
    """Return a container that was started without ``--gpus`` on a GPU machine: only /sys shows them."""
    facts = container(facts or gpu_machine())
    nvidia = Nvidia(
        driver_version=facts.nvidia.driver_version,
        driver_source="/sys/module/nvidia/version",
        gpus=tuple(
            Gpu(index=index, name=f"NVIDIA GPU at {address}")
            for index, address in enumerate(facts.nvidia.pci_devices)
        ),
        pci_devices=facts.nvidia.pci_devices,
    )
    lacking = ("NVML", "libnvidia-ml.so.1 is not there"), ("nvidia-smi", "it is not on PATH")
    return unread(having(facts, nvidia=nvidia), *lacking, part="nvidia")


def mac(**parts: Any) -> MachineFacts:
    """Return a MacBook with Apple silicon, and Homebrew's Python."""
    prefix = "/opt/homebrew/opt/python@3.12/Frameworks/Python.framework/Versions/3.12"
    usual: dict[str, Any] = {
        "python": Interpreter(
            path=f"{prefix}/bin/python3.12",
            version="3.12.12",
            implementation="cpython",
            is_64bit=True,
            origin="homebrew",
            prefix=prefix,
            base_prefix=prefix,
            externally_managed=f"{prefix}/lib/python3.12/EXTERNALLY-MANAGED",
        ),
        "platform": Platform(
            system="darwin", machine="arm64", kernel="24.6.0", os_name="macOS", os_version="15.7.1"
        ),
        "cpu": Cpu(model="Apple M3 Pro", physical_cores=12, logical_cores=12),
        "memory": Memory(total=38_654_705_664, available=12_884_901_888),
        "limits": Limits(open_files=256, open_files_hard=None, processes=4000),
        "apple": Apple(has_mps=True),
        "intel": Intel(),
        "variables": (
            Variable(name="LC_CTYPE", value="UTF-8"),
            Variable(name="PATH", value="/opt/homebrew/bin:/usr/bin:/bin"),
        ),
    }
    return cpu_machine(**{**usual, **parts})


def intel_mac() -> MachineFacts:
    """Return a Mac with a processor of Intel's: torch has no wheels for it."""
    facts = change(mac(), "platform", machine="x86_64")
    cpu = Cpu(model="Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", physical_cores=6, logical_cores=12)
    return having(facts, cpu=cpu, apple=Apple(has_mps=False))


def amd_machine(target: str = "gfx1100", **fields: Any) -> MachineFacts:
    """Return a workstation with one graphics card of AMD's, that this user may use."""
    amd = Amd(
        rocm_version="7.2.0",
        gpus=(AmdGpu(name="AMD Radeon RX 7900 XTX", target=target, memory=25_753_026_560),),
        devices=(device("/dev/kfd", group="render"), device("/dev/dri/renderD128", group="render")),
    )
    return having(gpu_machine(nvidia=Nvidia()), amd=msgspec.structs.replace(amd, **fields), intel=Intel())


def intel_gpu_machine(**fields: Any) -> MachineFacts:
    """Return a workstation with one graphics card of Intel's, with all that torch needs of it."""
    intel = Intel(
        gpus=(IntelGpu(name="Intel Arc B-series", pci_id="0xe20b"),),
        has_level_zero=True,
        devices=(device("/dev/dri/renderD128", group="render"),),
    )
    return having(gpu_machine(nvidia=Nvidia()), intel=msgspec.structs.replace(intel, **fields))


def jetson() -> MachineFacts:
    """Return an Orin board with JetPack 6: its GPU is no device of the bus."""
    platform = Platform(
        system="linux",
        machine="aarch64",
        kernel="5.15.148-tegra",
        os_name="Ubuntu 22.04.5 LTS",
        os_version="22.04",
        libc="glibc",
        libc_version="2.35",
        is_jetson=True,
    )
    gpu = Gpu(index=0, name="Orin (nvgpu)", compute_capability="8.7")
    nvidia = Nvidia(
        driver_version="540.4.0",
        driver_source="/sys/module/nvidia/version",
        gpus=(gpu,),
        library_version="540.4.0",
        cuda_version="12.6",
        devices=tuple(device(f"/dev/nvidia{name}", group="video") for name in ("0", "ctl")),
    )
    return gpu_machine(platform=platform, nvidia=nvidia)


def conda_machine() -> MachineFacts:
    """Return a machine with Miniforge, whose Python runs envkit."""
    prefix = f"{HOME}/miniforge3"
    python = Interpreter(
        path=f"{prefix}/bin/python",
        version="3.12.11",
        implementation="cpython",
        is_64bit=True,
        origin="conda",
        prefix=prefix,
        base_prefix=prefix,
    )
    variables = (
        Variable(name="CONDA_DEFAULT_ENV", value="base"),
        Variable(name="CONDA_PREFIX", value=prefix),
        Variable(name="LANG", value="en_GB.UTF-8"),
        Variable(name="PATH", value=f"{prefix}/bin:/usr/bin:/bin"),
    )
    tools = tuple(
        CondaTool(name=name, path=f"{prefix}/bin/{name}", version=version)
        for name, version in (("conda", "25.9.1"), ("mamba", "2.3.2"))
    )
    return cpu_machine(python=python, variables=variables, conda=tools)


def company_machine() -> MachineFacts:
    """Return a machine behind a company's proxy, mirror and certificates, all as they should be."""
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    facts = cpu_machine(
        pip=Pip(
            version="25.1.1",
            settings=(
                PipSetting(
                    name="index-url",
                    value="https://packages.corp.example/simple",
                    source="index-url in [global] of /etc/pip.conf",
                ),
                PipSetting(name="cert", value=bundle, source="cert in [global] of /etc/pip.conf"),
            ),
        ),
        certificates=(CertificateFile(path=bundle, named_by="SSL_CERT_FILE"),),
    )
    return with_variables(facts, SSL_CERT_FILE=bundle, HTTPS_PROXY="http://proxy.corp.example:3128")


def docker_machine() -> MachineFacts:
    """Return a machine with Docker's engine, running and open to this user."""
    return cpu_machine(
        docker=Docker(
            state="running",
            command="/usr/bin/docker",
            context="default",
            contexts=("default",),
            endpoint="unix:///var/run/docker.sock",
            endpoint_source="docker's usual socket",
            socket=device("/var/run/docker.sock", group="docker"),
            kind="docker",
            version="28.5.1",
            api_version="1.51",
            platform="linux/amd64",
            root_dir="/var/lib/docker",
            root_free=300 * GB,
            storage_driver="overlay2",
            cgroup_driver="systemd",
            runtimes=("io.containerd.runc.v2", "runc"),
            buildx="/usr/libexec/docker/cli-plugins/docker-buildx",
            has_buildkit=True,
        )
    )


def well_machines() -> dict[str, MachineFacts]:
    """Return machines on which nothing is wrong: no finding of theirs may warn."""
    return {
        "a laptop without a GPU": cpu_machine(),
        "a GPU server": gpu_machine("A100", "A100"),
        "a gaming PC": gpu_machine("RTX 5090"),
        "a container": container(),
        "WSL with a GPU": wsl(),
        "WSL without a GPU": wsl(cpu_machine()),
        "a Mac": mac(),
        "conda's base": conda_machine(),
        "a company's machine": company_machine(),
        "a machine with Docker": docker_machine(),
        "an AMD workstation": amd_machine(),
        "an Intel workstation": intel_gpu_machine(),
    }

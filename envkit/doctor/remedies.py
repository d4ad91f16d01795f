"""Commands that mend a machine, in the words of its own system. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from envkit.api.facts import MachineFacts, Platform
    from envkit.torchbuild import TorchBuild

PackageManager = Literal["apt", "dnf", "zypper", "pacman", "apk"]

_DRIVER_GUIDE = "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/"
_WINDOWS_DRIVERS = "https://www.nvidia.com/drivers"
# Words of os-release's names, the more telling first.
_MANAGERS: tuple[tuple[PackageManager, tuple[str, ...]], ...] = (
    ("apt", ("debian", "ubuntu", "mint", "pop!_os", "raspbian", "kali", "elementary", "zorin")),
    ("dnf", ("fedora", "red hat", "rocky", "alma", "centos", "oracle", "amazon linux")),
    ("zypper", ("suse",)),
    ("pacman", ("arch", "manjaro", "endeavouros")),
    ("apk", ("alpine",)),
)
START_WITH_GPUS = (
    "docker run --gpus all …   # Podman: --device nvidia.com/gpu=all; Kubernetes: limits: nvidia.com/gpu: 1"
)
_INSTALL = {
    "apt": "sudo apt install",
    "dnf": "sudo dnf install",
    "zypper": "sudo zypper install",
    "pacman": "sudo pacman -S",
    "apk": "sudo apk add",
}


def package_manager(platform: Platform) -> PackageManager | None:
    """Return what installs packages on this Linux, None where its name does not tell."""
    name = (platform.os_name or "").lower()
    if platform.system != "linux":
        return None
    return next((manager for manager, words in _MANAGERS if any(word in name for word in words)), None)


def install_packages(platform: Platform, *, otherwise: str, **packages: str) -> str:
    """Return the command for the packages, named as each manager names them; ``otherwise`` for any other."""
    manager = package_manager(platform)
    if manager is None or manager not in packages:
        return otherwise
    return f"{_INSTALL[manager]} {packages[manager]}"


def install_driver(platform: Platform, *, oldest: str | None = None) -> str:
    """Return how NVIDIA's driver gets onto the machine; ``oldest`` is the oldest version that will do."""
    driver = f"NVIDIA driver {oldest} or newer" if oldest else "NVIDIA's driver"
    if platform.is_wsl:
        return f"Install {driver} in Windows, none inside WSL: {_WINDOWS_DRIVERS}"
    if platform.is_container:
        return f"On the host, outside this container, install {driver}: {_DRIVER_GUIDE}"
    name = (platform.os_name or "").lower()
    manager = package_manager(platform)
    if "ubuntu" in name:
        return "sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install && sudo reboot"
    # What other distributions package themselves may be older than a version that is asked for.
    if manager == "pacman":
        return "sudo pacman -Syu nvidia-open && sudo reboot"
    if oldest is None and "debian" in name:
        headers = "linux-headers-arm64" if platform.machine == "aarch64" else "linux-headers-amd64"
        return (
            f"sudo apt install {headers} nvidia-driver && sudo reboot"
            "   # from apt's components contrib, non-free and non-free-firmware"
        )
    if oldest is None and "fedora" in name:
        return (
            "sudo dnf install akmod-nvidia xorg-x11-drv-nvidia-cuda && sudo reboot"
            "   # from RPM Fusion's nonfree repository"
        )
    if manager == "dnf":
        return f"sudo dnf install nvidia-open && sudo reboot   # from NVIDIA's repository: {_DRIVER_GUIDE}"
    return f"Install {driver} and restart: {_DRIVER_GUIDE}"


def join_group(group: str | None) -> str:
    """Return how this user gets into a group of the system."""
    return f'sudo usermod -aG {group or "video"} "$USER"   # then log out and in again'


def can_install(facts: MachineFacts) -> bool:
    """Tell whether pip may install into this Python: an environment, or one that no system owns."""
    python = facts.python
    return python.externally_managed is None or python.prefix != python.base_prefix


def install_torch(facts: MachineFacts, build: TorchBuild, *, others: tuple[str, ...] = ()) -> str:
    """Return the command that puts a build, and what has to match it, into the Python of the facts."""
    if not can_install(facts):
        return "envkit env create work --torch auto --with torch   # this Python belongs to the system"
    python = shlex.quote(facts.python.path)
    if "pip" in facts.parts and facts.pip.version is None:
        uv = shlex.quote(facts.uv.path or "uv")
        cmd = f"{uv} pip install --python {python} --reinstall"
    else:
        cmd = f"{python} -m pip install --force-reinstall"
    words = [cmd, shlex.quote(f"torch=={build.version}"), *others]
    if build.source == "torch index":
        words.append(f"--index-url {shlex.quote(build.location)}")
    elif build.source == "find-links":
        words.append(f"--find-links {shlex.quote(build.location)}")
    return " ".join(words)

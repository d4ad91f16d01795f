from __future__ import annotations

import pytest
from doctor.judging import judge, told
from doctor.machines import change, container, cpu_machine, gpu_machine, silenced, unread, wsl

A100 = gpu_machine()
WSL = wsl()
LINUX_DRIVER = "/usr/lib/x86_64-linux-gnu/libcuda.so.1"

# What is wrong, the check that says so, the machine, and what its user reads.
CASES = {
    "no driver on Ubuntu": (
        "gpu.driver-missing",
        gpu_machine(driver=None),
        (
            "error",
            "There is an NVIDIA GPU, but no driver for it is loaded",
            (
                "NVIDIA GPU on the bus at 0000:41:00.0",
                "NVIDIA driver: an NVIDIA GPU is present, but no driver is loaded",
            ),
            "sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install && sudo reboot",
        ),
    ),
    "no driver on Debian": (
        "gpu.driver-missing",
        change(gpu_machine(driver=None), "platform", os_name="Debian GNU/Linux 12 (bookworm)"),
        (
            "error",
            "There is an NVIDIA GPU, but no driver for it is loaded",
            (
                "NVIDIA GPU on the bus at 0000:41:00.0",
                "NVIDIA driver: an NVIDIA GPU is present, but no driver is loaded",
            ),
            "sudo apt install linux-headers-amd64 nvidia-driver && sudo reboot   # from apt's components contrib, non-free and non-free-firmware",
        ),
    ),
    "no driver on Fedora": (
        "gpu.driver-missing",
        change(gpu_machine(driver=None), "platform", os_name="Fedora Linux 42 (Server Edition)"),
        (
            "error",
            "There is an NVIDIA GPU, but no driver for it is loaded",
            (
                "NVIDIA GPU on the bus at 0000:41:00.0",
                "NVIDIA driver: an NVIDIA GPU is present, but no driver is loaded",
            ),
            "sudo dnf install akmod-nvidia xorg-x11-drv-nvidia-cuda && sudo reboot   # from RPM Fusion's nonfree repository",
        ),
    ),
    "no driver on Rocky Linux": (
        "gpu.driver-missing",
        change(gpu_machine(driver=None), "platform", os_name="Rocky Linux 9.6 (Blue Onyx)"),
        (
            "error",
            "There is an NVIDIA GPU, but no driver for it is loaded",
            (
                "NVIDIA GPU on the bus at 0000:41:00.0",
                "NVIDIA driver: an NVIDIA GPU is present, but no driver is loaded",
            ),
            "sudo dnf install nvidia-open && sudo reboot   # from NVIDIA's repository: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",
        ),
    ),
    "no driver on Arch": (
        "gpu.driver-missing",
        change(gpu_machine(driver=None), "platform", os_name="Arch Linux"),
        (
            "error",
            "There is an NVIDIA GPU, but no driver for it is loaded",
            (
                "NVIDIA GPU on the bus at 0000:41:00.0",
                "NVIDIA driver: an NVIDIA GPU is present, but no driver is loaded",
            ),
            "sudo pacman -Syu nvidia-open && sudo reboot",
        ),
    ),
    "no driver on the host of a container": (
        "gpu.driver-missing",
        container(gpu_machine(driver=None)),
        (
            "error",
            "There is an NVIDIA GPU, but no driver for it is loaded",
            (
                "NVIDIA GPU on the bus at 0000:41:00.0",
                "NVIDIA driver: an NVIDIA GPU is present, but no driver is loaded",
            ),
            "On the host, outside this container, install NVIDIA's driver: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",
        ),
    ),
    "no driver on a system without a name": (
        "gpu.driver-missing",
        change(gpu_machine(driver=None), "platform", os_name=None),
        (
            "error",
            "There is an NVIDIA GPU, but no driver for it is loaded",
            (
                "NVIDIA GPU on the bus at 0000:41:00.0",
                "NVIDIA driver: an NVIDIA GPU is present, but no driver is loaded",
            ),
            "Install NVIDIA's driver and restart: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",
        ),
    ),
    "a GPU for virtual machines": (
        "gpu.driver-missing",
        unread(
            gpu_machine(driver=None),
            ("NVIDIA driver", "an NVIDIA GPU is present, but no driver is loaded: vfio-pci holds it"),
            part="nvidia",
        ),
        (
            "info",
            "The NVIDIA GPU is set aside for virtual machines (vfio-pci), so not for this system",
            ("NVIDIA GPU on the bus at 0000:41:00.0",),
            None,
        ),
    ),
    "nouveau and no driver installed": (
        "gpu.nouveau",
        change(gpu_machine(driver=None), "nvidia", has_nouveau=True),
        (
            "error",
            "The free driver nouveau holds the NVIDIA GPU; torch cannot compute through it",
            (
                "the kernel module nouveau is loaded, nvidia is not",
                "NVIDIA GPU on the bus at 0000:41:00.0",
            ),
            "sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install && sudo reboot",
        ),
    ),
    "nouveau and a driver installed": (
        "gpu.nouveau",
        change(gpu_machine(driver=None), "nvidia", has_nouveau=True, library_version="580.95.05"),
        (
            "error",
            "The free driver nouveau holds the NVIDIA GPU; torch cannot compute through it",
            (
                "the kernel module nouveau is loaded, nvidia is not",
                "NVIDIA GPU on the bus at 0000:41:00.0",
            ),
            "printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee /etc/modprobe.d/no-nouveau.conf && sudo update-initramfs -u && sudo reboot",
        ),
    ),
    "nouveau on Fedora": (
        "gpu.nouveau",
        change(
            change(gpu_machine(driver=None), "nvidia", has_nouveau=True, library_version="580.95.05"),
            "platform",
            os_name="Fedora Linux 42 (Workstation Edition)",
        ),
        (
            "error",
            "The free driver nouveau holds the NVIDIA GPU; torch cannot compute through it",
            (
                "the kernel module nouveau is loaded, nvidia is not",
                "NVIDIA GPU on the bus at 0000:41:00.0",
            ),
            "printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee /etc/modprobe.d/no-nouveau.conf && sudo dracut --force && sudo reboot",
        ),
    ),
    "an update without a restart": (
        "gpu.driver-mismatch",
        silenced(
            change(A100, "nvidia", library_version="580.105.08"), ("NVML", "Driver/library version mismatch")
        ),
        (
            "error",
            "NVIDIA's driver was updated and only half of it is loaded",
            (
                "kernel module 580.95.05 (/sys/module/nvidia/version)",
                "library 580.105.08 (/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1)",
                "NVML: Driver/library version mismatch",
            ),
            "sudo reboot",
        ),
    ),
    "an update without a restart, only in words": (
        "gpu.driver-mismatch",
        silenced(
            change(A100, "nvidia", library_version=None, library_file=None),
            ("NVML", "Driver/library version mismatch"),
        ),
        (
            "error",
            "NVIDIA's driver was updated and only half of it is loaded",
            (
                "kernel module 580.95.05 (/sys/module/nvidia/version)",
                "library of another version",
                "NVML: Driver/library version mismatch",
            ),
            "sudo reboot",
        ),
    ),
    "an update without a restart, in a container": (
        "gpu.driver-mismatch",
        container(silenced(change(A100, "nvidia", library_version="580.105.08"))),
        (
            "error",
            "NVIDIA's driver was updated and only half of it is loaded",
            (
                "kernel module 580.95.05 (/sys/module/nvidia/version)",
                "library 580.105.08 (/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1)",
            ),
            "Start the container again; if that does not help, restart the host.",
        ),
    ),
    "a newer libcuda made for older drivers": (
        "gpu.driver-mismatch",
        change(
            A100, "nvidia", library_version="590.44.01", library_file="/usr/local/cuda/compat/libcuda.so.1"
        ),
        (
            "info",
            "libcuda is of another version than the driver, and the driver takes it",
            (
                "kernel module 580.95.05 (/sys/module/nvidia/version)",
                "library 590.44.01 (/usr/local/cuda/compat/libcuda.so.1)",
            ),
            None,
        ),
    ),
    "a driver of 2019": (
        "gpu.driver-old",
        gpu_machine(driver="418.226.00"),
        (
            "error",
            "The NVIDIA driver is too old for every torch that could use the GPU",
            (
                "driver 418.226.00, NVIDIA A100-SXM4-80GB (compute capability 8.0)",
                "with driver 450.80.2 or newer: torch 2.7.1+cu118",
                "with driver 525.60.13 or newer: torch 2.14.1+cu126",
                "with driver 580 or newer: torch 2.15+cu132",
            ),
            "sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install && sudo reboot",
        ),
    ),
    "a new GPU and an old driver": (
        "gpu.driver-old",
        gpu_machine("RTX 5090", driver="525.147.05"),
        (
            "info",
            "A newer NVIDIA driver would allow a newer torch than 2.13.0+cu129",
            (
                "driver 525.147.05, NVIDIA GeForce RTX 5090 (compute capability 12.0)",
                "with driver 580 or newer: torch 2.15+cu132",
            ),
            "sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install && sudo reboot",
        ),
    ),
    "a driver that holds torch back": (
        "gpu.driver-old",
        gpu_machine(driver="535.247.01"),
        (
            "info",
            "A newer NVIDIA driver would allow a newer torch than 2.14.1+cu126",
            (
                "driver 535.247.01, NVIDIA A100-SXM4-80GB (compute capability 8.0)",
                "with driver 580 or newer: torch 2.15+cu132",
            ),
            "sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install && sudo reboot",
        ),
    ),
    "an old driver on Debian": (
        "gpu.driver-old",
        change(gpu_machine(driver="418.226.00"), "platform", os_name="Debian GNU/Linux 12 (bookworm)"),
        (
            "error",
            "The NVIDIA driver is too old for every torch that could use the GPU",
            (
                "driver 418.226.00, NVIDIA A100-SXM4-80GB (compute capability 8.0)",
                "with driver 450.80.2 or newer: torch 2.7.1+cu118",
                "with driver 525.60.13 or newer: torch 2.14.1+cu126",
                "with driver 580 or newer: torch 2.15+cu132",
            ),
            "Install NVIDIA driver 580 or newer and restart: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",
        ),
    ),
    "an old driver of Windows": (
        "gpu.driver-old",
        change(WSL, "nvidia", driver_version="446.14"),
        (
            "error",
            "The NVIDIA driver is too old for every torch that could use the GPU",
            (
                "driver 446.14, NVIDIA GeForce RTX 3090 (compute capability 8.6)",
                "with driver 452.39 or newer: torch 2.7.1+cu118",
                "with driver 528.33 or newer: torch 2.14.1+cu126",
                "with driver 580 or newer: torch 2.15+cu132",
            ),
            "Install NVIDIA driver 580 or newer in Windows, none inside WSL: https://www.nvidia.com/drivers",
        ),
    ),
    "a Linux driver inside WSL": (
        "gpu.wsl-driver",
        unread(
            change(WSL, "nvidia", wsl_linux_driver=LINUX_DRIVER, driver_version=None, gpus=()),
            ("NVML", "Driver Not Loaded"),
            part="nvidia",
        ),
        (
            "error",
            "A Linux driver inside WSL hides NVIDIA's driver of Windows",
            (
                "/usr/lib/x86_64-linux-gnu/libcuda.so.1 is not of Windows's driver",
                "NVML: Driver Not Loaded",
            ),
            "sudo apt purge '^nvidia-driver-.*' '^libnvidia-compute-.*' && sudo ldconfig   # then in Windows: wsl --shutdown",
        ),
    ),
    "a Linux driver inside WSL that does not hinder yet": (
        "gpu.wsl-driver",
        change(WSL, "nvidia", wsl_linux_driver=LINUX_DRIVER),
        (
            "warn",
            "A Linux driver inside WSL may hide NVIDIA's driver of Windows",
            ("/usr/lib/x86_64-linux-gnu/libcuda.so.1 is not of Windows's driver",),
            "sudo apt purge '^nvidia-driver-.*' '^libnvidia-compute-.*' && sudo ldconfig   # then in Windows: wsl --shutdown",
        ),
    ),
    "a driver of Windows that is silent": (
        "gpu.wsl-driver",
        unread(
            change(WSL, "nvidia", driver_version=None, gpus=()),
            ("NVML", "GPU access blocked by the operating system"),
            part="nvidia",
        ),
        (
            "error",
            "Windows shows an NVIDIA GPU to WSL, but its driver does not answer",
            ("NVML: GPU access blocked by the operating system",),
            "Update NVIDIA's driver in Windows (https://www.nvidia.com/drivers), then: wsl --shutdown",
        ),
    ),
}
# Machines that look a little like those, and that a check has nothing to say about.
WELL = {
    "a GPU with its driver": ("gpu.driver-missing", A100),
    "no GPU": ("gpu.driver-missing", cpu_machine()),
    "nouveau's GPU is told by nouveau": (
        "gpu.driver-missing",
        change(gpu_machine(driver=None), "nvidia", has_nouveau=True),
    ),
    "WSL without a GPU": ("gpu.driver-missing", wsl(cpu_machine())),
    "nouveau beside a driver that answers": ("gpu.nouveau", change(A100, "nvidia", has_nouveau=True)),
    "halves of one version": ("gpu.driver-mismatch", A100),
    "WSL's halves": ("gpu.driver-mismatch", change(WSL, "nvidia", library_version="580.95.05")),
    "the newest driver": ("gpu.driver-old", A100),
    "a driver newer than is known": ("gpu.driver-old", gpu_machine(driver="700.10")),
    "a driver with a strange version": (
        "gpu.driver-old",
        change(cpu_machine(), "nvidia", driver_version="N/A"),
    ),
    "an old GPU that no newer driver helps": ("gpu.driver-old", gpu_machine("K80", driver="470.256.02")),
    "WSL with Windows's driver": ("gpu.wsl-driver", WSL),
    "WSL without a GPU of NVIDIA's": ("gpu.wsl-driver", wsl(cpu_machine())),
    "a Linux driver on Linux": ("gpu.wsl-driver", A100),
}


@pytest.mark.parametrize(("check_id", "facts", "expected"), CASES.values(), ids=CASES)
def test_driver_trouble_is_told_with_its_fix(check_id, facts, expected):
    assert [told(finding) for finding in judge(check_id, facts)] == [expected]


@pytest.mark.parametrize(("check_id", "facts"), WELL.values(), ids=WELL)
def test_driver_nothing_wrong_is_not_reported(check_id, facts):
    assert judge(check_id, facts) == []

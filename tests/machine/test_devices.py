from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from envkit.api.facts import DeviceFile
from envkit.machine.devices import nvidia_device_paths, read_device_files, render_node_paths
from envkit.machine.files import Files


def test_devices_are_told_with_owner_group_and_mode(make_root):
    user, group = os.geteuid(), os.getegid()
    root = make_root(
        {
            "/dev/kfd": "",
            "/etc/passwd": f"broken\nalice:x:{user}:{group}:Alice:/home/alice:/bin/sh\n",
            "/etc/group": f"render:x:{group}:alice\n",
        }
    )
    (root / "dev/kfd").chmod(0o660)
    found = read_device_files(Files(root), ("/dev/kfd", "/dev/none"))
    assert found == (DeviceFile(path="/dev/kfd", is_usable=True, owner="alice", group="render", mode="660"),)


def test_devices_of_a_user_without_a_name_carry_the_number(make_root):
    root = make_root({"/dev/kfd": "", "/etc/passwd": ":x:\n", "/etc/group": "a:b:99999999999999\n"})
    (found,) = read_device_files(Files(root), ("/dev/kfd",))
    assert (found.owner, found.group) == (str(os.geteuid()), str(os.getegid()))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("mode", "is_usable"), [(0o666, True), (0o600, False), (0o644, False)])
def test_devices_of_others_are_usable_as_their_mode_says(mode, is_usable):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        device = Path(folder, "kfd")
        device.touch()
        device.chmod(mode)
        os.seteuid(65534)
        try:
            (found,) = read_device_files(Files(Path(folder)), ("/kfd",))
        finally:
            os.seteuid(0)
    assert found.is_usable is is_usable
    assert found.mode == f"{mode:o}"


def test_devices_of_nvidia_are_those_that_cuda_opens(make_root):
    names = ("nvidia0", "nvidia10", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvram")
    root = make_root({f"/dev/{name}": "" for name in names} | {"/dev/nvidia-caps/nvidia-cap1": ""})
    found = nvidia_device_paths(Files(root))
    assert found == ("/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidia10", "/dev/nvidiactl")


def test_devices_render_nodes_are_those_of_the_maker(make_root):
    drm = "/sys/class/drm"
    root = make_root(
        {
            "/dev/dri/card0": "",
            "/dev/dri/renderD128": "",
            "/dev/dri/renderD129": "",
            "/dev/dri/renderD130": "",
            f"{drm}/renderD128/device/vendor": "0x8086\n",
            f"{drm}/renderD129/device/vendor": "0x1002\n",
        }
    )
    assert render_node_paths(Files(root), "0x1002") == ("/dev/dri/renderD129",)
    assert render_node_paths(Files(root), "0x8086") == ("/dev/dri/renderD128",)

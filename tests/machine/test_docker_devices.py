from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.machine.docker_devices import _of_yaml, read_cdi_devices
from envkit.machine.files import Files

GENERATED = """\
---
cdiVersion: 0.5.0
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  hooks:
  - args:
    - nvidia-ctk
    hookName: createContainer
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
      name: no-device
  name: "0"
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: GPU-5d1c
kind: nvidia.com/gpu
"""
INDENTED = """\
kind: 'amd.com/gpu'
devices:
  # all of them
  - name: all
    annotations:
      name: no-device
  - name: '1'
containerEdits:
  - name: no-device
"""
JSON = '{"kind": "nvidia.com/gpu", "devices": [{"name": "1:0"}, {}, 3]}'


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.yaml", GENERATED, ("nvidia.com/gpu=0", "nvidia.com/gpu=GPU-5d1c")),
        ("a.yml", INDENTED, ("amd.com/gpu=1", "amd.com/gpu=all")),
        ("a.json", JSON, ("nvidia.com/gpu=1:0",)),
        ("a.json", "{", ()),
        ("a.json", "[" * 100_000, ()),
        ("a.json", '{"devices": 3}', ()),
        ("a.yaml", "devices:\n- name: x\n", ()),
        ("a.txt", GENERATED, ()),
    ],
)
def test_devices_of_a_specification_are_named_by_kind(make_root, name, text, expected):
    files = Files(make_root({f"/etc/cdi/{name}": text}))
    assert read_cdi_devices(files, ["/etc/cdi", "/var/run/cdi"]) == expected
    assert files.unread == ()


@given(st.text(st.sampled_from("kinddevicesname: -/.\n\"'#x0")))
def test_devices_of_any_text_are_names_and_no_error(text):
    assert all("=" in name for name in _of_yaml("kind: a/b\n" + text))

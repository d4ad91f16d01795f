import pytest

from envkit.api import MachineError

pytestmark = pytest.mark.torch


def test_choose_device_cpu_is_the_cpu() -> None:
    from envkit.finetune.devices import choose_device

    assert choose_device("cpu").type == "cpu"


def test_choose_device_auto_is_a_device_that_computes() -> None:
    import torch

    from envkit.finetune.devices import choose_device

    device = choose_device("auto")
    assert torch.ones(2, device=device).sum().item() == 2
    assert device.type == "cpu" or device.index == 0 or device.type == "mps"


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7", "mps"])
def test_choose_device_that_is_absent_is_refused_and_never_replaced(name: str) -> None:
    import torch

    from envkit.finetune.devices import choose_device

    there = (
        torch.backends.mps.is_available() if name == "mps" else torch.cuda.device_count() > int(name[5:] or 0)
    )
    if there:
        pytest.skip(f"this machine has {name}")
    with pytest.raises(MachineError, match=f"the device {name} cannot be used") as raised:
        choose_device(name)
    assert raised.value.hint

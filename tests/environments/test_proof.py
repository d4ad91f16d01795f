"""The proof runs in the new environment's own Python, and says what failed in its last words."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from fake_torch import SOURCE

from envkit.api import EnvError
from envkit.environments.plan import plan_environment
from envkit.environments.proof import prove
from envkit.environments.records import EnvSpec
from envkit.environments.store import python_of
from envkit.environments.uv_calls import uv_calls
from envkit.machine import Gpu, Nvidia, read_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.environments.plan import Plan
    from envkit.environments.records import Proof

FACTS = msgspec.structs.replace(read_facts(), nvidia=Nvidia())
GPU = Gpu(index=0, name="NVIDIA A10", compute_capability="8.6")
GPU_FACTS = msgspec.structs.replace(FACTS, nvidia=Nvidia(driver_version="550.54.14", gpus=(GPU,)))


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return an environment that is the running Python under another name, and looks into its own folder."""
    prefix = tmp_path / "env"
    python_of(prefix).parent.mkdir(parents=True)
    python_of(prefix).symlink_to(sys.executable)
    version = f"python3.{sys.version_info.minor}"
    (prefix / "pyvenv.cfg").write_text(f"home = {Path(sys.base_prefix, 'bin')}\n")
    (prefix / "lib" / version / "site-packages").mkdir(parents=True)
    return prefix


@pytest.fixture
def put(prefix: Path) -> Callable[[str, str], None]:
    """Write a module into the environment."""

    def write(name: str, text: str) -> None:
        (next(prefix.glob("lib/*/site-packages")) / name).write_text(text)

    return write


@pytest.fixture
def plan(planning: Any, told: Any) -> Callable[..., Plan]:
    def make(torch: str = "", tasks: tuple[str, ...] = (), facts: Any = FACTS) -> Plan:
        found: Plan = plan_environment(
            "mine", EnvSpec(torch=torch), planning=planning(facts=facts), progress=told
        )
        return replace(found, spec=msgspec.structs.replace(found.spec, tasks=tasks))

    return make


def run(prefix: Path, plan: Plan, **given: Any) -> Proof:
    return prove(prefix, plan=plan, **{"environ": dict(os.environ), **given})


def test_proof_of_a_plain_environment_says_its_python(prefix: Path, plan: Any) -> None:
    proof = run(prefix, plan())
    assert (proof.python, proof.torch, proof.devices) == (FACTS.python.version, None, ())
    assert 0 < proof.seconds < 60


def test_proof_has_others_work_while_python_does(prefix: Path, plan: Any, put: Any) -> None:
    sign = prefix / "done meanwhile"
    put("sitecustomize.py", f"import os, time\nwhile not os.path.exists({str(sign)!r}): time.sleep(0.01)")
    assert run(prefix, plan(), meanwhile=sign.touch, timeout=60).python == FACTS.python.version


def test_proof_ends_python_where_the_work_meanwhile_fails(prefix: Path, plan: Any, put: Any) -> None:
    put("sitecustomize.py", "import time\ntime.sleep(600)")

    def fail() -> None:
        raise OSError("the disk is full")

    began = time.monotonic()
    with pytest.raises(OSError, match="the disk is full"):
        run(prefix, plan(), meanwhile=fail)
    assert time.monotonic() - began < 60


def test_proof_is_read_behind_what_python_prints_at_its_start(prefix: Path, plan: Any, put: Any) -> None:
    put("sitecustomize.py", "print('{}')\nprint('welcome', end='')")
    put("noise.pth", "import sys; print('a line of a pth file')\n")
    assert run(prefix, plan()).python == FACTS.python.version


def test_proof_runs_torch_on_each_device_and_imports_each_task(prefix: Path, plan: Any, put: Any) -> None:
    put("torch.py", SOURCE + "print('noise on standard output')")
    put("echo_plugin.py", "print('more noise')")
    info = next(prefix.glob("lib/*/site-packages")) / "echo-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[envkit.tasks]\necho = echo_plugin\n")
    (info / "METADATA").write_text("Name: echo\nVersion: 1\n")
    proof = run(prefix, plan("cpu", ("echo",)))
    assert (proof.torch, [each.device for each in proof.devices]) == ("2.8.0", ["cpu"])
    assert (proof.tasks, proof.left_out) == (("echo",), ())


def test_proof_runs_a_torch_that_is_there_and_was_not_chosen(prefix: Path, plan: Any, put: Any) -> None:
    put("torch.py", SOURCE)
    (next(prefix.glob("lib/*/site-packages")) / "torch-2.8.0.dist-info").mkdir()
    assert run(prefix, plan()).torch == "2.8.0"


@pytest.mark.parametrize(
    ("module", "tasks", "words"),
    [
        ("", (), "not true that torch is imported: ModuleNotFoundError: No module named 'torch'"),
        pytest.param(
            "raise OSError('libfoo.so: cannot open')",
            (),
            "not true that torch is imported: OSError: libfoo.so",
            marks=pytest.mark.slow,
        ),
        (SOURCE + "isfinite = None", (), "not true that torch computes on cpu"),
        ("import os; print('last words'); os._exit(3)", (), "its Python ended with status 3\n  last words"),
        pytest.param(
            "import os; os.kill(os.getpid(), 11)",
            (),
            "its Python ended with status -11",
            marks=pytest.mark.slow,
        ),
        (SOURCE, ("echo",), "the plugin of the task echo is imported: LookupError: no distribution here"),
        pytest.param("raise SystemExit('no licence')", (), "SystemExit: no licence", marks=pytest.mark.slow),
    ],
)
def test_proof_that_fails_says_what_and_the_last_words(
    prefix: Path, plan: Any, put: Any, module: str, tasks: tuple[str, ...], words: str
) -> None:
    if module:
        put("torch.py", module)
    with pytest.raises(EnvError) as caught:
        run(prefix, plan("cpu", tasks))
    assert "the environment mine was made but does not work" in caught.value.message
    assert words in caught.value.message
    assert "is as it was" in str(caught.value.hint)


@pytest.mark.slow
def test_proof_that_never_ends_is_stopped(prefix: Path, plan: Any, put: Any) -> None:
    put("torch.py", "import time; time.sleep(60)")
    with pytest.raises(EnvError, match="it does not answer within 1 s"):
        run(prefix, plan("cpu"), timeout=1.0)


def test_proof_without_a_python_says_so(prefix: Path, plan: Any) -> None:
    python_of(prefix).unlink()
    with pytest.raises(EnvError, match="its Python does not start: No such file or directory"):
        run(prefix, plan())


def test_proof_with_uv_and_nothing_to_import_names_what_a_package_lacks(
    prefix: Path, plan: Any, planning: Any, told: Any, tmp_path: Path
) -> None:
    info = next(prefix.glob("lib/*/site-packages")) / "echo-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: echo\nVersion: 1\nRequires-Dist: absent\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    uv = uv_calls(plan(), planning=planning(), folder=tmp_path, progress=told)
    with pytest.raises(EnvError, match="the packages of mine do not fit together: echo requires `absent`"):
        run(prefix, plan(), uv=uv)


def test_proof_takes_nothing_from_variables_of_python(prefix: Path, plan: Any, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong one')")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONHOME": str(tmp_path)}
    assert run(prefix, plan(), environ=environ).python


@pytest.mark.parametrize(
    ("given", "left_out"),
    [
        ({"is_for_here": False}, "CUDA on NVIDIA A10 (compute capability 8.6): this machine has none"),
        (
            {"environ": {"PATH": "/usr/bin", "CUDA_VISIBLE_DEVICES": ""}},
            ": CUDA_VISIBLE_DEVICES hides it here",
        ),
    ],
)
def test_proof_says_what_could_not_be_tried_here(
    prefix: Path, plan: Any, put: Any, given: dict[str, Any], left_out: str
) -> None:
    put("torch.py", SOURCE)
    (found,) = run(prefix, plan("auto", facts=GPU_FACTS), **given).left_out
    assert left_out in found


def test_proof_fails_where_torch_for_the_gpu_of_this_machine_finds_none(
    prefix: Path, plan: Any, put: Any
) -> None:
    put("torch.py", SOURCE)
    environ = {"PATH": "/usr/bin"}
    with pytest.raises(EnvError, match="finds no GPU, and this machine has NVIDIA A10") as caught:
        run(prefix, plan("auto", facts=GPU_FACTS), environ=environ)
    assert "envkit doctor" in str(caught.value.hint)


@pytest.mark.torch
def test_proof_with_the_real_torch_takes_a_step_on_every_device(prefix: Path, plan: Any) -> None:
    import torch

    (library,) = prefix.glob("lib/*/site-packages")
    library.rmdir()
    library.symlink_to(Path(torch.__file__).parents[1])
    proof = run(prefix, plan("cpu", ("ner",)))
    assert (proof.torch, proof.devices[0].device) == (torch.__version__, "cpu")
    assert len(proof.devices) >= 1 + torch.cuda.device_count()
    assert proof.tasks == ("ner",)

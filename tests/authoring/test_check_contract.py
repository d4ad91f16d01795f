"""The contract of a plugin is tried by its check: the four built-in ones keep theirs, and each promise can be broken."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from envkit.authoring.check import check_plugin
from envkit.authoring.check_report import Wanted
from envkit.testing import CHECKS

pytestmark = pytest.mark.torch

NER = Path(__file__).parents[2] / "plugins" / "envkit-ner" / "src" / "envkit_ner"
CONTRACT = Wanted(only=("contract",))
# What stands in the copy's contract: each is in force in the process that tries the promises, and nowhere else.
SPOILED = {
    "seed": "from envkit.api import Run\nRun.seed = 0",
    "resume": "from envkit.finetune import training\ntraining.set_random_state = lambda state: None",
    "accumulation": """\
from envkit.finetune.steps import Step
backward = Step.backward
Step.backward = lambda self, loss: backward(self, loss * len(self._batches))""",
    "batch-size": """\
import dataclasses
from envkit.finetune.evaluation import EVALUATION_TOKENS
from envkit_mood.predictor import NerPredictor
usual_score = NerPredictor.score
def uneven(self, file):
    scored = usual_score(self, file)
    is_single = EVALUATION_TOKENS["cpu"] == 1
    return dataclasses.replace(scored, metrics={n: v + is_single for n, v in scored.metrics.items()})
NerPredictor.score = uneven""",
    "gold": "score_gold = lambda file: {'gold/entity_f1': 0.5}",
    "nothing-cut": """\
import dataclasses
from envkit_mood import train
finetune = train.finetune
def shorter(run):
    result = finetune(run)
    is_cut = run.options.window is not None
    metrics = {n: v - (is_cut and n == "dev/support") for n, v in result.metrics.items()}
    return dataclasses.replace(result, metrics=metrics)
train.finetune = shorter""",
    "stops": """\
import dataclasses
from envkit_mood import train
finetune = train.finetune
train.finetune = lambda run: finetune(dataclasses.replace(run, should_stop=lambda: False))""",
    "offline": """\
import contextlib, socket
from envkit_mood import train
finetune = train.finetune
def asking(run):
    with contextlib.suppress(OSError):
        socket.create_connection(("192.0.2.1", 80), timeout=0.1)
    return finetune(run)
train.finetune = asking""",
    "stays-inside": """\
import tempfile
from envkit_mood import train
finetune = train.finetune
def careless(run):
    with tempfile.TemporaryDirectory() as folder:
        open(folder + "/cache", "w").close()
    return finetune(run)
train.finetune = careless""",
    "predict": """\
import dataclasses
from envkit_mood.predictor import NerPredictor
predict = NerPredictor.predict
def louder(self, inputs):
    for each in predict(self, inputs):
        yield dataclasses.replace(each, fields={n: str(v).upper() for n, v in each.fields.items()})
NerPredictor.predict = louder""",
    "environ": """\
import os
from envkit_mood import train
finetune = train.finetune
def careless(run):
    os.environ["MOOD_CACHE"] = str(run.run_dir)
    return finetune(run)
train.finetune = careless""",
}


def wheel_of_copy(folder: Path, spoil: str) -> Path:
    """Write the wheel of a copy of the ner plugin, by another name, with this in its contract."""
    package = shutil.copytree(
        NER, folder / "copy" / "envkit_mood", ignore=shutil.ignore_patterns("__pycache__")
    )
    for file in package.rglob("*.py"):
        file.write_text(
            file.read_text(encoding="utf-8").replace("envkit_ner", "envkit_mood"), encoding="utf-8"
        )
    contract = package / "contract.py"
    text = contract.read_text(encoding="utf-8").replace('task="ner"', 'task="mood"')
    before, mark, after = text.partition("CONTRACT = ")
    contract.write_text(f"{before}{spoil}\n\n{mark}{after}", encoding="utf-8")
    info = "envkit_mood-0.1.0.dist-info"
    files = {
        f"{info}/METADATA": "Metadata-Version: 2.4\nName: envkit-mood\nVersion: 0.1.0\nRequires-Dist: envkit-ml\n"
        "Provides-Extra: train\nRequires-Dist: envkit-ml[finetune]; extra == 'train'\n",
        f"{info}/entry_points.txt": "[envkit.tasks]\nmood = envkit_mood.plugin\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    wheel = folder / "envkit_mood-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for file in package.rglob("*"):
            if file.is_file():
                archive.write(file, file.relative_to(package.parent))
    return wheel


def red(target: str | Path) -> dict[str, str]:
    report = check_plugin(target, wanted=CONTRACT, env="current")
    tried = {finding.id for finding in report.findings}
    assert {f"check.contract-{check.name.replace('_', '-')}" for check in CHECKS} <= tried
    assert "envkit_mood.contract" not in sys.modules
    return {f.id.removeprefix("check.contract-"): f.summary for f in report.findings if f.severity != "ok"}


@pytest.mark.parametrize("task", ["classification", "ner", "qa", "sentiment"])
def test_check_of_a_built_in_plugin_finds_its_contract_kept(task: str) -> None:
    assert red(task) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "what",
    [pytest.param(what, marks=[pytest.mark.long] * (number > 1)) for number, what in enumerate(SPOILED)],
)
def test_check_of_a_plugin_that_breaks_one_promise_turns_one_id_red(tmp_path: Path, what: str) -> None:
    found = red(wheel_of_copy(tmp_path, SPOILED[what]))
    assert list(found) == [what], found


@pytest.mark.slow
def test_check_of_a_promise_that_could_not_be_broken_does_not_call_it_kept(tmp_path: Path) -> None:
    same = "from envkit.finetune import evaluation\nevaluation.most_tokens = lambda device: 4096"
    report = check_plugin(
        wheel_of_copy(tmp_path, same), wanted=Wanted(only=("contract-batch-size",)), env="current"
    )
    (finding,) = [each for each in report.findings if each.id == "check.contract-batch-size"]
    assert (finding.severity, report.verdict) == ("skip", "well")
    assert "not checked, its predictor computes the same batches" in finding.summary


@pytest.mark.slow
def test_check_of_a_plugin_whose_loop_ends_the_process_names_every_check_that_ran_it(tmp_path: Path) -> None:
    ends = "import os\nfrom envkit_mood import train\ntrain.finetune = lambda run: os._exit(7)"
    found = red(wheel_of_copy(tmp_path, ends))
    assert "gold" not in found  # it runs no loop
    assert len(found) >= len(CHECKS) - 2
    assert all("status 7" in said for said in found.values())

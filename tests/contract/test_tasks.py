"""Every task of envkit keeps what every task promises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envkit.testing import CHECKS, Check, Contract, Trials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.torch

PLUGINS_DIR = Path(__file__).parents[2] / "plugins"


def sample(task: str, suffix: str) -> dict[str, Path]:
    """Return the files of a plugin's sample by split."""
    folder = PLUGINS_DIR / f"envkit-{task}" / "src" / f"envkit_{task}" / "sample"
    return {split: folder / f"{split}{suffix}" for split in ("train", "dev", "test")}


def score_ner(file: Path) -> Mapping[str, float]:
    from envkit.data.token_rows import read_sentences
    from envkit_ner.score import score

    tags = [sentence.tags for sentence in read_sentences(file).sentences]
    return score(tags, tags).metrics("gold")


CONTRACTS = {
    "ner": Contract(
        task="ner",
        files=sample("ner", ".conll"),
        options={"epochs": 1, "max_steps": 40, "learning_rate": 5e-3},
        score_gold=score_ner,
    ),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute on one thread: a tiny model's threads would mostly wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=CONTRACTS)
def trials(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    """The runs of one task, shared by its checks."""
    return Trials(CONTRACTS[request.param], tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_task_keeps(trials: Trials, check: Check) -> None:
    check.run(trials)

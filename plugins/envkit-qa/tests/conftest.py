"""A reporter that remembers, a tiny model, and the folder of SQuAD."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import settings

from envkit.testing.heard import Heard
from envkit.testing.tiny_model import make_tiny_model
from envkit_qa.read import SAMPLE_DIR

# A busy machine is no fault of the code's.
settings.register_profile("envkit-qa", deadline=None)
settings.load_profile("envkit-qa")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model that knows nothing yet, and a tokenizer of the sample's words."""
    sample = json.loads((SAMPLE_DIR / "train.json").read_text(encoding="utf-8"))
    paragraphs = sample["data"][0]["paragraphs"]
    texts = [paragraph["context"] for paragraph in paragraphs]
    texts += [question["question"] for paragraph in paragraphs for question in paragraph["qas"]]
    return make_tiny_model(tmp_path_factory.mktemp("tiny-model"), texts, dropout=0.0)


@pytest.fixture(scope="session")
def squad() -> Path:
    """The folder of SQuAD, which ENVKIT_TEST_DATA names; missing where it is required, it fails."""
    folder = Path(os.environ.get("ENVKIT_TEST_DATA", ""), "squad")
    if "ENVKIT_TEST_DATA" in os.environ and folder.is_dir():
        return folder
    if "data" in os.environ.get("ENVKIT_REQUIRE", "").split(","):
        pytest.fail(f"ENVKIT_REQUIRE asks for data, but there is no {folder}")
    pytest.skip("ENVKIT_TEST_DATA names no folder with squad")

"""What sets runs apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from ended_runs import write_run

from envkit.api import EnvkitError
from envkit.api.records import DataRecord, MetricsRecord, RunResult
from envkit.runs.comparison import compare_runs
from envkit.worker.folder import RunFolder, write_record

if TYPE_CHECKING:
    from pathlib import Path


def run(
    path: Path,
    *,
    score: float = 0.5,
    sha256: str = "0" * 64,
    torch: str = "2.13.0",
    data: dict[str, str] | None = None,
    seed: int = 42,
    **options: Any,
) -> RunFolder:
    """Write a run that has finished; ``data`` are the hashes of its files, by their paths."""
    files = {"/data/train.tsv": sha256} if data is None else data
    result = RunResult(
        status="finished",
        task="echo",
        metrics={"dev/support": 10.0, "dev/echo_score": score},
        intervals={"dev/echo_score": (score - 0.1, score + 0.1)},
        seconds={"train": 2.0, "save": 1.0},
    )
    if data is None:
        options["train"] = "/data/train.tsv"
    folder = write_run(path, result=result, **options)
    record = MetricsRecord(
        run=path.name,
        task="echo",
        status="finished",
        evaluations=[],
        metrics=result.metrics,
        intervals=result.intervals,
        scorer=None,
        steps=5,
        tokens=50,
        seconds=result.seconds,
        tokens_per_second=25.0,
        padding_ratio=None,
        peak_memory_bytes=1_000_000,
        peak_gpu_bytes=None,
        resumed_from=[],
        seed=seed,
        choices={},
        measured={},
        options={},
        data=[DataRecord(path=path, size=1, sha256=sha256) for path, sha256 in files.items()],
        packages={"torch": torch},
        python="3.11.7",
    )
    write_record(folder.metrics_file, record)
    return folder


def test_compare_runs_that_are_the_same_finds_no_difference(tmp_path: Path) -> None:
    comparison = compare_runs([run(tmp_path / "a", epochs=3), run(tmp_path / "b", epochs=3)])

    assert (comparison.options, comparison.data, comparison.versions) == ([], [], [])
    assert [score.differences for score in comparison.scores] == [[0.0, 0.0], [0.0, 0.0]]


def test_compare_runs_finds_options_data_and_versions_that_differ(tmp_path: Path) -> None:
    first = run(tmp_path / "a", epochs=3)
    second = run(tmp_path / "b", epochs=5, merge=True, sha256="f" * 64, torch="2.14.0")

    comparison = compare_runs([first, second])

    assert [(each.name, each.values) for each in comparison.options] == [
        ("epochs", [3, 5]),
        ("merge", [None, True]),
    ]
    assert [(each.name, each.values) for each in comparison.data] == [("train", ["0" * 64, "f" * 64])]
    assert [(each.name, each.values) for each in comparison.versions] == [("torch", ["2.13.0", "2.14.0"])]


def test_compare_runs_puts_the_headline_first_with_its_distance_to_the_first_run(tmp_path: Path) -> None:
    scores = compare_runs([run(tmp_path / "a", score=0.5), run(tmp_path / "b", score=0.75)]).scores

    assert [score.metric for score in scores] == ["dev/echo_score", "dev/support"]
    assert scores[0].differences == [0.0, 0.25]
    assert scores[0].intervals == [(0.4, 0.6), (0.65, 0.85)]


def test_compare_runs_goes_by_the_metric_that_chose_the_models(tmp_path: Path) -> None:
    folders = [run(tmp_path / name) for name in "ab"]
    for folder in folders:
        result = folder.read_result()
        assert result is not None
        folder.write_result(msgspec.structs.replace(result, headline="support"))

    assert [score.metric for score in compare_runs(folders).scores] == ["dev/support", "dev/echo_score"]


def test_compare_runs_of_which_one_has_no_scores_leaves_its_places_empty(tmp_path: Path) -> None:
    failed = write_run(tmp_path / "b", result=RunResult(status="failed", task="echo"))

    comparison = compare_runs([run(tmp_path / "a"), failed])

    assert comparison.scores[0].values == [0.5, None]
    assert comparison.scores[0].differences == [0.0, None]
    assert {figure.name: figure.values for figure in comparison.figures}["speed"] == [25.0, None]


def test_compare_runs_tells_figures_with_their_units(tmp_path: Path) -> None:
    figures = {each.name: each for each in compare_runs([run(tmp_path / "a"), run(tmp_path / "b")]).figures}

    assert (figures["time"].unit, figures["time"].values) == ("s", [3.0, 3.0])
    assert "GPU memory" not in figures


def test_compare_runs_with_a_damaged_record_names_it(tmp_path: Path) -> None:
    damaged = run(tmp_path / "b")
    damaged.metrics_file.write_text("{")

    with pytest.raises(EnvkitError, match=r"metrics\.json"):
        compare_runs([run(tmp_path / "a"), damaged])


def files(**splits: str) -> dict[str, Any]:
    """Return the options and hashes of a run that was given these files."""
    named = {split: f"/data/{split}.tsv" for split in splits}
    return {**named, "data": {named[split]: letter * 64 for split, letter in splits.items()}}


@pytest.mark.parametrize(
    ("first", "second", "warns"),
    [
        ({}, {}, False),
        ({"data": {}}, {"data": {}}, False),
        ({"data": {}}, files(train="0", dev="1"), True),
        (files(train="0"), files(train="0"), False),
        (files(train="0"), {**files(train="0"), "seed": 7}, True),
        (files(train="0"), files(train="f"), True),
        (files(train="0", dev="1"), {**files(train="f", dev="1"), "seed": 7}, False),
        (files(train="0", dev="1"), files(train="0", dev="2"), True),
        (files(train="0", dev="1"), files(train="0"), True),
        (files(train="0", dev="1", test="2"), files(train="0", dev="1", test="3"), False),
    ],
)
def test_compare_runs_scored_on_other_data_says_so(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], warns: bool
) -> None:
    warnings = compare_runs([run(tmp_path / "a", **first), run(tmp_path / "b", **second)]).warnings

    assert len(warnings) == warns
    assert all(warning.startswith("the dev scores are of different data") for warning in warnings)


def test_compare_runs_knows_the_files_of_a_folder_by_their_names(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    runs = []
    for number, folder in enumerate(folders):
        run_folder = run(
            tmp_path / f"run-{number}",
            data={str(folder / "train.csv"): "0" * 64, str(folder / "valid.csv"): str(number) * 64},
        )
        request = run_folder.read_request()
        options = {**request.options, "data": str(folder)}
        run_folder.write_request(msgspec.structs.replace(request, options=options))
        runs.append(run_folder)

    (warning,) = compare_runs(runs).warnings

    assert "valid.csv (sha256 000000000000); valid.csv (sha256 111111111111)" in warning

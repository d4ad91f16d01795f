"""The page of a run: whole, escaped, small, and there for every kind of run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import echo_request
from ended_runs import training, write_run

from envkit.api import EnvkitError, Prediction, UsageError
from envkit.api.events import Choice, Metrics
from envkit.api.records import (
    BaselineRecord,
    DataReport,
    DuplicateRecord,
    ErrorRecord,
    LabelRecord,
    ProblemRecord,
    RunResult,
    SplitRecord,
    TableRecord,
)
from envkit.machine import Cpu, Gpu, Interpreter, MachineFacts, Memory, Nvidia, Platform
from envkit.runs.report.read import read_run_report
from envkit.runs.report.render import render_report, write_report
from envkit.worker.folder import RunFolder, write_record
from envkit.worker.predictions import write_lines

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}{% raw %}"
VOID = {"meta", "link", "br", "img", "input", "hr", "line", "path", "circle"}


class Outline(HTMLParser):
    """The elements of a page, and whether all that open are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    assert not found.wrong
    assert not found.open
    return found


def page_of(folder: RunFolder) -> str:
    return write_report(folder).read_text(encoding="utf-8")


def facts() -> MachineFacts:
    return MachineFacts(
        taken_at="2026-11-22T14:15:03+00:00",
        python=Interpreter(
            path="/usr/bin/python3", version="3.11.7", implementation="cpython", is_64bit=True
        ),
        platform=Platform(
            system="linux", machine="x86_64", kernel="6.1", os_name="Debian GNU/Linux 12", os_version="12"
        ),
        cpu=Cpu(model=f"Processor {EVIL}", logical_cores=8, quota=2.0),
        memory=Memory(total=16_000_000_000),
        nvidia=Nvidia(
            driver_version="560.35", gpus=(Gpu(index=0, name="GPU of a kind", memory=48_000_000_000),)
        ),
    )


def data_report() -> DataReport:
    return DataReport(
        task="echo",
        labelled="text",
        files={"train": EVIL},
        splits=[
            SplitRecord(split="train", rows=1200, items=1200),
            SplitRecord(split="dev", rows=10, items=10),
        ],
        labels=[LabelRecord(label=EVIL, counts={"train": 1200, "dev": 10})],
        problems=[ProblemRecord(level="warning", message=EVIL, place=EVIL, count=3, hint=EVIL)],
        shared=[],
        duplicates=DuplicateRecord(rows=2, contradicting=1),
        notes=[EVIL],
        baseline=BaselineRecord(prediction=EVIL, metrics={"dev/echo_score": 0.125}),
    )


def full_run(path: Path) -> RunFolder:
    """Write a run of which every part comes from somebody who means ill."""
    tables = [
        TableRecord(title=EVIL, columns=[EVIL, "F1"], rows=[[EVIL, 0.5]]),
        TableRecord(
            title=EVIL, columns=["gold", EVIL, "b"], rows=[[EVIL, 3, 4], ["b", 1, 0]], kind="confusion"
        ),
        TableRecord(title=EVIL, columns=["kind", "n"], rows=[[EVIL, 2]], kind="errors"),
    ]
    result = RunResult(
        status="finished",
        task="echo",
        metrics={"dev/echo_score": 0.75, "test/echo_score": 0.5, f"dev/{EVIL}": 1.0},
        intervals={"dev/echo_score": (0.7, 0.8)},
        scorer=EVIL,
        seconds={"read": 0.5, "train": 9.0},
        tables=tables,
    )
    folder = write_run(path, result=result, events=training(20, scores={10: 0.5, 20: 0.75}), model=EVIL)
    request = folder.read_request()
    folder.write_request(
        msgspec.structs.replace(
            request,
            sources={"model": "--model"},
            plugin=msgspec.structs.replace(request.plugin, version=EVIL),
        )
    )
    folder.predictions_dir.mkdir()
    entity = {"start": 0, "end": len(EVIL), "label": EVIL, "text": EVIL}
    rows = [
        {"name": EVIL, "text": EVIL, "label": EVIL, "score": 0.5, "gold": EVIL},
        {"name": EVIL, "text": EVIL, "entities": [entity], "gold": []},
        {"name": EVIL, "question": EVIL, "context": EVIL * 30, "answer": EVIL, "start": 0, "gold": [EVIL]},
        {EVIL: EVIL},
    ]
    write_lines(
        folder.predictions_dir / "dev.jsonl",
        [Prediction(fields=row, is_right=False, loss=1.0) for row in rows],
    )
    write_record(folder.machine_file, facts())
    write_record(folder.data_file, data_report())
    return folder


def test_page_of_a_full_run_escapes_every_text(tmp_path: Path) -> None:
    page = page_of(full_run(tmp_path / "run"))

    found = outline(page)
    tags = [tag for tag, _ in found.seen]
    assert not {"script", "img"} & set(tags)
    assert not [name for _, attributes in found.seen for name in attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in found.text
    assert "<script" not in page


def test_page_loads_nothing(tmp_path: Path) -> None:
    found = outline(page_of(full_run(tmp_path / "run")))

    addresses = [
        value for _, attributes in found.seen for name, value in attributes.items() if name in ("src", "href")
    ]
    assert all(value is not None and value.startswith(("#", "data:")) for value in addresses)
    assert not re.search(r"url\(|@import", found.text)


def test_page_links_only_to_sections_that_are_there(tmp_path: Path) -> None:
    for folder in (full_run(tmp_path / "full"), write_run(tmp_path / "bare")):
        found = outline(page_of(folder))
        ids = [attributes["id"] for _, attributes in found.seen if "id" in attributes]
        links = [str(attributes["href"])[1:] for tag, attributes in found.seen if tag == "a"]
        assert len(ids) == len(set(ids))
        assert set(links) <= set(ids)
        labels = [word for _, each in found.seen for word in str(each.get("aria-labelledby") or "").split()]
        assert set(labels) <= set(ids)


def test_page_shows_scores_with_intervals_and_what_a_model_without_learning_would_score(
    tmp_path: Path,
) -> None:
    text = outline(page_of(full_run(tmp_path / "run"))).text

    assert "0.7500" in text
    assert "0.7000 to 0.8000" in text
    assert "baseline 0.1250" in text
    assert "Best 0.7500 at step 20" in text
    assert "GPU of a kind" in text
    assert "envkit run echo" in text


def test_page_of_a_failed_run_says_why(tmp_path: Path) -> None:
    error = ErrorRecord(message=f"lost {EVIL}", exit_code=1, hint="Look there", traceback="KeyError: 'x'")
    folder = write_run(
        tmp_path / "run", result=RunResult(status="failed", task="echo", error=error), events=training(3)
    )

    text = outline(page_of(folder)).text

    for words in ("failed", f"lost {EVIL}"[:20], "Look there", "KeyError: 'x'", "a row is empty"):
        assert words in text


@pytest.mark.parametrize("status", ["cancelled", "crashed"])
def test_page_of_a_run_without_anything_but_its_request_is_whole(tmp_path: Path, status: str) -> None:
    folder = write_run(tmp_path / "run", result=RunResult(status=status, task="echo"))  # type: ignore[arg-type]  # the two are statuses
    folder.events_file.unlink()

    found = outline(page_of(folder))

    assert status in found.text
    assert "svg" not in [tag for tag, _ in found.seen]


def test_page_of_a_run_that_goes_on_shows_how_it_stands(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_request(echo_request())

    assert "The run goes on" in outline(page_of(folder)).text


@pytest.mark.slow
def test_page_of_very_much_stays_below_its_bound(tmp_path: Path) -> None:
    labels = [f"label {n} " + "é" * 60 for n in range(300)]
    rows: list[list[str | int | float]] = [[label, 0.5, 0.5, 0.5, 7] for label in labels]
    counts: list[list[str | int | float]] = [[label, *range(300)] for label in labels]
    tables = [
        TableRecord(title=f"{split}: labels", columns=["label", "p", "r", "F1", "n"], rows=rows)
        for split in ("dev", "test")
    ]
    tables += [
        TableRecord(title=f"{split}: confusion", columns=["gold", *labels], rows=counts, kind="confusion")
        for split in ("dev", "test")
    ]
    result = RunResult(status="finished", task="echo", metrics={"dev/echo_score": 0.5}, tables=tables)
    events = training(20_000, scores=dict.fromkeys(range(10, 20_000, 10), 0.5))
    folder = write_run(tmp_path / "run", result=result, events=events)
    folder.predictions_dir.mkdir()
    for split in ("dev", "test"):
        write_lines(
            folder.predictions_dir / f"{split}.jsonl",
            [
                Prediction(
                    fields={"name": str(n), "text": "<漢>" * 3000, "label": "a", "gold": "b"},
                    is_right=False,
                    loss=1.0,
                )
                for n in range(50)
            ],
        )

    assert write_report(folder).stat().st_size < 500_000


def test_write_report_to_another_file_leaves_the_folder_alone(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    before = sorted(path.name for path in folder.path.iterdir())

    assert write_report(folder, file=tmp_path / "page.html") == tmp_path / "page.html"

    assert sorted(path.name for path in folder.path.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_write_report_with_a_damaged_record_names_it(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    folder.data_file.write_text("{")

    with pytest.raises(EnvkitError, match=r"data\.json"):
        write_report(folder)


def test_write_report_of_no_run_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run folder"):
        write_report(RunFolder(tmp_path))


@pytest.mark.parametrize(
    ("metric", "scores", "best"),
    [("echo_score", {1: 0.5, 2: 0.75, 3: 0.75, 4: 0.7}, 3), ("mae", {1: 0.5, 2: 0.25, 3: 0.5}, 2)],
)
def test_report_marks_the_best_evaluation_as_the_training_chose_it(
    tmp_path: Path, metric: str, scores: dict[int, float], best: int
) -> None:
    events = [
        msgspec.structs.replace(event, values={f"dev/{metric}": event.values["dev/echo_score"]})
        if hasattr(event, "values")
        else event
        for event in training(4, scores=scores)
    ]

    report = read_run_report(write_run(tmp_path / "run", events=events, metric=metric))

    (chart,) = [chart for chart in report.charts if chart.name == "metric"]
    assert [dot.title.split(":")[0] for dot in chart.dots if dot.is_best] == [f"step {best}"]
    assert render_report(report)


def test_report_goes_by_the_metric_that_the_loop_chose(tmp_path: Path) -> None:
    told = [
        *training(4),
        Choice(time=5.0, name="metric", value="dev/micro_f1", reason="several labels"),
        *(
            Metrics(time=6.0, step=step, values={"dev/echo_score": 0.0, "dev/micro_f1": step / 4})
            for step in (2, 4)
        ),
    ]
    scores = {"dev/echo_score": 0.0, "dev/micro_f1": 1.0}
    result = RunResult(status="finished", task="echo", metrics=scores, headline="micro_f1")

    report = read_run_report(write_run(tmp_path / "run", result=result, events=told))

    assert [(split, row.metric) for split, row, _ in report.scores.headline] == [("dev", "micro_f1")]
    assert [chart.title for chart in report.charts if "micro_f1" in chart.title]
    assert not [chart.title for chart in report.charts if "echo_score" in chart.title]

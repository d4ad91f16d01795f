"""What a server tells its clients to send."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from echo_model import echo_record

from envkit.worker.request_form import request_form


@pytest.mark.parametrize(
    ("rows", "fields", "takes_texts"),
    [
        ([], {"text"}, True),
        ([{"text": "A text."}], {"text"}, True),
        ([{"text": "A text."}, {"tokens": ["A", "text", "."]}], {"tokens"}, True),
        ([{"question": "Who?", "context": "Ada."}], {"question", "context"}, False),
        ([{"text": "A text.", "pair": "Another."}], {"text", "pair"}, False),
        ([{"image": "a.png"}], {"image"}, False),
    ],
)
@pytest.mark.parametrize("task", ["ner", "qa", "acme"])
def test_form_of_a_request_is_as_the_plugin_has_said_whatever_the_task_is_called(
    task: str, rows: list[dict[str, Any]], fields: set[str], takes_texts: bool
) -> None:
    form = request_form(msgspec.structs.replace(echo_record(task=task), example_rows=rows))

    (row,) = json.loads(form.rows)["rows"]
    assert set(row) == fields
    assert form.rows in form.hint
    assert all(name in form.fields for name in fields)
    assert ("texts" in form.hint) == ("texts" in form.command) == takes_texts

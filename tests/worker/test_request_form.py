"""What a server tells its clients to send."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from echo_model import echo_record

from envkit.worker.request_form import request_form


@pytest.mark.parametrize(
    ("task", "decoding", "fields", "takes_texts"),
    [
        ("ner", {}, {"tokens"}, True),
        ("qa", {}, {"question", "context"}, False),
        ("sentiment", {"needs_pair": False}, {"text"}, True),
        ("sentiment", {"needs_pair": True}, {"text", "pair"}, False),
        ("classification", {"is_pair": True}, {"text", "pair"}, False),
        ("acme", {}, {"text"}, True),
    ],
)
def test_form_of_a_request_is_that_of_the_task(
    task: str, decoding: dict[str, Any], fields: set[str], takes_texts: bool
) -> None:
    form = request_form(msgspec.structs.replace(echo_record(task=task), decoding=decoding))

    (row,) = json.loads(form.rows)["rows"]
    assert set(row) == fields
    assert form.rows in form.hint
    assert all(name in form.fields for name in fields)
    assert ("texts" in form.hint) == ("texts" in form.command) == takes_texts

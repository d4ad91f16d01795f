"""How a request to a served model looks: which of texts and rows it takes, and what a row has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envkit.api.records import ModelRecord


@dataclass(frozen=True, kw_only=True)
class RequestForm:
    """``rows`` is a body that can be sent, as JSON; with ``takes_texts`` texts can be sent in their place."""

    rows: str
    fields: str
    takes_texts: bool = True

    @property
    def example(self) -> str:
        """Return a body that this model answers, as JSON."""
        return _TEXTS if self.takes_texts else self.rows

    @property
    def hint(self) -> str:
        """Return what to send, in words."""
        ways = f"{_TEXTS}, or {self.rows}" if self.takes_texts else self.rows
        return f"Send {ways}; a row has {self.fields}"

    @property
    def command(self) -> str:
        """Return a command that sends the example."""
        return f"curl -H 'Content-Type: application/json' -d '{self.example}' URL/predict"


_TEXTS = '{"texts": ["Some text."]}'
_ONE_TEXT: dict[str, Any] = {"text": "Some text."}


def request_form(record: ModelRecord) -> RequestForm:
    """Return the form of requests to this model, as its plugin has said it; of one that says nothing, that of texts."""
    rows = record.example_rows or [_ONE_TEXT]
    shown = rows[-1]  # a text alone is shown as such
    return RequestForm(
        rows=json.dumps({"rows": [shown]}, ensure_ascii=False),
        fields=" or ".join(" and ".join(row) for row in rows),
        takes_texts=any(set(row) == {"text"} for row in rows),
    )

"""How a request to a served model looks: which of texts and rows it takes, and what a row has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
_ONE_TEXT = RequestForm(rows='{"rows": [{"text": "Some text."}]}', fields="text")
_PAIR = RequestForm(
    rows='{"rows": [{"text": "Some text.", "pair": "Another."}]}', fields="text and pair", takes_texts=False
)
_OF_TASKS = {
    "ner": RequestForm(rows='{"rows": [{"tokens": ["Some", "text", "."]}]}', fields="text or tokens"),
    "qa": RequestForm(
        rows='{"rows": [{"question": "Who wrote it?", "context": "Ada wrote it."}]}',
        fields="question and context",
        takes_texts=False,
    ),
}


def request_form(record: ModelRecord) -> RequestForm:
    """Return the form of requests to this model; of a task that is not known here, that of texts."""
    if record.decoding.get("is_pair") or record.decoding.get("needs_pair"):
        return _PAIR
    return _OF_TASKS.get(record.task, _ONE_TEXT)

"""The options of a plugin as click's parameters: names, help, defaults and bounds, from the types alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from envkit.config import flag_of
from envkit.option_fields import read_fields

if TYPE_CHECKING:
    from envkit.api import Options


def task_parameters(options: type[Options]) -> list[click.Parameter]:
    """Return a flag for every field. Values stay text: ``envkit.config`` reads all sources alike."""
    parameters: list[click.Parameter] = []
    for field in read_fields(options):
        flag = flag_of(field.name)
        shown = f"{field.help} {field.note}".strip()
        if field.is_switch:
            declaration = f"{flag}/--no-{flag[2:]}"
            parameters.append(click.Option([declaration, field.name], default=None, help=shown))
        else:
            parameters.append(
                click.Option(
                    [flag, field.name], type=_Text(), metavar=field.metavar, default=None, help=shown
                )
            )
    return parameters


class _Text(click.ParamType[Any]):
    """Text as it was typed."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value

"""Every choice over a grid of machines, held against a second statement of the rules."""

from __future__ import annotations

from itertools import islice

import pytest
from torch_grid import CAPABILITIES, PYTHONS, SYSTEMS, breach, cells, choose
from torch_rules import Cell, best

# A prime, so that the sample meets every value of every axis.
_STEP = 1117


def breaches(some) -> list[tuple[Cell, str]]:
    found = ((cell, breach(cell, choose(cell))) for cell in some)
    return [(cell, why) for cell, why in found if why is not None]


@pytest.mark.slow
def test_sample_of_the_grid_meets_every_rule():
    sample = list(islice(cells(), 0, None, _STEP))
    assert {cell.python for cell in sample} == set(PYTHONS)
    assert {(cell.system, cell.machine) for cell in sample} == set(SYSTEMS)
    assert {capability for cell in sample for capability in cell.capabilities} == set(CAPABILITIES)
    assert not breaches(sample)


@pytest.mark.long
@pytest.mark.parametrize(("system", "machine"), SYSTEMS)
def test_whole_grid_meets_every_rule(system, machine):
    assert not breaches(cell for cell in cells() if (cell.system, cell.machine) == (system, machine))


@pytest.mark.parametrize(
    ("capabilities", "driver", "expected"),
    [
        (("7.0",), "580", ((2, 14, 1), "cu126")),
        (("12.0",), "580", ((2, 15, 0), "cu132")),
        (("7.0", "12.0"), "580", ((2, 10, 0), "cu128")),
        (("8.9",), "525.60.13", ((2, 14, 1), "cu126")),
        (("8.9",), "450.80.02", ((2, 7, 1), "cu118")),
        (("5.0", "12.1"), "600", None),
        (("8.0",), "450.36.06", None),
    ],
)
def test_second_statement_of_the_rules_knows_the_cases_of_the_issue(capabilities, driver, expected):
    build = best(Cell(capabilities, driver, "linux", "x86_64", "3.12"))
    assert (build and (build.torch, build.variant)) == expected

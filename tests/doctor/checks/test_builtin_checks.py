from __future__ import annotations

import random
import re
import runpy
from pathlib import Path

import msgspec
import pytest
from doctor.judging import all_checks
from doctor.machines import cpu_machine, well_machines
from doctor.triggers import TRIGGERS
from hypothesis import given
from hypothesis import strategies as st

from envkit.api.checks import CheckContext
from envkit.api.facts import MachineFacts

DOCS = Path(__file__).parents[3] / "docs" / "doctor.md"
ROW = re.compile(
    r'\| <a id="(?P<anchor>[\w-]+)"></a>`(?P<id>[\w.-]+)` \| (?P<means>[^|]+) \| (?P<do>[^|]+) \|'
)
PARTS = sorted(set(MachineFacts.__struct_fields__) - {"taken_at", "version", "parts"})


@pytest.mark.parametrize("name", well_machines())
def test_checks_of_a_well_machine_neither_warn_nor_fail(name):
    context = CheckContext(facts=well_machines()[name])
    found = [
        (check.id, finding.summary)
        for check in all_checks().values()
        for finding in check.run(context)
        if finding.severity not in ("ok", "info", "skip")
    ]
    assert found == []


def test_checks_have_each_a_machine_that_triggers_them():
    assert set(TRIGGERS) == set(all_checks())


@pytest.mark.parametrize("check_id", TRIGGERS)
def test_check_with_trouble_says_what_it_rests_on(check_id):
    found = [
        finding for finding in all_checks()[check_id].run(TRIGGERS[check_id]) if finding.severity != "ok"
    ]
    assert found
    for finding in found:
        assert finding.summary == finding.summary.strip() and "\n" not in finding.summary
        assert finding.evidence and all(line == line.strip() and line for line in finding.evidence)
        # What is in the way has a way out.
        assert finding.fix or finding.severity == "info"


def test_checks_are_each_a_line_of_the_documentation():
    rows = {match["id"]: match for match in ROW.finditer(DOCS.read_text(encoding="utf-8"))}
    assert set(all_checks()) - set(rows) == set()
    for check_id, row in rows.items():
        assert row["anchor"] == check_id.replace(".", "-")
        assert row["means"].strip() and row["do"].strip()


def test_documentation_has_no_line_of_a_check_that_is_gone():
    later = ("deep.", "task.")  # not among the checks of every machine
    rows = [match["id"] for match in ROW.finditer(DOCS.read_text(encoding="utf-8"))]
    assert len(rows) == len(set(rows))
    assert {name for name in rows if not name.startswith(later)} == set(all_checks())


def test_checks_need_parts_that_facts_have():
    for check in all_checks().values():
        assert set(check.needs) <= {*MachineFacts.__struct_fields__, "plugins"}


@given(st.data())
def test_checks_of_parts_from_two_machines_give_findings(data):
    # Facts of different machines in one record: nothing in them goes together.
    machines = [*well_machines().values(), *(context.facts for context in TRIGGERS.values())]
    parts = {part: getattr(data.draw(st.sampled_from(machines)), part) for part in PARTS}
    facts = MachineFacts(taken_at="2026-01-02T03:04:05+00:00", parts=cpu_machine().parts, **parts)
    for check in all_checks().values():
        for finding in check.run(CheckContext(facts=facts)):
            assert finding.summary


TEXTS = ("", "unknown", "N/A", "1", "1.", "12.0b", "٣.1", "é\x00", "-1", "9" * 40, "a:b,c=d+e", "8.6.1", "cu")
NUMBERS = (0, -1, 1, 2**63)


@given(st.integers(0, 2**32))
def test_checks_of_nonsense_in_the_facts_give_findings(seed):
    dice = random.Random(seed)
    facts = _spoiled(dice.choice([*well_machines().values(), *(c.facts for c in TRIGGERS.values())]), dice)
    for check in all_checks().values():
        for finding in check.run(CheckContext(facts=facts)):
            assert finding.summary


def _spoiled(record: msgspec.Struct, dice: random.Random) -> msgspec.Struct:
    """Return a record with some of its texts and numbers replaced, at every depth, as no probe would."""
    changed: dict[str, object] = {}
    for field in record.__struct_fields__:
        value = getattr(record, field)
        if isinstance(value, msgspec.Struct):
            changed[field] = _spoiled(value, dice)
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            changed[field] = tuple(_spoiled(each, dice) for each in value)
        elif isinstance(value, str) and dice.random() < 0.1:
            changed[field] = dice.choice(TEXTS)
        elif type(value) is int and dice.random() < 0.1:
            changed[field] = dice.choice(NUMBERS)
    return msgspec.structs.replace(record, **changed)


def test_documentation_shows_a_check_that_works(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "checks.py"
    file.write_text(code, encoding="utf-8")
    shown = runpy.run_path(str(file))
    (check,) = shown["envkit_checks"]()
    (finding,) = check.run(CheckContext(facts=cpu_machine()))
    assert finding.evidence == ("runs: /home/ada/work/runs",)

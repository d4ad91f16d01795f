"""The rules as data: each has an example that triggers it, and none can hold a log up."""

from __future__ import annotations

import re
import time

import pytest
from click.testing import CliRunner

from envkit.cli import command as envkit
from envkit.explain import Rule, explain_log, load_rules

RULES = load_rules()
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.id}-{number}")
    for rule in RULES
    for number, example in enumerate(rule.examples)
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_rule_on_its_example_is_what_is_shown_first(rule: Rule, example: str) -> None:
    assert explain_log(example)[0].id == rule.id


def test_rules_are_whole_and_name_only_each_other() -> None:
    ids = [rule.id for rule in RULES]

    assert len(set(ids)) == len(ids) >= 40
    for rule in RULES:
        assert re.fullmatch(r"[a-z0-9-]+", rule.id)
        assert rule.examples, rule.id
        assert rule.fix, rule.id
        assert rule.why.endswith("."), rule.id
        assert rule.link.startswith("https://"), rule.id
        assert set(rule.yields_to) <= set(ids) - {rule.id}, rule.id
        for sign in rule.signs:
            assert sign.words == sign.words.lower(), rule.id
            assert re.sub(r"[\d\W]", "", sign.words), f"{rule.id}: {sign.words!r} holds no letters"


FIXES = [(rule.id, fix) for rule in RULES for fix in rule.fix]
# What a command costs beside what it mends, and the words that have to say so.
COSTS = {
    r"\breboot\b|\brestart the machine\b": "ends all that runs",
    r"systemctl (?:restart|stop) docker": "stops the containers that run",
    r"\busermod -aG docker\b": "all that root may",
    r"\bsudo chown -R\b": "inside of your own home folder",
    r"\bsudo nvidia-smi -c\b": "a machine of your own",
    r"\bruns clean\b": "--dry-run",
}
NEVER = (
    r"\brm -|system prune|image prune|volume|--force|--break-system-packages|chmod|verify=False|trusted-host"
)


@pytest.mark.parametrize(("command", "words"), COSTS.items())
def test_fix_that_costs_something_says_so(command: str, words: str) -> None:
    costly = [fix for _, fix in FIXES if re.search(command, fix, re.IGNORECASE)]

    assert costly
    assert [fix for fix in costly if words not in fix] == []


def test_no_fix_removes_what_cannot_be_had_again_or_turns_a_guard_off() -> None:
    assert [each for each in FIXES if re.search(NEVER, each[1])] == []


COMMANDS = sorted(
    {
        words
        for _, fix in FIXES
        for words in re.findall(r"(?:^|[:,] |\b[A-Z_]+=\w+ )envkit ([a-z]+(?: [\w.+-]+)*)", fix)
    }
)


@pytest.mark.parametrize("words", COMMANDS)
def test_command_of_envkit_in_a_fix_exists_with_its_options(words: str) -> None:
    names = [each for each in words.replace("TASK", "ner").split(" --")[0].split() if each.islower()]
    options = re.findall(r"--[a-z-]+", words)

    shown = CliRunner().invoke(envkit, [*names, "--help"])

    assert shown.exit_code == 0, shown.output
    assert [each for each in options if not re.search(rf"{each}\b", shown.output)] == []


@pytest.mark.parametrize(
    "line",
    [
        "error error error exit exit code exited with code 1 status ",
        "killed 137 killed 12 line 12: killed python python ",
        "proxy proxy 4070 proxy loss loss nan_ nan nan nano ",
        "undefined symbol no symbol here lib lib lib.so lib-so ",
        "((((((((((((" + "a" * 40 + "))))))) \\t  \\t  ",
    ],
)
def test_patterns_on_a_long_line_that_almost_fits_answer_at_once(line: str) -> None:
    text = (line * 200)[:8000]
    patterns = {each for rule in RULES for sign in rule.signs for each in (sign.line, sign.near) if each}

    began = time.perf_counter()
    for pattern in patterns:
        re.search(pattern, text, re.IGNORECASE)

    assert time.perf_counter() - began < 1.0

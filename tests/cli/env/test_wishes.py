"""What words and files make of what an environment is to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import UsageError
from envkit.cli.env.options import Asked
from envkit.cli.env.wishes import add_wishes, spec_differences, words_of
from envkit.environments.records import EnvSpec

if TYPE_CHECKING:
    from pathlib import Path

HAS = EnvSpec(tasks=("ner",), python="3.12", packages=("rich>=14", "attrs"), channels=("conda-forge",))


@pytest.mark.parametrize(
    ("asked", "changes"),
    [
        (Asked(), {}),
        (Asked(tasks=("qa", "ner")), {"tasks": ("ner", "qa")}),
        (Asked(packages=("Rich<14",)), {"packages": ("attrs", "Rich<14")}),
        (Asked(packages=("tiny",)), {"packages": ("rich>=14", "attrs", "tiny")}),
        (Asked(python=""), {"python": ""}),
        (Asked(torch="cu126", torch_from="conda"), {"torch": "cu126", "torch_from": "conda"}),
        (Asked(channels=("mine",)), {"channels": ("mine", "conda-forge")}),
        (Asked(backend="conda"), {"backend": "conda"}),
    ],
)
def test_wishes_are_added_to_what_there_is(asked: Asked, changes: dict[str, object]) -> None:
    wish = add_wishes(HAS, asked)
    assert wish.spec == msgspec.structs.replace(HAS, **changes)
    assert (wish.notes, wish.wheels) == ((), ())


def test_without_takes_out_packages_and_tasks_and_nothing_that_was_not_asked_for() -> None:
    spec = add_wishes(HAS, Asked(), without=("ner", "RICH")).spec
    assert (spec.tasks, spec.packages) == ((), ("attrs",))
    with pytest.raises(UsageError, match="numpy was not asked for by name") as error:
        add_wishes(HAS, Asked(), without=("numpy",))
    assert "attrs, ner, rich" in (error.value.hint or "")


def test_file_takes_the_place_of_the_same_package_and_keeps_its_hashes_as_pins(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("rich==15.0.0 --hash=sha256:" + "0" * 64 + "\n")
    spec = add_wishes(HAS, Asked(files=(file,))).spec
    assert [text.partition(" ")[0] for text in spec.packages] == ["attrs", "rich==15.0.0"]


def test_file_with_conda_packages_chooses_conda_only_for_a_new_environment(tmp_path: Path) -> None:
    file = tmp_path / "environment.yml"
    file.write_text("dependencies:\n  - python=3.11\n  - zlib\n")
    wish = add_wishes(EnvSpec(), Asked(files=(file,)), may_choose_backend=True)
    spec, notes = wish.spec, wish.notes
    assert (spec.backend, spec.python, spec.base_packages) == ("conda", "3.11", ("zlib",))
    assert any("conda" in note for note in notes)
    with pytest.raises(UsageError):
        add_wishes(EnvSpec(), Asked(files=(file,)))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (HAS, []),
        (msgspec.structs.replace(HAS, python="", channels=()), []),  # any would do
        (msgspec.structs.replace(HAS, python="3.11"), ["Python: 3.12 is there, 3.11 was asked for"]),
        (msgspec.structs.replace(HAS, tasks=("qa",)), ["tasks: lacks qa", "tasks: has ner as well"]),
        (
            msgspec.structs.replace(HAS, packages=()),
            ["packages: has rich>=14, attrs as well"],
        ),
        (msgspec.structs.replace(HAS, packages=("Rich >= 14", "ATTRS")), []),
    ],
)
def test_differences_are_named_in_words(asked: EnvSpec, words: list[str]) -> None:
    assert spec_differences(HAS, asked) == words


NAMES = st.lists(st.sampled_from(["rich", "attrs", "tiny", "numpy"]), unique=True).map(tuple)
SPECS = st.builds(
    EnvSpec,
    tasks=st.lists(st.sampled_from(["ner", "qa"]), unique=True).map(tuple),
    python=st.sampled_from(["3.11", "3.12"]),
    torch=st.sampled_from(["cpu", "2.8.0"]),
    packages=NAMES,
)


@given(there=SPECS, wanted=SPECS)
def test_words_of_a_difference_lead_from_one_to_the_other(there: EnvSpec, wanted: EnvSpec) -> None:
    words = words_of(wanted, than=there)
    options: dict[str, list[str]] = {}
    for option, value in zip(words[::2], words[1::2], strict=True):
        options.setdefault(option, []).append(value)
    asked = Asked(
        tasks=tuple(options.get("--task", [])),
        python=next(iter(options.get("--python", [])), None),
        torch=next(iter(options.get("--torch", [])), None),
        packages=tuple(options.get("--with", [])),
    )
    spec = add_wishes(there, asked, without=options.get("--without", [])).spec
    assert spec_differences(spec, wanted) == []

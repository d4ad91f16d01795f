"""How templates are found, and what a bad extension harms."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from envkit.api import ImageTemplate, PluginError, UsageError
from envkit.images.rendering.templates import find_faults, find_templates, load_template

if TYPE_CHECKING:
    from pathlib import Path

OWN = {"task", "jupyter", "predict"}
HOOK = "from pathlib import Path\nfrom envkit.api import ImageTemplate, hookimpl\n@hookimpl\ndef envkit_templates():\n"


def extension(folder: Path, name: str, body: str) -> None:
    """Install a distribution of one module into a folder of its own on the path."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(textwrap.dedent(body), encoding="utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[envkit.extensions]\nit = {module}\n", encoding="utf-8")


def test_find_templates_as_installed_gives_envkits_three() -> None:
    found = find_templates()

    assert set(found) >= OWN
    for name in OWN:
        assert found[name].source.startswith("envkit-ml ")
        assert found[name].summary.endswith(".")
        assert isinstance(load_template(name), ImageTemplate)


@pytest.mark.parametrize(
    ("given", "near"),
    [("predit", "'predict'"), ("TASK", "'task'"), ("xyz", "Templates here: jupyter, predict, task")],
)
def test_load_template_unknown_name_names_the_nearest(given: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"there is no template '{given}'") as caught:
        load_template(given)
    assert near in str(caught.value.hint)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise SystemExit('no')", "cannot be loaded"),
        (f"{HOOK}    raise ValueError('oh')", "oh"),
        (f"{HOOK}    return [object()]", "object, which is no ImageTemplate"),
        (
            f"{HOOK}    return [ImageTemplate(name='x', summary='', file=Path('/nowhere/D'))]",
            "/nowhere/D does not exist",
        ),
        (f"{HOOK}    return [ImageTemplate(name='x', summary='', file='text')]", "file"),
        (f"{HOOK}    return [ImageTemplate(name='x', summary='', file=Path(__file__), files='ab')]", "files"),
        (f"{HOOK}    return [ImageTemplate(name='A b', summary='', file=Path(__file__))]", "named 'A b'"),
        (
            f"{HOOK}    return [ImageTemplate(name='x', summary='', file=Path(__file__), files=(Path(__file__),) * 2)]",
            "two files named",
        ),
        (f"{HOOK}    return 3", "failed"),
    ],
)
def test_find_templates_broken_extension_harms_only_itself(
    body: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"envkit-broken-{abs(hash(body)) % 10**6}"
    extension(tmp_path, name, body)
    monkeypatch.syspath_prepend(str(tmp_path))

    assert set(find_templates()) >= OWN
    assert load_template("task").name == "task"
    [fault] = find_faults()
    assert name in fault.message and says in fault.message
    with pytest.raises(UsageError) as caught:
        load_template("no-such")
    assert name in str(caught.value.hint)


def test_load_template_claimed_twice_names_both_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("envkit-onemine", "envkit-othermine"):
        extension(
            tmp_path,
            name,
            f"{HOOK}    return [ImageTemplate(name='mine', summary='Mine.', file=Path(__file__))]",
        )
    monkeypatch.syspath_prepend(str(tmp_path))

    assert load_template("predict").name == "predict"
    entry = find_templates()["mine"]
    assert entry.given is None and "envkit-othermine" in entry.summary
    with pytest.raises(PluginError, match=r"envkit-onemine 1\.0 and envkit-othermine 1\.0"):
        load_template("mine")

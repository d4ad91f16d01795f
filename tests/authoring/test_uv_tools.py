"""uv's record of a tool: nothing of it is lost when a plugin comes or goes."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from authoring.small_plugins import SITE, owner_of

from envkit.api import EnvError
from envkit.authoring.installers import install_call, removal_calls
from envkit.authoring.specs import read_spec
from envkit.authoring.uv_tools import find_unkept, read_receipt

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.owner import Owner

RECEIPT = """
[tool]
requirements = [
    { name = "envkit-ml", extras = ["conda"], specifier = ">=0.1" },
    { name = "envkit-good" },
    { name = "envkit-dir", directory = "/src/dir" },
    { name = "envkit-edit", editable = "/src/edit" },
    { name = "envkit-file", path = "/dist/envkit_file-1.0-py3-none-any.whl" },
    { name = "envkit-git", git = "https://h/x?subdirectory=a&rev=main#0f1e" },
    { name = "envkit-url", url = "https://h/envkit_url-1.0.zip" },
    { name = "pluggy", marker = "python_full_version >= '3.1'", specifier = ">=1" },
]
constraints = [{ name = "click", specifier = "<9" }]
overrides = [{ name = "rich", specifier = "==15" }]
python = "/opt/python"
entrypoints = [
    { name = "envkit", install-path = "/bin/here/envkit", from = "envkit-ml" },
    { name = "good", install-path = "/bin/here/good", from = "envkit-good" },
]

[tool.options]
no-index = true
find-links = ["file:///a", "file:///a", "file:///b"]

[[tool.options.index]]
url = "https://h/simple"
"""
KEPT = (
    "--with", "envkit-good", "--with", "envkit-dir @ file:///src/dir", "--with-editable", "/src/edit",
    "--with", "envkit-file @ file:///dist/envkit_file-1.0-py3-none-any.whl",
    "--with", "envkit-git @ git+https://h/x@main#subdirectory=a", "--with", "envkit-url @ https://h/envkit_url-1.0.zip",
    "--with", "pluggy>=1 ; python_full_version >= '3.1'",
)  # fmt: skip


def tool(root: Path, receipt: str = RECEIPT) -> Owner:
    prefix = root / "tools/envkit-ml"
    prefix.mkdir(parents=True)
    (prefix / "uv-receipt.toml").write_text(receipt, encoding="utf-8")
    return owner_of(prefix)


def test_install_into_a_tool_names_all_that_it_was_made_with(tmp_path: Path) -> None:
    owner = tool(tmp_path)

    call = install_call(owner, [read_spec("envkit-new>=2")])

    head = ("tool", "install", "envkit-ml[conda]>=0.1", "--python", "/opt/python")
    tail = ("--with", "envkit-new>=2", "--with-executables-from", "envkit-good")
    assert call.arguments == (*head, *KEPT, *tail)
    assert dict(call.variables) == {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": "/bin/here"}
    assert (call.constraints, call.overrides) == (("click<9",), ("rich==15",))
    assert tomllib.loads(call.settings) == {
        "no-index": True,
        "find-links": ["file:///a", "file:///b"],
        "index": [{"url": "https://h/simple"}],
    }


def test_upgrade_in_a_tool_replaces_the_bound_that_was_there(tmp_path: Path) -> None:
    call = install_call(tool(tmp_path), [read_spec("envkit-good>=2")], is_upgrade=True)

    words = list(call.arguments)
    assert words.count("envkit-good") == 2  # to be upgraded, and where commands are from
    assert words[words.index("--upgrade-package") + 1] == "envkit-good"
    assert "envkit-good>=2" in words


def test_removal_from_a_tool_leaves_the_others(tmp_path: Path) -> None:
    (call,) = removal_calls(tool(tmp_path), ["envkit-edit"])

    assert "/src/edit" not in call.arguments
    assert "envkit-good" in call.arguments


def test_removal_of_what_is_in_no_receipt_is_left_to_uv_pip(tmp_path: Path) -> None:
    owner = tool(tmp_path)

    (call,) = removal_calls(owner, ["envkit-stray"])

    assert call.arguments == ("pip", "uninstall", "--python", str(owner.python), "envkit-stray")


@pytest.mark.parametrize(
    "receipt", ["", "no toml", "[tool]\nrequirements = []\n", "[tool]\nrequirements = [1]\n"]
)
def test_receipt_that_cannot_be_read_is_told(receipt: str, tmp_path: Path) -> None:
    with pytest.raises(EnvError, match="cannot be read"):
        read_receipt(tool(tmp_path, receipt))


def test_package_past_the_receipt_is_known_as_one_that_uv_takes_away(tmp_path: Path) -> None:
    owner = tool(
        tmp_path, '[tool]\nrequirements = [{ name = "envkit-ml", extras = ["more"] }, { name = "x" }]\n'
    )
    needs = {
        "envkit-ml": ["click", "more; extra == 'more'", "less; extra == 'less'"],
        "x": [], "click": [], "more": ["deep"], "deep": [], "less": [], "stray": [],
    }  # fmt: skip
    for name, lines in needs.items():
        info = owner.prefix / SITE / f"{name.replace('-', '_')}-1.dist-info"
        info.mkdir(parents=True)
        text = "".join(f"Requires-Dist: {line}\n" for line in lines)
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1\n{text}")

    assert find_unkept(owner, read_receipt(owner)) == ("less", "stray")

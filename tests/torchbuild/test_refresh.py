"""What the package index tells of torch: read from one that lives for a test."""

from __future__ import annotations

import datetime
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import msgspec
import pytest
from small_wheels import write_wheel

from envkit.api import EnvError
from envkit.pip_configuration import PipConfiguration
from envkit.torchbuild.refresh import __main__ as refresh
from envkit.torchbuild.refresh.compare import differences, update
from envkit.torchbuild.refresh.gather import gather, place_and_needs
from envkit.torchbuild.refresh.package_index import PackageIndex, pip_default_index
from envkit.torchbuild.table import read_index_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envkit.torchbuild.rows import IndexTable

DAY = datetime.date(2027, 1, 2)
LINUX = "manylinux_2_28_x86_64"
CUDA = "cuda-toolkit[cudart]==13.4.1; platform_system == 'Linux'"


class Served(ThreadingHTTPServer):
    """An index in a folder: pages in JSON, files in whole or in parts."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.fetched = 0
        self.has_parts = True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/simple"


class Handler(BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        _, kind, name, *_ = self.path.split("/")
        if kind == "simple":
            body = json.dumps({"name": name, "files": list(self._files(name))}).encode()
            self._answer(200, body)
            return
        content = (self.server.folder / name).read_bytes()
        span = self.headers.get("Range") if self.server.has_parts else None
        if span:
            first, last = map(int, span.removeprefix("bytes=").split("-"))
            content = content[first : last + 1]
        self.server.fetched += len(content)
        self._answer(206 if span else 200, content)

    def _files(self, name: str) -> Iterator[dict[str, object]]:
        stem = name.replace("-", "_")
        for file in sorted(self.server.folder.glob(f"{stem}-*.whl")):
            taken_back = "+back" in file.name
            size = file.stat().st_size
            yield {"filename": file.name, "url": f"/files/{file.name}", "size": size, "yanked": taken_back}

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    for python in ("311", "312"):
        for tag in (LINUX, "manylinux_2_34_aarch64", "macosx_15_0_arm64", "win_amd64"):
            tag = f"cp{python}-cp{python}-{tag}"
            write_wheel(tmp_path, "torch", "2.16.0", needs=("small", CUDA), tag=tag, content="x" * 10_000)
    write_wheel(tmp_path, "torch", "2.16.0", tag=f"cp313-cp313t-{LINUX}")
    write_wheel(tmp_path, "torch", "2.17.0rc1", tag=f"cp313-cp313-{LINUX}")
    write_wheel(tmp_path, "torch", "1.13.0", tag=f"cp311-cp311-{LINUX}")
    write_wheel(tmp_path, "small", "1.0")
    write_wheel(tmp_path, "small", "1.1", content="y" * 500)
    runtime = "nvidia-cuda-runtime==13.4.9; extra == 'cudart'"
    write_wheel(tmp_path, "cuda-toolkit", "13.4.1", needs=(runtime, "absent; extra == 'all'"))
    write_wheel(tmp_path, "nvidia-cuda-runtime", "13.4.9", content="z" * 90_000)
    write_wheel(tmp_path, "torchvision", "0.31.0", needs=("torch==2.16.0",), tag=f"cp312-cp312-{LINUX}")
    server = Served(tmp_path)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def told(served: Served) -> IndexTable:
    return gather(PackageIndex(PipConfiguration(index_url=served.address)), date=DAY)


def test_index_tells_releases_with_pythons_and_systems(told):
    (release,) = told.releases
    assert release.versions == ("2.16.0",)
    assert [(row.system, row.machine, row.needs, row.python) for row in release.systems] == [
        ("darwin", "arm64", "15.0", ("3.11", "3.12")),
        ("linux", "aarch64", "2.34", ("3.11", "3.12")),
        ("linux", "x86_64", "2.28", ("3.11", "3.12")),
        ("windows", "x86_64", "", ("3.11", "3.12")),
    ]


def test_index_tells_variants_by_what_the_wheels_ask_for(told):
    assert {(row.system, *row.machines, row.variant) for row in told.defaults} == {
        ("linux", "x86_64", "cu134"),
        ("linux", "aarch64", "cu134"),
        ("windows", "x86_64", "cpu"),
    }


def test_index_tells_sizes_of_all_that_is_brought_along(told, served):
    sizes = {(row.system, row.machine): row for row in told.sizes}
    linux, mac = sizes["linux", "x86_64"], sizes["darwin", "arm64"]
    names = (
        f"torch-2.16.0-cp312-cp312-{LINUX}",
        "small-1.1-py3-none-any",
        "cuda_toolkit-13.4.1-py3-none-any",
    )
    names += ("nvidia_cuda_runtime-13.4.9-py3-none-any",)
    assert linux.download == sum((served.folder / f"{name}.whl").stat().st_size for name in names)
    assert (linux.variant, mac.variant) == ("cu134", "mps")
    assert linux.disk - mac.disk > 90_000


def test_index_tells_partners(told):
    assert [(row.package, row.versions, row.torch) for row in told.partners] == [
        ("torchvision", ("0.31.0",), "==2.16.0")
    ]


def test_table_behind_the_index_is_said_line_by_line_and_mended_by_what_it_tells(told):
    table = read_index_table()
    lines = differences(table, told)
    assert "missing: the wheels of torch 2.16 for linux x86_64: cu134" in lines
    assert any(line.startswith("missing: torch 2.16.0 for darwin arm64") for line in lines)
    assert any(line.startswith("not in the index: torch 2.15.0 for linux x86_64") for line in lines)
    assert differences(update(table, told), told) == []


def test_rows_that_still_hold_keep_their_date_and_where_they_were_run(told):
    old = msgspec.structs.replace(told.defaults[0], date=datetime.date(2026, 1, 1), run_on="somewhere")
    table = msgspec.structs.replace(told, defaults=(old, *told.defaults[1:]))
    assert update(table, told).defaults[0] == old
    assert differences(table, told) == []


def test_sizes_a_little_off_are_no_news_and_others_are(told):
    def scaled(factor: float) -> IndexTable:
        sizes = [msgspec.structs.replace(row, disk=round(row.disk * factor)) for row in told.sizes]
        return msgspec.structs.replace(told, sizes=tuple(sizes))

    assert differences(scaled(1.02), told) == []
    assert all(line.startswith("wrong: the size of torch 2.16") for line in differences(scaled(2), told))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("manylinux_2_28_x86_64", (("linux", "x86_64"), "2.28")),
        ("manylinux1_x86_64", (("linux", "x86_64"), "2.28")),
        ("manylinux_2_35_aarch64", (("linux", "aarch64"), "2.35")),
        ("macosx_14_0_arm64", (("darwin", "arm64"), "14.0")),
        ("win_amd64", (("windows", "x86_64"), "")),
        ("musllinux_1_2_x86_64", None),
    ],
)
def test_platform_tags_are_read(tag, expected):
    assert place_and_needs(tag) == expected


def test_index_without_parts_of_files_is_an_error(served):
    served.has_parts = False
    with pytest.raises(EnvError, match="no parts of files"):
        gather(PackageIndex(PipConfiguration(index_url=served.address)), date=DAY)


def test_index_that_cannot_be_asked_is_an_error_with_the_way_to_its_settings():
    index = PackageIndex(PipConfiguration(index_url="http://user:secret@127.0.0.1:9/simple"))
    with pytest.raises(EnvError) as raised:
        index.files("torch")
    assert "secret" not in raised.value.message
    assert "pip config list" in (raised.value.hint or "")


def test_index_is_not_asked_where_pip_may_use_none():
    with pytest.raises(EnvError, match="no-index"):
        _ = PackageIndex(PipConfiguration(no_index=True)).address


@pytest.mark.slow
def test_default_index_is_the_one_that_pip_names():
    assert pip_default_index().startswith("https://")


@pytest.mark.parametrize(("way", "code"), [("--check", 1), ("--write", 0)])
def test_command_checks_or_writes(served, tmp_path, monkeypatch, capsys, way, code):
    table = tmp_path / "index.json"
    table.write_bytes(msgspec.json.encode(read_index_table()))
    monkeypatch.setenv("PIP_INDEX_URL", served.address)
    assert refresh.main([way], file=table) == code
    assert "missing: the wheels of torch 2.16 for linux x86_64: cu134" in capsys.readouterr().out
    is_written = b"2.16.0" in table.read_bytes()
    assert is_written == (way == "--write")
    if is_written:
        assert refresh.main(["--check"], file=table) == 0

"""What is installed in an image, against the lock in it and the records of packages."""

from __future__ import annotations

import base64
import hashlib
import tarfile
from dataclasses import dataclass, field
from importlib.metadata import PathDistribution
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from environments.lockfile.locks import CPU, CUDA, section, wheel, write
from images.saved_images import Put, docker_archive, layer, read

from envkit.environments.lockfile.records import LockedHost
from envkit.environments.wheels import content_digest
from envkit.images.inspection.check import check_saved
from envkit.images.layout import IMAGE_LOCK, LOCK_LABEL, PYTHON_LABEL, TEMPLATE_LABEL, VARIANT_LABEL

if TYPE_CHECKING:
    from pathlib import Path

    from images.saved_images import Made

    from envkit.images.inspection.findings import CheckedSubject

SITE = "opt/envkit/lib/python3.12/site-packages"
PASSWD = Put(
    "etc/passwd", b"root:x:0:0::/root:/bin/sh\nenvkit:x:1000:1000::/home/envkit:/bin/sh\nadmin:x:0:0:::\n"
)
WELL = {"Test": ["CMD", "/opt/envkit/bin/python", "-I", "-m", "envkit.worker.healthy"]}


def link(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Put:
    return Put(path, kind=kind, target=target)


@dataclass
class Image:
    """An image to be, right in all until a test changes it."""

    folder: Path
    packages: dict[str, str] = field(
        default_factory=lambda: {"tiny": "1.0", "other": "1.0", "envkit-echo": "0.1"}
    )
    files: dict[str, bytes] = field(default_factory=dict)
    python: tuple[Put, ...] = (link("opt/envkit/bin/python", "/bin/python3"),)
    above: tuple[Put, ...] = ()
    base_layers: int | None = None
    sections: tuple[Any, ...] = ()
    lock: bytes | None = None
    labels: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)

    def subjects(self, *, is_deep: bool = False) -> dict[str, CheckedSubject]:
        """Build, save and check it."""
        lock = (
            self.lock
            if self.lock is not None
            else write(self.folder, *(self.sections or (self.section(),))).read_bytes()
        )
        labels = {LOCK_LABEL: hashlib.sha256(lock).hexdigest(), PYTHON_LABEL: "3.12.4", **self.labels}
        config = {"User": "1000:1000", "Healthcheck": WELL, "Labels": labels, **self.config}
        puts = {IMAGE_LOCK: lock}
        for name, version in self.packages.items():
            puts |= package(name, version)
        puts |= self.files
        base = layer(link("bin", "usr/bin"), link("usr/bin/python3", "python3.12"), "usr/bin/python3.12")
        made: Made = layer(PASSWD, *(Put(path, content) for path, content in puts.items()), *self.python)
        image = read(docker_archive(base, made, layer(*self.above), **config), is_deep=is_deep)
        return {each.name: each for each in check_saved(image, base_layers=self.base_layers, is_deep=is_deep)}

    def section(self, **changes: Any) -> Any:
        return section(**{"host": (LockedHost(name="envkit-echo", version="0.1"),), **changes})


def package(name: str, version: str, *, code: bytes = b"VERSION = 1\n") -> dict[str, bytes]:
    """Return the files of an installed package, which has one command."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    library = {
        f"{module}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {module}:main\n".encode(),
    }
    record = "".join(f"{path},{hash_of(content)},{len(content)}\n" for path, content in library.items())
    record += f"../../../bin/{name},{hash_of(b'#!python')},8\n{info}/RECORD,,\n"
    return {
        **{f"{SITE}/{path}": content for path, content in library.items()},
        f"{SITE}/{info}/RECORD": record.encode(),
        f"opt/envkit/bin/{name}": b"#!python",
    }


def hash_of(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path)


def texts(subject: CheckedSubject) -> list[str]:
    return [each.text for each in subject.findings]


@pytest.mark.parametrize("is_deep", [False, True])
def test_image_that_is_as_locked_has_no_fault(image: Image, is_deep: bool) -> None:
    subjects = image.subjects(is_deep=is_deep)
    assert list(subjects) == ["user", "health check", "lock", "packages", "secrets", "modes"]
    assert {name: texts(each) for name, each in subjects.items() if each.findings} == {}
    assert subjects["packages"].summary.startswith("3 installed, as locked")
    assert ("15 files by their hash" in subjects["packages"].summary) is is_deep


@pytest.mark.parametrize(
    ("packages", "says"),
    [
        ({"tiny": "1.0", "envkit-echo": "0.1"}, "other 1.0 is locked, and not installed"),
        ({"tiny": "1.1", "other": "1.0", "envkit-echo": "0.1"}, "tiny 1.1 is installed, and 1.0 is locked"),
        (
            {"tiny": "1.0", "other": "1.0", "envkit-echo": "0.2"},
            "envkit-echo 0.2 is installed, and 0.1 is locked",
        ),
        (
            {"tiny": "1.0", "other": "1.0", "envkit-echo": "0.1", "more": "3"},
            "more 3 is installed, and not locked",
        ),
    ],
)
def test_package_that_is_not_as_locked_is_named(image: Image, packages: dict[str, str], says: str) -> None:
    image.packages = packages
    assert texts(image.subjects()["packages"]) == [says]


def test_package_that_is_there_twice_is_named(image: Image) -> None:
    image.files = {name: text for name, text in package("tiny", "0.9").items() if "dist-info" in name}
    assert texts(image.subjects()["packages"]) == ["tiny is installed 2 times: 0.9, 1.0"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({f"{SITE}/tiny.py": b"import evil\n"}, f"of tiny 1.0 files were changed: /{SITE}/tiny.py"),
        ({f"{SITE}/sitecustomize.py": b""}, f"files belong to no package: /{SITE}/sitecustomize.py"),
        (
            {
                f"{SITE}/tiny-1.0.dist-info/RECORD": package("tiny", "1.0")[
                    f"{SITE}/tiny-1.0.dist-info/RECORD"
                ]
                + f"gone.py,{hash_of(b'')},0\n".encode()
            },
            f"of tiny 1.0 files are missing: /{SITE}/gone.py",
        ),
        ({f"{SITE}/__pycache__/tiny.cpython-312.pyc": b"compiled"}, None),
        ({f"{SITE}/__pycache__/tiny.cpython-312.opt-1.pyc": b"compiled"}, None),
        (
            {f"{SITE}/__pycache__/evil.cpython-312.pyc": b""},
            f"files belong to no package: /{SITE}/__pycache__/evil.cpython-312.pyc",
        ),
        ({f"{SITE}/evil.pyc": b""}, f"files belong to no package: /{SITE}/evil.pyc"),
        ({f"{SITE}/_virtualenv.pth": b"import _virtualenv"}, None),
        ({f"{SITE}/_virtualenv.pth": b"import evil"}, f"files belong to no package: /{SITE}/_virtualenv.pth"),
        ({f"{SITE}/_virtualenv.py": b"evil"}, f"files belong to no package: /{SITE}/_virtualenv.py"),
    ],
    ids=[
        "changed",
        "strange",
        "missing",
        "bytecode",
        "optimized bytecode",
        "bytecode of no source",
        "bytecode as a module",
        "uv's",
        "not uv's",
        "not uv's either",
    ],
)
def test_files_are_compared_by_hash_only_when_deep(
    image: Image, files: dict[str, bytes], says: str | None
) -> None:
    image.files = files
    assert texts(image.subjects()["packages"]) == []
    assert texts(image.subjects(is_deep=True)["packages"]) == ([] if says is None else [says])


@pytest.mark.parametrize(
    ("puts", "is_changed"),
    [
        ((link(f"{SITE}/tiny.py", "/tmp/evil.py"),), True),
        ((link(f"{SITE}/tiny.py", "other.py"),), True),
        ((Put("tmp/evil.py", b"evil"), link(f"{SITE}/tiny.py", "tmp/evil.py", tarfile.LNKTYPE)), True),
        ((Put("opt/envkit/a", b"evil"), link(f"{SITE}/tiny.py", "/opt/envkit/a", tarfile.LNKTYPE)), True),
        (
            (
                Put("opt/envkit/a", b"VERSION = 1\n"),
                link(f"{SITE}/tiny.py", "opt/envkit/a", tarfile.LNKTYPE),
            ),
            False,
        ),
        ((Put(f"{SITE}/tiny.py", kind=tarfile.FIFOTYPE),), True),
    ],
    ids=["link", "link to a package", "hard link", "hard link inside", "hard link to the same", "pipe"],
)
def test_file_in_whose_place_something_else_is_counts_as_changed(
    image: Image, puts: tuple[Put, ...], is_changed: bool
) -> None:
    image.above = puts
    says = [f"of tiny 1.0 files were changed: /{SITE}/tiny.py"] if is_changed else []
    assert texts(image.subjects(is_deep=True)["packages"]) == says


@pytest.mark.parametrize(
    ("python", "above", "base_layers", "says"),
    [
        (link("opt/envkit/bin/python", "../../../usr/bin/python3.12"), (), 1, None),
        (Put("opt/envkit/bin/python", b"evil"), (), 1, "is no link to the Python of the base"),
        (Put("opt/envkit/bin/python", b"evil"), (), None, "is no link to the Python of the base"),
        (Put("opt/envkit/lib/none"), (), 1, "is not there"),
        (link("opt/envkit/bin/python", "/bin/none"), (), 1, "leads to /bin/none, where no file is"),
        (link("opt/envkit/bin/python", "python"), (), 1, "leads to python, where no file is"),
        (
            link("opt/envkit/bin/python", "/bin/python3"),
            (Put("usr/bin/python3.12", b"evil"),),
            None,
            "leads to /usr/bin/python3.12, which is not the base's: layer 3 has put it there",
        ),
        (
            link("opt/envkit/bin/python", "tiny"),
            (),
            None,
            "leads to /opt/envkit/bin/tiny, which is not the base's: layer 2 has put it there",
        ),
    ],
)
def test_python_that_is_not_the_bases_is_named(
    image: Image, python: Put, above: tuple[Put, ...], base_layers: int | None, says: str | None
) -> None:
    image.python, image.above, image.base_layers = (python,), above, base_layers
    found = texts(image.subjects(is_deep=True)["packages"])
    assert found == ([] if says is None else [f"/opt/envkit/bin/python {says}"])


def test_record_line_without_a_hash_is_a_fault_and_the_code_is_compared_nevertheless(image: Image) -> None:
    record = f"{SITE}/envkit_echo-0.1.dist-info/RECORD"
    lines = package("envkit-echo", "0.1")[record] + b"envkit_echo-0.1.dist-info/REQUESTED,,\n"
    image.sections = (image.section(host=(LockedHost(name="envkit-echo", version="0.1", digest="5" * 64),)),)
    image.files = {record: lines + b"more.py,,\n__pycache__/envkit_echo.cpython-312.pyc,,\n"}
    assert texts(image.subjects()["packages"]) == [
        f"the RECORD of envkit-echo 0.1 gives no hash of /{SITE}/more.py",
        "the files of envkit-echo 0.1 are not those that were locked",
    ]


def test_plugin_with_a_script_is_told_to_be_beyond_comparison(image: Image) -> None:
    record = f"{SITE}/envkit_echo-0.1.dist-info/RECORD"
    line = f"../../../bin/say,{hash_of(b'')},0\n".encode()
    image.sections = (image.section(host=(LockedHost(name="envkit-echo", version="0.1", digest="5" * 64),)),)
    image.files = {record: package("envkit-echo", "0.1")[record] + line}
    (note,) = image.subjects()["packages"].findings
    assert (note.is_fault, "for its scripts: /opt/envkit/bin/say" in note.text) == (False, True)


def test_plugin_whose_code_changed_under_its_version_is_named(image: Image, tmp_path: Path) -> None:
    here = tmp_path / "lib/python3.12/site-packages"
    for path, content in package("envkit-echo", "0.1").items():
        file = tmp_path / path.removeprefix("opt/envkit/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    digest = content_digest(PathDistribution(here / "envkit_echo-0.1.dist-info"))
    image.sections = (image.section(host=(LockedHost(name="envkit-echo", version="0.1", digest=digest),)),)
    assert texts(image.subjects()["packages"]) == []
    commands = f"{SITE}/envkit_echo-0.1.dist-info/entry_points.txt"
    before = package("envkit-echo", "0.1")[commands]
    image.files = {commands: before + b"[console_scripts]\necho = envkit_echo:main\n"}
    assert texts(image.subjects()["packages"]) == []  # commands are no part of what was locked
    image.files = package("envkit-echo", "0.1", code=b"VERSION = 2\n")
    assert texts(image.subjects()["packages"]) == [
        "the files of envkit-echo 0.1 are not those that were locked"
    ]


def test_section_of_the_images_torch_is_the_one_that_is_compared(image: Image) -> None:
    for_gpu = image.section(
        name="linux x86_64, cu126, Python 3.12",
        torch=CUDA,
        wheels=(wheel("tiny", "2.0"), wheel("other")),
    )
    image.sections = (image.section(torch=CPU), for_gpu)
    image.packages["tiny"] = "2.0"
    image.labels = {VARIANT_LABEL: "cu126"}
    assert texts(image.subjects()["packages"]) == []
    image.labels = {VARIANT_LABEL: "cpu"}
    assert texts(image.subjects()["packages"]) == ["tiny 2.0 is installed, and 1.0 is locked"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": {LOCK_LABEL: "5" * 64}}, "and the label says 555555555555…"),
        ({"labels": {LOCK_LABEL: ""}}, f"the image has no label {LOCK_LABEL}"),
        ({"labels": {PYTHON_LABEL: "3.13.1"}}, "locks nothing for this image's machine and Python"),
        ({"labels": {VARIANT_LABEL: "cu126"}}, "locks nothing for this image's machine and Python"),
        ({"lock": b"[spec"}, IMAGE_LOCK),
        ({"lock": b"version = 99\n[spec]\n"}, "version 99"),
    ],
)
def test_lock_that_is_not_what_the_label_names_is_a_fault(
    image: Image, changes: dict[str, Any], says: str
) -> None:
    for name, value in changes.items():
        setattr(image, name, value)
    subjects = image.subjects()
    (text,) = texts(subjects["lock"])
    assert says in text
    assert "packages" not in subjects


def test_image_without_a_lock_is_a_fault() -> None:
    lock = {
        each.name: each
        for each in check_saved(
            read(docker_archive(layer("a"), Labels={TEMPLATE_LABEL: "task"})), base_layers=0, is_deep=False
        )
    }["lock"]
    assert texts(lock) == [f"there is no {IMAGE_LOCK}"]


def test_image_of_another_is_compared_with_no_lock_and_told_of_its_dockerfile() -> None:
    tool = Put("usr/bin/tool", b"", mode=0o4755)
    subjects = check_saved(read(docker_archive(layer("a", tool))), base_layers=None, is_deep=False)
    assert [each.name for each in subjects] == ["user", "health check", "secrets", "modes"]
    hints = [finding.hint for each in subjects for finding in each.findings if finding.is_fault]
    assert len(hints) == 2 and all("its Dockerfile" in hint for hint in hints)
    assert texts(subjects[3]) == [
        "no label says what its base is, so look yourself at what runs as another user: /usr/bin/tool"
    ]


@pytest.mark.parametrize(
    ("user", "is_ok"),
    [
        ("1000:1000", True),
        ("1000", True),
        ("envkit", True),
        ("envkit:envkit", True),
        ("", False),
        ("0", False),
        ("00", False),
        ("root", False),
        ("0:1000", False),
        ("admin", False),
        ("nobody-knows", False),
    ],
)
def test_user_that_is_root_by_any_name_is_a_fault(image: Image, user: str, is_ok: bool) -> None:
    image.config = {"User": user}
    assert image.subjects()["user"].is_ok is is_ok


@pytest.mark.parametrize("check", [None, {"Test": ["NONE"]}, {"Test": []}, {}])
def test_image_without_a_health_check_is_a_fault(image: Image, check: Any) -> None:
    image.config = {"Healthcheck": check}
    assert not image.subjects()["health check"].is_ok


def test_findings_can_be_written_as_json(image: Image) -> None:
    image.packages = {}
    written = msgspec.json.encode(image.subjects()["packages"])
    assert msgspec.json.decode(written)["findings"][0]["is_fault"] is True

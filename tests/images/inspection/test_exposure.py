"""Secrets in layers and words of an image, and files that are open to all."""

from __future__ import annotations

import base64
import hashlib
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from environments.lockfile.locks import section, wheel
from hypothesis import given
from hypothesis import strategies as st
from images.saved_images import Put, docker_archive, folder, layer, open_archive, read

from envkit.environments.lockfile.records import LockedHost
from envkit.images.inspection.exposure import check_modes, check_secrets
from envkit.images.inspection.file_tree import merge_layers
from envkit.images.inspection.secret_patterns import find_secrets, is_secret_variable, mask_found

if TYPE_CHECKING:
    from images.saved_images import Made

    from envkit.images.inspection.findings import CheckedSubject, ImageFinding

# No secret stands whole in this file: those who scan it would find it.
LETTERS = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7z"
WORD = "tr0ub4dor"
KEY = "-----BEGIN {} KEY-----\n".format("OPENSSH PRIVATE") + "b3BlbnNzaC1rZXktdjEAAAAA" * 4 + "\n"
GITHUB = "gh" + "p_" + LETTERS + LETTERS[:8]
HUGGING_FACE = "h" + "f_" + (LETTERS * 2)[:34]
AWS = "AK" + "IA" + "QWERTYUIOPASDFGH"
SITE = "opt/envkit/lib/python3.12/site-packages"


def secrets_in(*layers: Made, **config: Any) -> CheckedSubject:
    return check_secrets(read(docker_archive(*layers, **config)), section=None)


def texts(subject: CheckedSubject) -> list[str]:
    return [each.text for each in subject.findings]


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("root/.ssh/id_ed25519", KEY, ":2: a private key"),
        ("srv/key.json", '{"private_key": "' + KEY.replace("\n", "\\n") + '"}', ":1: a private key"),
        ("root/.netrc", f"machine h\nlogin u\npassword {WORD}\n", ":3: a password"),
        ("home/u/_netrc", f"machine h login u password {WORD}", ":1: a password"),
        ("root/.pypirc", f"[pypi]\nusername = u\npassword = {WORD}\n", ":3: a password"),
        (
            "etc/pip.conf",
            f"[global]\nindex-url = https://u:{WORD}@pkg.corp/simple\n",
            ":2: an address with a password",
        ),
        (
            "etc/uv/uv.toml",
            f'[[index]]\nurl = "https://u:{WORD}@pkg.corp/simple"\n',
            ":2: an address with a password",
        ),
        ("root/.git-credentials", f"https://u:{WORD}@git.corp\n", ":1: an address with a password"),
        (
            "root/.docker/config.json",
            '{"auths": {"r": {"auth": "dTp0cjB1YjRkb3I="}}}',
            ":1: a login of a registry",
        ),
        ("root/.aws/credentials", f"aws_access_key_id = {AWS}\n", ":1: an access key of AWS"),
        (
            "root/.aws/credentials",
            "aws_secret_access_key = " + (LETTERS * 2)[:40] + "\n",
            ":1: a secret key of AWS",
        ),
        ("root/.cache/huggingface/token", HUGGING_FACE, ":1: a token of Hugging Face's"),
        ("app/settings.py", f"\n\nTOKEN = '{GITHUB}'\n", ":3: a token of GitHub's"),
        ("app/__pycache__/settings.pyc", f"\0\0{GITHUB}\0", ":1: a token of GitHub's"),
        ("app/.env", f"DEBUG=1\nexport DB_PASSWORD='{WORD}'\n", ":2: a variable that is a secret"),
        ("app/notes.txt", f"Use machine h login u password {WORD}. Then go on.", ":1: a password"),
        (
            "root/.condarc",
            "channels: [https://c.corp/t/ab-" + "-".join(["0af1" * 2, *["0af1"] * 3, "0af1" * 3]) + "]",
            ":1: a token of conda's channels",
        ),
        ("root/.condarc", f"token: {WORD}{WORD}", ":1: a password or token"),
        ("root/.kaggle/kaggle.json", '{"key": "' + "0af1" * 8 + '"}', ":1: a key of Kaggle's"),
        ("app/gcp.txt", "AI" + "za" + (LETTERS * 2)[:35], ":1: a key of Google's"),
        ("app/.pypirc", "x = py" + "pi-Ag" + LETTERS * 3, ":1: a token of the package index"),
        ("app/url", "https://b.s3.corp/k?X-Amz-Signature=" + "0af1" * 16, ":1: a signed address"),
    ],
)
def test_secret_in_a_file_is_found_with_its_line(path: str, content: str, says: str) -> None:
    found = texts(secrets_in(layer(Put(path, content.encode()))))
    assert found == [f"/{path}{says}"]
    assert WORD not in "".join(found)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("app/readme.md", "pip install --index-url https://user:password@pkg.corp/simple"),
        ("app/run.sh", "git clone https://user:${TOKEN}@git.corp/a; curl http://u:$PASS@h"),
        ("app/doc.txt", "http://joe:tr0ub4dor@www.example.com/ and http://{user}:{pw}@corp"),
        ("app/code.py", "assert url.startswith('https://') and ':x' in text  # a@b"),
        ("app/pem.py", "if text.startswith('-----BEGIN {} KEY-----'):\n    pass".format("PRIVATE")),
        ("app/aws.md", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("root/.netrc", "machine h login u password <password>"),
        ("app/hint.py", "'Put it there: machine HOST login USER password PASSWORD. Then'"),
        ("root/.docker/config.json", '{"credsStore": "desktop", "auths": {"r": {}}}'),
        ("app/.env", "TOKENIZERS_PARALLELISM=false\nSECRET_FILE=/run/secrets/a\nAPI_KEY=\nTOKEN=$OTHER"),
        ("root/.ssh/known_hosts", "git.corp ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5" * 3),
        ("app/cert.pem", "-----BEGIN CERTIFICATE-----\n" + "MIIB" * 30),
    ],
)
def test_sample_in_a_file_is_no_secret(path: str, content: str) -> None:
    assert texts(secrets_in(layer(Put(path, content.encode())))) == []


@pytest.mark.parametrize("make", [docker_archive, open_archive])
def test_secret_that_a_later_layer_deletes_is_found(make: Any) -> None:
    planted = layer(
        Put("root/.netrc", f"machine h login u password {WORD}".encode()), command="COPY .netrc /root/"
    )
    (found,) = check_secrets(
        read(make(layer("a"), planted, layer("b"), layer("root/.wh..netrc"))), section=None
    ).findings
    assert found.text == "/root/.netrc:1: a password, hidden by layer 4, where anybody can still get it"
    assert found.where == "layer 2 (COPY .netrc /root/)"


def test_secrets_in_words_of_an_image_are_found_and_not_repeated() -> None:
    made = layer("a", command=f"RUN |1 PIP_TOKEN={WORD} /bin/sh -c pip install x # buildkit")
    again = layer("b", command=f"RUN |1 PIP_TOKEN={WORD} /bin/sh -c pip install y # buildkit")
    subject = secrets_in(
        made,
        again,
        Env=[f"WANDB_API_KEY={WORD}", "PATH=/bin", "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D"],
        Labels={"index": f"https://u:{WORD}@pkg.corp", "a.secret": WORD},
        Entrypoint=["serve", "--token", GITHUB],
        Cmd=["--url", f"https://u:{WORD}@pkg.corp"],
        Healthcheck={"Test": ["CMD-SHELL", f"curl https://u:{WORD}@localhost"]},
    )
    assert texts(subject) == [
        "the variable WANDB_API_KEY: its name says that it is a secret",
        "the label index: an address with a password",
        "the label a.secret: its name says that it is a secret",
        "the entry point: a token of GitHub's",
        "the command: an address with a password",
        "the health check: an address with a password",
        "the history, lines 1, 2: the value of PIP_TOKEN",
    ]
    assert WORD not in str(subject)
    assert GITHUB not in str(subject)


def test_file_over_the_bound_is_counted_and_the_bound_said() -> None:
    large = Put("weights", GITHUB.encode() + b"\0" * 1_000_000)
    subject = secrets_in(layer(large, "small"))
    assert texts(subject) == []
    assert subject.summary.endswith("of 2 files, 1 over 1 MB were not")


def package(name: str, content: bytes, *, record: bytes | None = None) -> list[Put]:
    """Return an installed package of one module, and what was compiled of it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(record or content).digest()).rstrip(b"=").decode()
    lines = f"{name}/keys.py,sha256={digest},1\n{name}-1.0.dist-info/RECORD,,\n"
    return [
        Put(f"{SITE}/{name}/keys.py", content),
        Put(f"{SITE}/{name}/__pycache__/keys.cpython-312.pyc", content),
        Put(f"{SITE}/{name}-1.0.dist-info/RECORD", lines.encode()),
    ]


@pytest.mark.parametrize(
    ("name", "record", "faults"),
    [
        ("tiny", None, []),
        ("tiny", b"as it was published", ["/keys.py"]),
        ("ours", None, ["/keys.py", ".pyc"]),
        ("of_a_folder", None, ["/keys.py", ".pyc"]),
        ("unknown", None, ["/keys.py", ".pyc"]),
    ],
    ids=["of the index", "changed", "plugin", "from a folder", "not locked"],
)
def test_sample_key_in_a_public_package_is_told_and_no_fault(
    name: str, record: bytes | None, faults: list[str]
) -> None:
    locked = section(
        host=(LockedHost(name="ours", version="1.0"),),
        wheels=(
            wheel("tiny", source="index"),
            wheel("of-a-folder", source="find-links", url="", file="of_a_folder-1.0-py3-none-any.whl"),
        ),
    )
    image = read(docker_archive(layer(*package(name, KEY.encode(), record=record))))
    found = check_secrets(image, section=locked).findings
    wrong = [each.text.split(":")[0] for each in found if each.is_fault]
    assert [place for place in faults if not any(text.endswith(place) for text in wrong)] == []
    assert len(wrong) == len(faults)
    assert ("sample secrets in files of public packages" in str(found)) is (name == "tiny")


def opened(*layers: Made, base_layers: int | None = 1) -> list[ImageFinding]:
    image = read(docker_archive(*layers))
    return list(check_modes(image, merge_layers(image.layers), base_layers=base_layers).findings)


BASE = layer(
    folder("tmp", 0o1777),
    Put("bin/su", mode=0o4755),
    Put("dev/null", mode=0o666, kind=tarfile.CHRTYPE),
    Put("lib", mode=0o777, kind=tarfile.SYMTYPE, target="usr/lib"),
    command="ADD base",
)


@pytest.mark.parametrize(
    ("above", "says"),
    [
        (Put("opt/file", mode=0o666), "anybody may write to the file: /opt/file"),
        (folder("opt/open", 0o777), "anybody may write to the folder, which has no sticky bit: /opt/open"),
        (folder("opt/sticky", 0o1777), None),
        (
            Put("opt/tool", mode=0o4755),
            "/opt/tool runs as user 0, whoever starts it, and the base has none like it",
        ),
        (
            Put("opt/tool", mode=0o2755),
            "/opt/tool runs as another group, whoever starts it, and the base has none",
        ),
        (folder("opt/group", 0o2775), None),
        (Put("bin/su", mode=0o4755), None),
        (Put("bin/su", mode=0o6755), "/bin/su runs as user 0"),
        (Put("bin/.wh.su"), None),
    ],
)
def test_file_that_is_too_open_is_named(above: Put, says: str | None) -> None:
    found = opened(BASE, layer(above, command="RUN chmod"))
    assert len(found) == (says is not None)
    for each in found:
        assert each.text.startswith(str(says))
        assert (each.where, each.is_fault) == ("layer 2 (RUN chmod)", True)


def test_file_that_was_open_and_is_replaced_is_no_fault() -> None:
    assert opened(BASE, layer(Put("opt/file", mode=0o666)), layer(Put("opt/file", mode=0o644))) == []


def test_program_of_another_user_without_a_base_to_compare_is_only_told() -> None:
    (note,) = opened(BASE, base_layers=None)
    assert (note.is_fault, "/bin/su" in note.text) == (False, True)


@given(st.binary(max_size=300), st.text(max_size=40))
def test_search_takes_any_bytes_and_name(content: bytes, path: str) -> None:
    assert all(hit.line >= 1 for hit in find_secrets(path, content))


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=40),
    st.sampled_from([GITHUB, HUGGING_FACE, AWS]),
)
def test_token_in_a_command_is_masked_wherever_it_stands(around: str, token: str) -> None:
    assert token not in mask_found(f"{around} {token} {around}")


@pytest.mark.parametrize(
    ("name", "value", "is_secret"),
    [
        ("HF_TOKEN", WORD, True),
        ("hf_token", WORD, True),
        ("AWS_SECRET_ACCESS_KEY", WORD, True),
        ("DB_PASSWD", WORD, True),
        ("SECRET2", WORD, True),
        ("TOKENIZERS_PARALLELISM", WORD, False),
        ("GPG_KEY", WORD, False),
        ("HF_TOKEN_PATH", "/run/secrets/hf", False),
        ("JUPYTER_TOKEN", "", False),
        ("JUPYTER_TOKEN", "${TOKEN}", False),
        ("SECRET", "/run/secrets/a", False),
        ("DISABLE_TOKEN", "1", False),
        *((name, WORD, True) for name in ("PASS", "PWD", "AUTH", "PAT", "DB_PASS", "SSH_KEY", "GITHUB_PAT")),
        *((name, WORD, True) for name in ("GCP_CREDENTIALS", "PGPASSWORD", "STRIPE_KEY", "SECRET_KEY_BASE")),
        *((name, WORD, False) for name in ("KEYBOARD", "MONKEY", "PATH", "PATTERN", "PUBLIC_KEY", "COMPASS")),
        *(
            ("DB_PASSWORD", value, True)
            for value in (
                f"my{WORD}",
                f"your-{WORD}",
                f"you{WORD}",
                f"${{A}}{WORD}",
                f"$a-{WORD}",
                "$Pa55word9",
                f"%{WORD}",
                f"*{WORD}",
                f"<{WORD}",
                f"{{{WORD}-9",
                f"example{WORD}",
                f"/{WORD}",
                f"/{WORD}/a+b=",
                f"/{LETTERS}/{LETTERS}",
                f"${{A:-{WORD}}}",
            )
        ),
        *(
            ("DB_PASSWORD", value, False)
            for value in (
                "my-token",
                "your_api_key_here",
                "<the password>",
                "{{ password }}",
                "***",
                "changeme",
                "xxx",
                "$(cat",
                "~/.ssh/id_ed25519",
                "/key.pem",
                "/run/secrets/db",
            )
        ),
    ],
)
def test_variable_is_a_secret_by_name_and_value(name: str, value: str, is_secret: bool) -> None:
    assert is_secret_variable(name, value) is is_secret

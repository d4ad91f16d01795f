"""What people write for a Python, a torch and a package."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.api import UsageError
from envkit.environments.spec_words import (
    absolute_package,
    check_channel,
    read_python,
    read_torch,
    split_torch,
)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("", "3.8.1", None),
        ("3.12", "3.12.4", "3.13.0"),
        ("3.12.4", "3.12.4", "3.12.5"),
        (">=3.11,<3.13", "3.12.9", "3.13.0"),
        ("3", "3.9.0", "4.0.0"),
        ("3.14.0rc1", "3.14.0rc1", "3.14.0"),
    ],
)
def test_python_is_read_as_a_version_or_a_range(text: str, inside: str, outside: str | None) -> None:
    found = read_python(text)
    assert found.contains(inside, prereleases=True)
    assert outside is None or not found.contains(outside, prereleases=True)


@pytest.mark.parametrize("text", ["python3", "three", "3.x", "3.12 or so"])
def test_python_that_is_no_version_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="is no version of Python") as caught:
        read_python(text)
    assert "3.12" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "specifier", "variant"),
    [
        ("auto", "", None),
        ("cpu", "", "cpu"),
        ("cu126", "", "cu126"),
        ("mps", "", "mps"),
        ("2.8", "==2.8.*", None),
        ("2.8.0", "==2.8.0", None),
        ("2.8.0+cu126", "==2.8.0", "cu126"),
        (">=2.7", ">=2.7", None),
    ],
)
def test_torch_is_read_as_a_variant_a_version_or_a_range(
    text: str, specifier: str, variant: str | None
) -> None:
    wish = read_torch(text)
    assert wish is not None
    assert (str(wish.specifier), wish.variant) == (specifier, variant)


def test_torch_that_was_not_asked_for_is_none() -> None:
    assert read_torch("") is None


@pytest.mark.parametrize("text", ["gpu", "cuda", "2.8.0+best", "newest"])
def test_torch_that_cannot_be_read_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="neither a variant nor a version of torch") as caught:
        read_torch(text)
    assert "cu126" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numpy>=2", "numpy>=2"),
        ("a @ https://host.example/a.whl", "a @ https://host.example/a.whl"),
        ("git+https://host.example/a", "git+https://host.example/a"),
        ("./dist/a-1-py3-none-any.whl", "/here/dist/a-1-py3-none-any.whl"),
        ("a-1-py3-none-any.whl", "/here/a-1-py3-none-any.whl"),
        ("-e ../a[dev]", "-e /a[dev]"),
        ("-e file:///a", "-e file:///a"),
        ("-e a @ file:///a", "-e a @ file:///a"),
        (".", "/here"),
        ("git+ssh://git@host.example/a.git", "git+ssh://git@host.example/a.git"),
    ],
)
def test_package_means_the_same_from_everywhere(text: str, expected: str) -> None:
    assert absolute_package(text, folder=Path("/here")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a @ https://me:word@host.example/a.whl",
        "git+https://token@host.example/a",
        "git+ssh://me:word@host.example/a",
    ],
)
def test_package_with_a_password_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError, match="has a password in it") as caught:
        absolute_package(text, folder=Path("/here"))
    assert "word" not in caught.value.message.replace("password", "")
    assert "token" not in caught.value.message
    assert ".netrc" in str(caught.value.hint)


@pytest.mark.parametrize(
    "text",
    [
        "https://someone:hush@host.example/conda",
        "https://host.example/t/hush/channel",
        "https:/someone:hush@host.example/conda",
        "someone:hush@host.example/conda",
    ],
)
def test_channel_with_a_secret_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError, match="password or a token") as caught:
        check_channel(text)
    assert "hush" not in caught.value.message + (caught.value.hint or "")


@pytest.mark.parametrize(
    "text", ["conda-forge", "https://host.example/conda/forge", "file:///some/t/channel"]
)
def test_channel_without_a_secret_stays_as_it_is(text: str) -> None:
    assert check_channel(text) == text


def test_torch_among_packages_is_told_apart_from_the_others() -> None:
    packages = ["torch>=2.7", "numpy", "torch<2.9", "./x.whl", "torch; python_version < '3'"]
    found, others = split_torch(packages)
    assert found is not None
    assert (set(map(str, found)), others) == ({">=2.7", "<2.9"}, ["numpy", "./x.whl"])
    assert split_torch(["torch @ https://host.example/t.whl"])[0] is None


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("", "is empty", "a name with a range"),
        ("-e ", "no package|is empty", "a name with a range"),
        ("-e a @ git+file:///a", "is no folder", "--with 'a @ git+file:///a'"),
        ("-e git+https://host.example/a#egg=a", "is no folder", "--with 'git+https://host.example/a#egg=a'"),
        ("aa\nbb", "is not one line", "a name with a range"),
        ("aa bb", "is no package", "a name with a range"),
        ("aa=1", "is no package", "a name with a range"),
        ("aa --hash=sha256:x", "option --hash", "--file FILE"),
        ("aa==1 --no-binary :all:", "option --no-binary", "--file FILE"),
        ("-r /etc/some.txt", "option -r", "--file /etc/some.txt"),
        ("--requirement=a.txt", "option --requirement", "--file a.txt"),
        ("--index-url https://h", "option --index-url", "--file FILE"),
    ],
)
def test_words_that_are_not_one_package_are_refused(text: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        absolute_package(text, folder=Path("/here"))
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    "text",
    [
        "https://host.example/a-1-py3-none-any.whl?X-Amz-Signature=hush&X-Amz-Date=1",
        "a @ https://host.example/a.whl?private_token=hush",
        "git+https://host.example/a?sig=hush#egg=a",
    ],
)
def test_package_with_a_token_in_its_query_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError, match="has a token in it") as caught:
        absolute_package(text, folder=Path("/here"))
    assert "hush" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize("text", ["3.15rc1", "3.11rc1", "3.15.0b2", "4a1"])
def test_version_before_its_release_is_that_one(text: str) -> None:
    assert str(read_python(text)) == f"=={text}"
    torch = read_torch(text)
    assert torch is not None
    assert str(torch.specifier) == f"=={text}"

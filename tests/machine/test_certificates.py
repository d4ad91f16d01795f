from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from envkit.machine.certificates import read_certificates
from envkit.machine.files import Files

if TYPE_CHECKING:
    from pathlib import Path

# As certificates begin, and as long as they say: 300 bytes behind a header of four.
DER = b"\x30\x82" + (300).to_bytes(2) + bytes(300)


def pem(der: bytes = DER, *, label: str = "CERTIFICATE") -> bytes:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode()


def problem(tmp_path: Path, **environ: str) -> str | None:
    files = Files(tmp_path)
    [found] = read_certificates(
        files, environ={"HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, **environ}
    )
    assert files.unread == ()
    assert found.path == next(iter(environ.values()))
    assert found.named_by == next(iter(environ))
    return found.problem


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pem(), None),
        (b"# Corp\r\n" + pem().replace(b"\n", b"\r\n") + b"text between\n" + pem(), None),
        (pem(DER + b"uses", label="TRUSTED CERTIFICATE"), None),
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"<html>Sign in</html>", "there is no certificate in it"),
        (pem(label="PRIVATE KEY"), "there is no certificate in it"),
        (DER, "it holds a certificate in the binary form DER, and PEM is expected"),
        (pem() + pem()[:200], "certificate 2 of the 2 in it is cut off or broken"),
        (pem(DER[:-9]), "certificate 1 of the 1 in it is cut off or broken"),
        (pem(b"hello"), "certificate 1 of the 1 in it is cut off or broken"),
        (b"-----BEGIN CERTIFICATE-----", "certificate 1 of the 1 in it is cut off or broken"),
    ],
)
def test_certificate_file_is_judged_by_its_content(tmp_path, content, expected):
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    assert problem(tmp_path, SSL_CERT_FILE=str(file)) == expected


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"])
def test_certificate_file_that_is_missing_is_told_by_what_names_it(tmp_path, name):
    assert problem(tmp_path, **{name: str(tmp_path / "gone.pem")}) == "it is not there"


def test_certificate_file_that_may_not_be_read_says_so(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_bytes(pem())
    file.chmod(0)
    if not os.access(file, os.R_OK):  # root may read everything
        assert problem(tmp_path, SSL_CERT_FILE=str(file)) == "it cannot be read: Permission denied"


def test_certificate_pipe_is_no_file_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "ca.pem")
    assert problem(tmp_path, SSL_CERT_FILE=str(tmp_path / "ca.pem")) == "it is no file"


def test_certificate_folder_serves_where_folders_do_and_has_hashed_names(tmp_path):
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "corp.pem").write_bytes(pem())
    assert problem(tmp_path, SSL_CERT_FILE=str(folder)) == "it is a folder, and a file is expected"
    assert "openssl rehash" in (problem(tmp_path, REQUESTS_CA_BUNDLE=str(folder)) or "")
    (folder / "3513523f.0").symlink_to("corp.pem")
    assert problem(tmp_path, SSL_CERT_DIR=str(folder)) is None


def test_certificate_of_pips_configuration_is_named_by_its_file(tmp_path):
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\ncert = {tmp_path}/gone.pem\n")
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(settings)}
    [found] = read_certificates(Files(tmp_path), environ=environ)
    assert found.named_by == f"cert in [global] of {settings}"
    assert found.problem == "it is not there"


def test_certificates_where_pips_configuration_is_broken_are_those_of_variables(tmp_path):
    settings = tmp_path / "pip.conf"
    settings.write_text("cert = x\n")
    files = Files(tmp_path, part="certificates")
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(settings), "SSL_CERT_FILE": "/gone"}
    assert [each.named_by for each in read_certificates(files, environ=environ)] == ["SSL_CERT_FILE"]
    assert [(each.what, each.part) for each in files.unread] == [("pip's cert", "certificates")]

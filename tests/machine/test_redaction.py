"""What may be shown to strangers: nobody's name, host, folder or serial number, and the same choice of torch."""

from __future__ import annotations

import time
import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envkit.api import MachineError
from envkit.api.facts import (
    CertificateFile,
    Cpu,
    DeviceFile,
    Disk,
    Docker,
    FoundInterpreter,
    Gpu,
    HuggingFace,
    InstalledPackage,
    Interpreter,
    MachineFacts,
    Memory,
    Nvidia,
    Pip,
    PipSetting,
    Platform,
    Reach,
    TorchSite,
    Unread,
    Variable,
)
from envkit.machine.redaction import redact
from envkit.torchbuild import choose_torch_build

# Long enough to be nobody's abbreviation, and no words of the record itself.
NAME = st.from_regex(r"q[a-z]{4,10}[0-9]{2}", fullmatch=True)


def machine(user: str, host: str, serial: str, project: str, *, capability: str = "8.6") -> MachineFacts:
    home = f"/home/{user}"
    return MachineFacts(
        taken_at="2026-01-02T03:04:05+00:00",
        python=Interpreter(
            path=f"{home}/{project}/.venv/bin/python",
            version="3.12.1",
            implementation="cpython",
            is_64bit=True,
            prefix=f"{home}/{project}/.venv",
            base_prefix="/usr",
            user_site=f"{home}/.local/lib/python3.12/site-packages",
        ),
        interpreters=(FoundInterpreter(path=f"{home}/.pyenv/shims/python3.13", version="3.13"),),
        platform=Platform(
            system="linux", machine="x86_64", kernel=f"6.1.0-{user}", libc="glibc", libc_version="2.36"
        ),
        cpu=Cpu(model="Any CPU"),
        memory=Memory(total=1 << 35),
        nvidia=Nvidia(
            driver_version="580.65.06",
            gpus=(Gpu(index=0, name="RTX A6000", compute_capability=capability, uuid=f"GPU-{serial}"),),
            devices=(DeviceFile(path="/dev/nvidia0", is_usable=True, owner=user, group="video", mode="660"),),
        ),
        disks=(Disk(path=f"/data/{project} of {user}/x", existing="/data", total=2, free=1, purpose="runs"),),
        docker=Docker(
            state="broken",
            context=f"{project}-prod",
            contexts=("default", f"{project}-prod"),
            why=f"lookup {host}.{project}.example: no such host, as {user} of {project}-prod",
            endpoint=f"ssh://{user}@{host}.{project}.example:2222",
            cdi_devices=(f"nvidia.com/gpu=GPU-{serial}",),
        ),
        pip=Pip(
            settings=(
                PipSetting(
                    name="index-url",
                    value=f"https://***@pip.{project}.example:8443/{project}/simple?x=1",
                    source=f"index-url in [global] of {home}/.config/pip/pip.conf",
                ),
                PipSetting(name="trusted-host", value=f"pip.{project}.example 10.1.2.3", source="x"),
            )
        ),
        hugging_face=HuggingFace(
            home=f"{home}/.cache/huggingface", endpoint=f"https://hub.{project}.example"
        ),
        torch_sites=(TorchSite(environment=project, path=f"/srv/{project}/lib/python3.12/site-packages"),),
        variables=(
            Variable(name="CUDA_VISIBLE_DEVICES", value=f"GPU-{serial},1"),
            Variable(name="CONDA_DEFAULT_ENV", value=project),
            Variable(name="ENVKIT_NER_MODEL", value=f"{project}/bert"),
            Variable(name="PYTHONPATH", value=f"{home}/{project}:lib/{project}:/opt/{project}"),
            Variable(name="no_proxy", value=f"localhost,.{project}.example,{host}:80,10.0.0.0/8"),
            Variable(name="https_proxy", value=f"***@proxy.{project}.example:3128"),
        ),
        certificates=(CertificateFile(path=f"/etc/ssl/{project}-ca.pem", named_by="SSL_CERT_FILE"),),
        network=(
            Reach(
                what="package index",
                address=f"https://pip.{project}.example/simple",
                state="certificate",
                detail=f"signed by {project} Root CA",
            ),
        ),
        unread=(
            Unread(what=f"{home}/.x", why=f"Permission denied: '{home}/My {project}/y' for {user}@{host}"),
        ),
    )


def redacted(facts: MachineFacts, user: str, host: str) -> MachineFacts:
    return redact(facts, environ={"HOME": f"/home/{user}", "USER": user}, hostname=f"{host}.corp.example")


def choice(facts: MachineFacts) -> object:
    try:
        return choose_torch_build(facts, specifier=SpecifierSet(), python=facts.python.version)
    except MachineError as error:
        return error.message


@pytest.mark.slow
@given(NAME, NAME, st.uuids(), NAME, st.sampled_from(["5.0", "7.0", "8.6", "12.0"]))
def test_redacted_facts_hold_no_name_and_choose_the_same_torch(user, host, serial, project, capability):
    facts = machine(user, host, str(serial), project, capability=capability)
    clean = redacted(facts, user, host)
    text = msgspec.json.encode(clean).decode().lower()
    for private in (user, host, str(serial), project, f"/home/{user}", "10.1.2.3"):
        assert private not in text
    assert msgspec.json.decode(text.encode()) is not None
    assert msgspec.json.decode(msgspec.json.encode(clean), type=MachineFacts) == clean
    assert choice(clean) == choice(facts)


@given(st.text(), st.text(), st.sampled_from(["PYTHONPATH", "no_proxy", "UV_INDEX", "LANG", "HF_X"]))
def test_redacted_facts_of_any_words_are_facts(value, home, name):
    facts = machine(value, value, value, value)
    facts = msgspec.structs.replace(
        facts, variables=(Variable(name=name, value=value),), unread=(Unread(what=value, why=f"{value}: x"),)
    )
    clean = redact(facts, environ={"HOME": home, "USER": value}, hostname=value)
    assert clean.python.version == facts.python.version
    assert len(clean.variables) == len(clean.unread) == 1


@pytest.mark.slow
def test_redacted_facts_with_a_very_long_word_are_made_at_once():
    facts = machine("a" * 50_000, "a." * 25_000, "1", "qproject01")
    start = time.monotonic()
    redacted(facts, "qanna01", "qhost01")
    assert time.monotonic() - start < 2


def test_redacted_facts_still_tell_what_is_where():
    facts = machine("qanna01", "qhost01", str(uuid.UUID(int=7)), "qproject01")
    clean = redacted(facts, "qanna01", "qhost01")
    assert clean.python.path == f"{clean.python.prefix}/bin/python"
    assert clean.python.user_site == "~/.local/lib/python3.12/site-packages"
    assert clean.interpreters[0].path == "~/.pyenv/shims/python3.13"
    assert clean.docker.context in clean.docker.contexts
    assert clean.docker.contexts[0] == "default"
    assert clean.variable("CUDA_VISIBLE_DEVICES") == "GPU-***,1"
    assert clean.variable("CONDA_DEFAULT_ENV") == clean.variable("ENVKIT_NER_MODEL") == "***"
    assert clean.nvidia.devices[0].owner == "somebody"
    assert clean.nvidia.devices[0].group == "video"
    index = clean.pip.settings[0].value
    assert index.startswith("https://***@host")
    assert index.endswith("/simple?***")
    assert ":8443/" in index
    assert clean.platform.kernel == "6.1.0-user"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        (
            "LD_LIBRARY_PATH",
            "/usr/local/cuda-12.4/lib64:/opt/corp/lib",
            "/usr/local/cuda-12.4/lib64:/opt/name1/lib",
        ),
        ("LANG", "C.UTF-8", "C.UTF-8"),
        ("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True", "expandable_segments:True"),
        ("HF_HUB_OFFLINE", "1", "1"),
        ("HF_ENDPOINT", "https://huggingface.co/", "https://huggingface.co/"),
        ("HTTP_PROXY", "http://proxy.corp:3128", "http://host1:3128"),
        ("NO_PROXY", "*", "*"),
        ("NO_PROXY", "localhost,127.0.0.1,::1", "localhost,127.0.0.1,::1"),
        ("UV_INDEX", "corp=https://pip.corp/simple", "name=https://host1/simple"),
        ("NO_PROXY", "10.0.0.5,[fd00::7]:80,fd00::7", "host1,host2:80,host2"),
        ("PIP_FIND_LINKS", "/wheels", "/wheels"),
        ("TMPDIR", "/scratch/4711", "/name1/4711"),
        ("NVIDIA_VISIBLE_DEVICES", "all", "all"),
    ],
)
def test_redacted_variable_keeps_what_many_machines_have(name, value, shown):
    facts = MachineFacts(
        taken_at="2026-01-02T03:04:05+00:00",
        python=Interpreter(
            path="/usr/bin/python3", version="3.12.1", implementation="cpython", is_64bit=True
        ),
        platform=Platform(system="linux", machine="x86_64", kernel="6"),
        cpu=Cpu(),
        memory=Memory(),
        nvidia=Nvidia(),
        variables=(Variable(name=name, value=value),),
    )
    assert redacted(facts, "qanna01", "qhost01").variable(name) == shown


def test_redacted_facts_of_root_in_a_container_lose_no_words():
    facts = machine("qanna01", "qhost01", "1", "qproject01")
    text = "root may read /root/.cache/uv and /usr/lib"
    facts = msgspec.structs.replace(facts, unread=(Unread(what="x", why=text),))
    clean = redact(facts, environ={"HOME": "/root", "USER": "root"}, hostname="localhost")
    assert clean.unread[0].why == "root may read ~/.cache/uv and /usr/lib"


def test_redacted_facts_hold_no_words_that_a_company_gave():
    facts = msgspec.structs.replace(
        machine("quser1", "qhost1", "1", "qproject1"),
        cpu=Cpu(model="EPYC of quser1"),
        certificates=(CertificateFile(path="zanzibarcorp.pem", named_by="SSL_CERT_FILE"),),
        hugging_face=HuggingFace(endpoint="zanzibar.example/hub"),
        network=(Reach(what="model hub", address="zanzibar.example", state="ok"),),
        docker=Docker(
            version="27.1.1-zanzibar",
            runtimes=("runc", "zanzibar-runc", "nvidia"),
            cdi_devices=("zanzibar.com/gpu=0", "nvidia.com/gpu=all"),
            storage_driver="zanzibarfs",
        ),
        pip=Pip(settings=(PipSetting(name="only-binary", value="zanzibar-models,:all:", source="x"),)),
        torch_sites=(
            TorchSite(
                environment="",
                path="/usr/lib",
                packages=(
                    InstalledPackage(name="torch", version="2.9.0+zanzibar.cu126", build="zanzibar"),
                    InstalledPackage(name="torchvision", version="0.24.0+cu126", build="cu126"),
                ),
            ),
        ),
        variables=(
            Variable(name="UV_INDEX_ZANZIBARCORP_PASSWORD", value="***"),
            Variable(name="NCCL_SOCKET_IFNAME", value="eth0,zanzibar0"),
            Variable(name="TORCH_LOGS", value="zanzibar"),
            Variable(name="PYTORCH_CUDA_ALLOC_CONF", value="expandable_segments:True,max_split_size_mb:64"),
        ),
    )
    clean = redacted(facts, "quser1", "qhost1")
    text = msgspec.json.encode(clean).decode().lower()
    assert "zanzibar" not in text and "quser1" not in text
    assert clean.docker.runtimes[0] == "runc" and clean.docker.cdi_devices[1] == "nvidia.com/gpu=all"
    assert clean.docker.version is not None and clean.docker.version.startswith("27.1.1-")
    assert clean.torch_sites[0].packages[1] == facts.torch_sites[0].packages[1]
    assert clean.pip.settings[0].value.endswith(",:all:")
    assert clean.variables[3].value == facts.variables[3].value

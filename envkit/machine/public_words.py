"""Words that tell nobody's name: what redaction leaves in the facts of a machine."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from envkit.mirrors import HUB, TORCH_INDEX

# Fields of the records of facts whose values are a machine's kind, never its owner's words.
_KEPT_FIELDS_TEXT = """
api_version cause cgroup_driver compute_capability compute_mode cuda_version driver_version
features file_system implementation kind libc libc_version library_version machine mode name origin
os_name os_version part parts pci_devices pci_id platform purpose python rocm_version solver state
system taken_at target token_file_mode token_source
"""
KEPT_FIELDS = frozenset(_KEPT_FIELDS_TEXT.split())
# Fields that are one path, spaces and all.
_PATH_FIELDS_TEXT = """
base_prefix buildx cache_dir command existing externally_managed home library_file mount path prefix root_dir
token_file user_site wsl_linux_driver
"""
PATH_FIELDS = frozenset(_PATH_FIELDS_TEXT.split())
# Fields that are a name which somebody gave: of a docker context, of an environment.
NAME_FIELDS = frozenset({"context", "contexts", "environment"})
NAMES = frozenset(
    {"", "default", "desktop-linux", "rootless", "colima", "orbstack", "podman-machine-default"}
)
# Fields that makers of distributions write their own words behind: 2.9.0+cu130, 27.1.1-ce.
VERSION_FIELDS = frozenset({"build", "version"})
HOST_FIELDS = frozenset({"address", "endpoint"})
# Fields whose values are words that somebody may add to.
WORD_FIELDS = frozenset({"runtimes", "cdi_devices", "storage_driver"})
_WORDS_TEXT = """
runc crun runsc youki kata kata-runtime sysbox-runc nvidia nvidia-cdi nvidia-legacy io.containerd.runc.v2
overlay overlay2 overlayfs fuse-overlayfs btrfs zfs vfs aufs devicemapper windowsfilter stargz native
nvidia.com/gpu nvidia.com/mig amd.com/gpu intel.com/gpu gpu all none
true false yes no on off auto info warn version trace detail init net graph coll p2p shm env tuning ring tree
collnet nvls ll ll128 simple loc nvl pix pxb phb sys ib socket ptx backend cudamallocasync native
expandable_segments max_split_size_mb garbage_collection_threshold roundup_power2_divisions pinned_use_background_threads
"""
_WORDS = frozenset(_WORDS_TEXT.split())
_WORD = re.compile(
    r"[\d.+^-]*|(\d+\.\d+[a-z]?)?\+?ptx|(eth|ib|bond|docker|lo|mlx\d_|gpu|mig)\d*|en[ops]\d\w{0,8}",
    re.IGNORECASE,
)
_VERSION_WORD = re.compile(
    r"(cu|rocm|deb|dfsg|ds|rc|beta|alpha|dev|post|u|ubuntu)?[\d.]*|cpu|xpu|ce|ee|git[0-9a-f]+"
)
# Who owns files of /dev where nobody has changed that.
OWNERS = frozenset(
    {"root", "nobody", "video", "render", "docker", "wheel", "users", "kvm", "vglusers", "tty"}
)

_FOLDERS_TEXT = """
. .. ~ bin sbin lib lib32 lib64 libexec usr local opt etc var tmp run srv mnt media boot dev shm proc self sys
home root Users share include src cache .cache .config .local .docker .pip .conda .mamba .pixi .pyenv .asdf
pyenv shims versions installs plugins uv python python3 pip pip.conf pip.ini wheels simple whl packages
site-packages dist-packages stdlib EXTERNALLY-MANAGED envkit envs runs hub huggingface token torch torchvision
torchaudio transformers nvidia cuda cuda-compat rocm hip oneapi wsl lib-dynload x86_64-linux-gnu
aarch64-linux-gnu conda miniconda miniconda3 anaconda anaconda3 miniforge miniforge3 mambaforge micromamba
mamba pixi conda-meta ssl certs private pki tls ca-trust extracted pem ca-certificates ca-certificates.crt
ca-bundle.crt tls-ca-bundle.pem ca-bundle.pem cert.pem cacert.pem certifi docker docker.sock docker.pid
containerd podman podman.sock buildx docker-buildx cli-plugins contexts meta tls config.json daemon.json
snap Library Application Caches Frameworks Python.framework Versions Current Developer CommandLineTools
Cellar homebrew linuxbrew .linuxbrew nix store profiles cargo .cargo games
module modules driver version gpus meminfo cpuinfo status cgroup mountinfo sys kernel osrelease os-release
bus pci devices class drm kfd dri dxg nvidiactl nvidia-uvm nvidia-caps nvidia-smi nvcc git main master
"""
_FOLDERS = frozenset(_FOLDERS_TEXT.split())
_PATTERNS = re.compile(
    r"""
    python3?(\.\d+)?t?            # python3.12
    | (cpython|pypy)-?\d+(\.\d+)*(-[a-z0-9_]+)*   # of uv: cpython-3.12.1-linux-x86_64-gnu
    | (cuda|rocm|hip|cudnn)-?\d+(\.\d+)*
    | lib(cu|nv|nccl|cudart|cudnn|nvidia|amdhip|roc|hsa|ze|c|m|stdc|gomp|tcmalloc|jemalloc)[\w+-]*\.so(\.\d+)*
    | (nvidia|card|renderD)\d+
    | cu\d+ | cpu | xpu | rocm\d[\d.]*
    | \d+(\.\d+)*                 # versions, numbers of users
    """,
    re.VERBOSE,
)
# Endings that stay when the name before them goes.
_ENDINGS = (
    ".pem",
    ".crt",
    ".cer",
    ".conf",
    ".json",
    ".toml",
    ".yaml",
    ".yml",
    ".sock",
    ".whl",
    ".so",
    ".txt",
)
_HOSTS = frozenset(
    {urlsplit(HUB).hostname or "", urlsplit(TORCH_INDEX).hostname or ""}
    | {"localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal"}
    | {
        "conda.anaconda.org",
        "repo.anaconda.com",
        "prefix.dev",
        "github.com",
        "docker.io",
        "nvcr.io",
        "ghcr.io",
    }
)


def is_public_folder(name: str) -> bool:
    """Tell whether machines of many owners have a folder or file of this name."""
    return name in _FOLDERS or _PATTERNS.fullmatch(name) is not None


def is_public_word(word: str) -> bool:
    """Tell whether makers of hardware and of engines chose this word."""
    return word.lower() in _WORDS or _WORD.fullmatch(word) is not None


def is_public_version(word: str) -> bool:
    """Tell whether a part of what stands behind a version is of many machines."""
    return _VERSION_WORD.fullmatch(word) is not None


def is_public_host(host: str) -> bool:
    """Tell whether a host is everybody's."""
    return host.lower() in _HOSTS


def ending_of(name: str) -> str:
    """Return the ending that tells what kind of file it is, empty where it may be part of a name."""
    return next((ending for ending in _ENDINGS if name.endswith(ending)), "")

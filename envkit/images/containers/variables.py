"""Which of the host's environment variables a worker in a container gets, and where its models come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envkit.models import find_cached_model, hub_cache_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

# What changes how a run computes, or how a model is asked for. None of them names a file of this machine.
_HANDED_ON = re.compile(
    r"(OMP|MKL|OPENBLAS|VECLIB|NUMEXPR|RAYON)_NUM_THREADS|OMP_(PROC_BIND|PLACES|DYNAMIC)|MKL_(DYNAMIC|CBWR)"
    r"|KMP_\w+|TOKENIZERS_PARALLELISM"
    r"|CUDA_(VISIBLE_DEVICES|DEVICE_ORDER|LAUNCH_BLOCKING|MODULE_LOADING)|CUBLAS_WORKSPACE_CONFIG"
    r"|PYTORCH_(CUDA_)?ALLOC_CONF|TORCH_(LOGS|SHOW_CPP_STACKTRACES)|NVIDIA_TF32_OVERRIDE"
    r"|HF_(ENDPOINT|HUB_OFFLINE|HUB_(DOWNLOAD|ETAG)_TIMEOUT|HUB_DISABLE_\w+)|TRANSFORMERS_(OFFLINE|VERBOSITY)"
    r"|TZ"
    r"|ENVKIT_(DISABLE|PREFER)_PLUGINS"
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_SCRATCH = "/tmp"  # the container's own, which goes with it
_THIS_MACHINE = re.compile(r"localhost|127\..*|::1")


@dataclass(frozen=True, kw_only=True)
class ModelSupply:
    """Where a container finds the models of the hub: ``readable`` are mounted, ``variables`` lead to them.

    ``note`` tells the user that the model comes over the network, into the container alone.
    """

    readable: tuple[Path, ...]
    variables: Mapping[str, str]
    note: str = ""


def supply_model(model: str, *, environ: Mapping[str, str], is_in_image: bool = False) -> ModelSupply:
    """Return how a container comes by a model: from a folder, this machine's cache, the image, or the hub.

    ``is_in_image`` tells that the image may hold it, or that it is none of the hub's.
    """
    if not model:
        return ModelSupply(readable=(), variables={})
    folder = Path(model).expanduser()
    if folder.is_dir():
        return ModelSupply(readable=(folder.absolute(),), variables={})
    if find_cached_model(model, environ=environ) is not None:
        cache = hub_cache_dir(environ).absolute()
        return ModelSupply(readable=(cache,), variables={"HF_HUB_CACHE": str(cache)})
    if is_in_image:
        return ModelSupply(readable=(), variables={})
    token = {name: environ[name] for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN") if environ.get(name)}
    token_file = Path(environ.get("HF_TOKEN_PATH") or hub_cache_dir(environ).parent / "token").absolute()
    if not token and token_file.is_file():
        return ModelSupply(
            readable=(token_file,), variables={"HF_TOKEN_PATH": str(token_file)}, note=_note_download(model)
        )
    return ModelSupply(readable=(), variables=token, note=_note_download(model))


def container_variables(environ: Mapping[str, str], *, supply: ModelSupply, user: str) -> dict[str, str]:
    """Return the variables that a worker in a container gets besides the image's own.

    Whoever may ask the engine reads them (``docker inspect``) while the container is there: a proxy with a
    password is among them only for a model that is to be downloaded.
    """
    handed = {name: text for name, text in environ.items() if _HANDED_ON.fullmatch(name)}
    is_online = bool(supply.note) and not is_offline(environ)
    proxies = {
        name: text
        for name, text in environ.items()
        if name.lower() in _PROXIES and _is_reached(name, text) and (is_online or not _has_login(text))
    }
    return {
        **handed,
        **proxies,
        "HOME": _SCRATCH,
        "USER": user,  # who is no user of the image has no name there, and torch asks for one
        "LOGNAME": user,
        "XDG_CACHE_HOME": f"{_SCRATCH}/cache",
        "TORCHINDUCTOR_CACHE_DIR": f"{_SCRATCH}/torchinductor",
        "HF_HOME": f"{_SCRATCH}/huggingface",
        "HF_HUB_CACHE": f"{_SCRATCH}/huggingface/hub",
        **supply.variables,
    }


def is_offline(environ: Mapping[str, str]) -> bool:
    """Tell whether the hub may not be asked. Source: huggingface_hub, ``constants.ENV_VARS_TRUE_VALUES``."""
    values = (environ.get(name, "").upper() for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    return any(value in ("1", "ON", "YES", "TRUE") for value in values)


def _has_login(proxy: str) -> bool:
    return "@" in proxy


def _note_download(model: str) -> str:
    return (
        f"The model {model} is not on this machine: it is downloaded into the container, for this run alone "
        f"(to keep it: hf download {model})"
    )


def _is_reached(name: str, proxy: str) -> bool:
    """Tell whether a container reaches a proxy: one on this machine's own loopback it does not."""
    if name.lower() == "no_proxy":
        return bool(proxy)
    try:
        host = urlsplit(proxy if "//" in proxy else f"//{proxy}").hostname
    except ValueError:  # no address: nobody reaches it
        return False
    return bool(host) and not _THIS_MACHINE.fullmatch(host or "")

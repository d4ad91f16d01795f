"""Download a model from the Hugging Face hub, where it is on no shelf of this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvError, EnvkitError, UsageError
from envkit.masking import mask_secrets
from envkit.mirrors import HUB, mirror_hint
from envkit.models import hub_cache_dir, is_model_dir

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envkit.api import Reporter

# What transformers reads of a model, beside its weights; a repository may hold gigabytes more.
_SIDE_FILE = re.compile(r"[^/]+\.(json|txt|model|jinja|tiktoken|vocab|bpe)")
_WEIGHTS = (r"model(-\d+-of-\d+)?\.safetensors", r"pytorch_model(-\d+-of-\d+)?\.bin")
_SECONDS_TO_ANSWER = 30.0


def download_model(name: str, *, report: Reporter, environ: Mapping[str, str]) -> Path:
    """Download this model into the Hugging Face cache and return its folder; a cut download goes on.

    Raises: UsageError where the hub has no such model, EnvError where it cannot be reached or must not be.
    """
    endpoint = (environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    _check_online(name, environ)
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    try:
        info = HfApi(endpoint=endpoint).model_info(name, files_metadata=True, timeout=_SECONDS_TO_ANSWER)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        wanted = _choose_files(name, sizes)
        megabytes = sum(sizes[file] for file in wanted) / 1e6
        report.say(f"Model {name} from {mask_secrets(endpoint)}: downloading {megabytes:.0f} MB")
        path = Path(
            snapshot_download(
                name, allow_patterns=wanted, cache_dir=hub_cache_dir(environ), endpoint=endpoint
            )
        )
    except EnvkitError:
        raise
    except GatedRepoError as error:
        raise EnvError(
            f"the model {name} is only for those who accepted its conditions",
            hint=f"Accept them at {mask_secrets(endpoint)}/{name}, then set HF_TOKEN to your access token. "
            f"{mirror_hint('model-hub')}",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise UsageError(
            f"there is no model {name!r} on this machine or at {mask_secrets(endpoint)}",
            hint="Give --model a folder with config.json and weights, or the name of a model, "
            "as sentence-transformers/all-MiniLM-L6-v2; a private one needs HF_TOKEN. "
            f"{mirror_hint('model-hub')}",
        ) from error
    except (
        Exception
    ) as error:  # the client's network errors (its HTTP library's, its own, OSError) share no base
        raise _unreachable(name, endpoint, error) from error
    if not is_model_dir(path):
        raise EnvError(
            f"the download of {name} is not whole: {path}", hint="Run the command again: it goes on"
        )
    return path


def _check_online(name: str, environ: Mapping[str, str]) -> None:
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if environ.get(variable, "").upper() in ("1", "ON", "YES", "TRUE"):
            raise EnvError(
                f"the model {name} is not on this machine, and {variable} forbids to download it "
                f"(looked for: the folder {name}, the cache {hub_cache_dir(environ)})",
                hint=f"Unset {variable}, or set HF_HOME to a cache that holds the model, or give --model a folder",
            )


def _choose_files(name: str, there: Iterable[str]) -> list[str]:
    """Return the files to download: one kind of weights, and what belongs to them."""
    names = sorted(there)
    weights = next(
        (found for kind in _WEIGHTS if (found := [n for n in names if re.fullmatch(kind, n)])), None
    )
    if weights is None or "config.json" not in names:
        raise UsageError(
            f"the model {name} has no config.json with weights for PyTorch",
            hint="Give --model another model: one with model.safetensors or pytorch_model.bin",
        )
    return weights + [file for file in names if _SIDE_FILE.fullmatch(file)]


def _unreachable(name: str, endpoint: str, error: Exception) -> EnvError:
    reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return EnvError(
        f"the model {name} cannot be downloaded from {mask_secrets(endpoint)}: {mask_secrets(reason)}",
        hint=f"Give --model a folder, or set HTTPS_PROXY to your proxy. {mirror_hint('model-hub')}",
    )

"""envkit's own templates, handed in as those of any extension are."""

from __future__ import annotations

from envkit.api import ImageTemplate, hookimpl
from envkit.images.layout import JUPYTER_PORT, PREDICT_PORT
from envkit.templates import templates_dir


@hookimpl
def envkit_templates() -> list[ImageTemplate]:
    """Return the images to fine-tune in, to work in with JupyterLab, and to predict with."""
    folder = templates_dir() / "docker"
    warm = folder / "files" / "warm.py"
    return [
        ImageTemplate(
            name="task",
            summary="Fine-tune a task, on CPU or GPU.",
            file=folder / "task.Dockerfile",
            files=(warm,),
        ),
        ImageTemplate(
            name="jupyter",
            summary="JupyterLab, with the environment as its kernel.",
            file=folder / "jupyter.Dockerfile",
            files=(warm,),
            packages=("jupyterlab", "ipykernel"),
            port=JUPYTER_PORT,
        ),
        ImageTemplate(
            name="predict",
            summary="A finished run's model, which answers standard input and HTTP.",
            file=folder / "predict.Dockerfile",
            files=(warm,),
            purpose="predict",
            is_of_run=True,
            port=PREDICT_PORT,
        ),
    ]

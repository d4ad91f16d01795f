"""Where things lie in an image, and the labels that tell what is in it."""

from __future__ import annotations

ENV_PREFIX = "/opt/envkit"
IMAGE_PYTHON = f"{ENV_PREFIX}/bin/python"
IMAGE_LOCK = f"{ENV_PREFIX}/envkit.lock"
IMAGE_MODEL = "/opt/model"
IMAGE_HOME = "/home/envkit"
WORK_DIR = "/work"
USER_NAME = "envkit"
DEFAULT_USER_ID = 1000
PREDICT_PORT = 8000
JUPYTER_PORT = 8888

# envkit's own labels; what they hold is text.
TEMPLATE_LABEL = "envkit.template"
ENVKIT_LABEL = "envkit.version"
TASKS_LABEL = "envkit.tasks"  # names, with a comma between them
PLUGINS_LABEL = "envkit.plugins"  # `envkit-ner 0.1.0 DIGEST`, with a comma between them; envkit-ml among them
LOCK_LABEL = "envkit.lock.sha256"  # of the file IMAGE_LOCK
PYTHON_LABEL = "envkit.python"
TORCH_LABEL = "envkit.torch.version"
VARIANT_LABEL = "envkit.torch.variant"  # `cpu`, `cu126`
DRIVER_LABEL = "envkit.torch.driver"  # the oldest NVIDIA driver that its CUDA runs on, absent for `cpu`
RUN_LABEL = "envkit.run"  # id of the run that the image was built from

# The Open Containers Initiative's own. Source: image-spec, "Pre-Defined Annotation Keys".
TITLE_LABEL = "org.opencontainers.image.title"
DESCRIPTION_LABEL = "org.opencontainers.image.description"
VERSION_LABEL = "org.opencontainers.image.version"
REVISION_LABEL = "org.opencontainers.image.revision"
BASE_LABEL = "org.opencontainers.image.base.name"

# What stands before an image's name where an environment is named: `--env docker:NAME`.
IMAGE_PREFIX = "docker:"

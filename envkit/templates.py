"""Find the templates that ship with envkit: in its wheel, or beside the package in its source tree."""

from __future__ import annotations

from pathlib import Path

from envkit.api import EnvkitError

_PACKAGE_DIR = Path(__file__).parent


def templates_dir(*, package_dir: Path = _PACKAGE_DIR) -> Path:
    """Return the folder of templates. Raises: EnvkitError where this installation has none."""
    in_wheel = package_dir / "_templates"
    in_source_tree = package_dir.parent / "templates"
    # Beside an installed package lies site-packages, where `templates` would be somebody else's.
    for folder, witness in ((in_wheel, in_wheel), (in_source_tree, package_dir.parent / "pyproject.toml")):
        if folder.is_dir() and witness.exists():
            return folder
    from envkit.owner import install_command  # for an error alone

    raise EnvkitError(
        f"envkit's templates are in neither {in_wheel} nor {in_source_tree}",
        hint=f"Install envkit again: {install_command('envkit-ml', is_anew=True)}",
    )


def template_file(name: str, *, package_dir: Path = _PACKAGE_DIR) -> Path:
    """Return the template of this name, such as ``model/README.md``. Raises: EnvkitError."""
    folder = templates_dir(package_dir=package_dir)
    file = folder / name
    if not file.is_file():
        raise EnvkitError(f"there is no template {name!r} in {folder}")
    return file

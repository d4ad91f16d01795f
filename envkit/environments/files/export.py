"""Write an environment down in a format that other tools read, from its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.environments.records import EnvRecord, WheelPackage

Form = Literal["pylock", "requirements", "environment.yml"]


def export_environment(
    record: EnvRecord, wheels: Sequence[WheelPackage], *, form: Form, file_name: str | None = None
) -> str:
    """Return the text of a file that names every package of the environment exactly.

    ``wheels`` are what an installer put in, as ``installed_wheels`` finds them; what envkit remade from the
    host's own files stands in comments. ``file_name`` is what the file will be called, None for what is usual;
    the commands in its head name it. Raises: EnvError where the format needs what is not known.
    """
    if form == "pylock":
        from envkit.environments.files.export_pylock import write_pylock

        return write_pylock(record, wheels, file_name=file_name or "pylock.toml")
    if form == "requirements":
        from envkit.environments.files.export_requirements import write_requirements

        return write_requirements(record, wheels, file_name=file_name or "requirements.txt")
    from envkit.environments.files.export_conda import write_conda

    return write_conda(record, wheels, file_name=file_name or "environment.yml")

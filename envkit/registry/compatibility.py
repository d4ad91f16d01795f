"""Which version of the API a plugin is made for, and whether this envkit has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api.versions import API_VERSION, version_text
from envkit.registry.entries import plugin_error, unusable_error

if TYPE_CHECKING:
    from types import ModuleType

    from envkit.registry.entries import AnyEntry

ATTRIBUTE = "api_version"
_FORM = re.compile(r"(\d{1,9})\.(\d{1,9})")


def check_api_version(
    module: ModuleType, entry: AnyEntry, *, api_version: tuple[int, int] = API_VERSION
) -> None:
    """Refuse a module made for another API: a newer minor or another major; one that says nothing is taken as it is.

    Raises: PluginError, state ``incompatible``, or ``broken`` where it sets no version.
    """
    stated = getattr(module, ATTRIBUTE, None)
    if stated is None:
        return
    found = _FORM.fullmatch(stated) if isinstance(stated, str) else None
    if found is None:
        raise unusable_error(entry, f'it sets {ATTRIBUTE} to {stated!r}, expected a text such as "1.0"')
    wanted = (int(found[1]), int(found[2]))
    if wanted > api_version:
        from envkit.owner import upgrade_command  # for an error alone

        fix = f"Upgrade envkit: {upgrade_command()}"
    elif wanted[0] < api_version[0]:
        fix = f"Upgrade the plugin: envkit plugin install --upgrade {entry.plugin}"
    else:
        return
    message = f"{entry} is made for version {stated} of envkit's API, here is {version_text(api_version)}"
    raise plugin_error(entry, message, hint=fix, state="incompatible")

"""Where a package that cannot be found, or not with another, was asked for: the file and the line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envkit.environments.agreement import Claim, Disagreement
from envkit.environments.missing_packages import MissingPackages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.cli.env.wishes import Wish


@contextmanager
def naming_origins(wish: Wish) -> Iterator[None]:
    """Add to the error of packages that cannot be had, or not together, where a file asks for them."""
    try:
        yield
    except MissingPackages as error:
        missing = {canonicalize_name(name.partition("[")[0]) for name in error.names}
        places = [place for place in wish.places if canonicalize_name(place.name) in missing]
        if not places:
            raise
        lines = (f"\n  {place.file}:{place.line} asks for {place.name}" for place in places)
        raise MissingPackages(error.message + "".join(lines), hint=error.hint, names=error.names) from error
    except Disagreement as error:
        raise Disagreement(_placed(error.one, wish), _placed(error.other, wish)) from error


def _placed(claim: Claim, wish: Wish) -> Claim:
    """Return the claim with file and line for who asks, where it stands in a file."""
    if claim.who != "--with":
        return claim
    asked = (place for place in wish.places if place.text)
    found = next((place for place in asked if Requirement(place.text) == claim.requirement), None)
    return claim if found is None else Claim(f"{found.file}:{found.line}", claim.requirement)

"""Checks of the network: whether indexes and the hub are reached, and what is in the way if not."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING

from envkit.api.checks import Check, Finding
from envkit.doctor.checks.network_fixes import fix_of, is_trouble_of_settings
from envkit.machine.network_route import proxy_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import MachineFacts, Reach
    from envkit.doctor.surroundings import Surroundings

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
# An index that takes this long to begin an answer makes every install slow.
_SLOW_SECONDS = 2.0
_TITLES = {
    "package index": "The package index",
    "torch index": "torch's index",
    "model hub": "The model hub",
    "conda channel": "The conda channel",
}


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of the network; those of settings need none."""
    has_wheels = bool(surroundings.wheels)
    return (
        Check(
            id="network.proxy",
            summary="The settings of proxies make sense",
            needs=("variables", "pip"),
            run=_check_proxy,
        ),
        Check(
            id="network.certificate-file",
            summary="The files of certificates that settings name can be used",
            needs=("certificates",),
            run=_check_certificate_files,
        ),
        *(
            Check(
                id=f"network.{what.replace(' ', '-').removeprefix('conda-')}",
                summary=f"{title} answers",
                needs=("network", "platform", "variables", "pip", *_more_needs(what)),
                network=True,
                run=partial(_check_reach, what, has_wheels=has_wheels),
            )
            for what, title in _TITLES.items()
        ),
    )


def _more_needs(what: str) -> tuple[str, ...]:
    return ("disks",) if what.endswith("index") else ()  # where uv's cache is


def _check_reach(what: str, context: CheckContext, *, has_wheels: bool) -> Iterator[Finding]:
    facts = context.facts
    reaches = [reach for reach in facts.network if reach.what == what]
    if not reaches:
        yield Finding(severity="ok", summary=f"{_TITLES[what]}: none is set up here, so none was asked")
    for reach in reaches:
        if reach.state == "reached":
            yield _reached(reach)
        else:
            yield Finding(
                severity="warn" if _can_do_without(reach, facts, has_wheels=has_wheels) else "error",
                summary=f"{_TITLES[what]} is not reached: {reach.detail}",
                evidence=tuple(_evidence(reach)),
                fix=fix_of(reach, facts),
            )


def _reached(reach: Reach) -> Finding:
    seconds = reach.seconds or 0.0
    is_slow = seconds >= _SLOW_SECONDS
    says = reach.detail or f"answers in {seconds:.2g} s"
    return Finding(
        severity="warn" if is_slow else "ok",
        summary=f"{_TITLES[reach.what]} answers slowly: in {seconds:.1f} s"
        if is_slow
        else f"{_TITLES[reach.what]}: {says}",
        evidence=tuple(_evidence(reach)),
        fix=fix_of(reach, None) if is_slow else None,
    )


def _can_do_without(reach: Reach, facts: MachineFacts, *, has_wheels: bool) -> bool:
    """Tell whether work can go on although the address is not reached."""
    if is_trouble_of_settings(reach):
        return False
    pip = {setting.name for setting in facts.pip.settings}
    if reach.what == "package index":
        return bool(pip & {"find-links", "no-index"}) or _has_cache(facts)
    if reach.what == "torch index":
        return has_wheels or _has_cache(facts)
    return True  # the default model needs no hub, and environments are made without conda as well


def _has_cache(facts: MachineFacts) -> bool:
    """Tell whether uv has a cache already, from which what was installed once is installed again."""
    return any(disk.purpose == "uv cache" and disk.existing == disk.path for disk in facts.disks)


def _evidence(reach: Reach) -> Iterator[str]:
    yield f"{reach.address}, from {reach.source}" if reach.source else reach.address
    if reach.proxy:
        yield f"by the proxy {reach.proxy}"
    if reach.trust:
        yield f"trusted: {reach.trust}"


def _check_proxy(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    said = {name: _value(facts, name) for name in _PROXY_VARIABLES}
    for name, values in said.items():
        for form, value in values.items():
            if finding := _judge_proxy(form, value):
                yield finding
        if len(set(values.values())) > 1:
            yield Finding(
                severity="warn",
                summary=f"{name} and {name.lower()} name different proxies: programs differ in which they take",
                evidence=tuple(f"{form}={value}" for form, value in values.items()),
                fix=f"unset {name.lower()}",
            )
    if said["HTTP_PROXY"] and not (said["HTTPS_PROXY"] or said["ALL_PROXY"]):
        value = next(iter(said["HTTP_PROXY"].values()))
        yield Finding(
            severity="warn",
            summary="A proxy is named for http alone, and indexes are asked by https",
            evidence=tuple(f"{form}={text}" for form, text in said["HTTP_PROXY"].items()),
            fix='export HTTPS_PROXY="$HTTP_PROXY"'
            if "HTTP_PROXY" in said["HTTP_PROXY"]
            else f"export HTTPS_PROXY={shlex.quote(value)}",
        )
    for setting in facts.pip.settings:
        if setting.name == "proxy" and (finding := _judge_proxy(setting.source, setting.value)):
            yield finding
    for form, value in _value(facts, "NO_PROXY").items():
        wrong = [each.strip() for each in value.split(",") if "://" in each or " " in each.strip()]
        if wrong:
            yield Finding(
                severity="warn",
                summary=f"{form} has entries that match no host",
                evidence=tuple(wrong),
                fix=f"Write hosts, endings of hosts and networks with commas between: "
                f"export {form}=localhost,.example.com,10.0.0.0/8",
            )


def _judge_proxy(source: str, value: str) -> Finding | None:
    full = value if "://" in value else f"http://{value}"
    try:
        scheme, _, _ = proxy_place(full)
    except ValueError as error:
        return Finding(
            severity="error",
            summary=f"{source} is no address of a proxy: {error}",
            evidence=(value,),
            fix=f"export {source}=http://HOST:PORT" if " " not in source else "Write it as http://HOST:PORT",
        )
    if scheme == "socks":
        return Finding(
            severity="warn",
            summary=f"{source} names a SOCKS proxy, which uv speaks to and Python's downloads do not",
            evidence=(value,),
            fix="Take the proxy's http address if it has one, or add what speaks SOCKS to the environment: "
            "--with 'httpx[socks]'",
        )
    return None


def _value(facts: MachineFacts, name: str) -> dict[str, str]:
    forms = (name, name.lower())
    return {form: value for form in forms if (value := facts.variable(form))}


def _check_certificate_files(context: CheckContext) -> Iterator[Finding]:
    for file in context.facts.certificates:
        if file.problem is None:
            continue
        is_variable = file.named_by.isupper() and " " not in file.named_by
        unset = f"unset {file.named_by}" if is_variable else "pip config unset global.cert"
        yield Finding(
            severity="error",
            summary=f"The certificates that {file.named_by} names cannot be used: {file.problem}",
            evidence=(file.path,),
            fix=f"Name a file with certificates in PEM, or take the setting out: {unset}",
        )

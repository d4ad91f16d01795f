"""Install plugins into envkit's own environment, with the installer that owns it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name

from envkit.api import EnvError, PluginError
from envkit.authoring.changes import Change, installed_versions
from envkit.authoring.forecast import Forecast, SourceOnly, foresee_install
from envkit.authoring.installers import install_call, removal_calls
from envkit.authoring.owner import refuse_foreign, shown_words
from envkit.authoring.specs import ENVKIT
from envkit.doctor.child_process import ChildProcess
from envkit.doctor.plugin_process import PluginProcess
from envkit.doctor.plugin_states import read_plugin_states
from envkit.environments.missing_packages import MissingPackages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from envkit.api.checks import PluginState
    from envkit.api.errors import PluginFault
    from envkit.authoring.calls import Call, Runner
    from envkit.authoring.specs import Spec
    from envkit.owner import Owner

# In a process that begins as any command does: what a .pth file adds to the search path counts too.
_PROGRAM = "from envkit.doctor.plugin_child import main; main()"


class LoadedPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """What an installed plugin supplies, once it was loaded: a task or an extension."""

    plugin: str
    version: str
    kind: str
    name: str


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says; ``cmd`` is the command as a list of words."""

    dry_run: bool
    cmd: tuple[str, ...]
    changes: tuple[Change, ...]
    plugins: tuple[LoadedPlugin, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InstallPlan:
    """What an install would do. ``notes`` are for the user to know, ``doubts`` to be asked before it is done."""

    owner: Owner
    specs: tuple[Spec, ...]
    call: Call
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the distributions that were asked for, whether or not they are there already."""
        named = [spec.name for spec in self.specs if spec.name is not None]
        return tuple(dict.fromkeys([*named, *(each.name for each in self.changes if each.is_asked)]))

    @property
    def present(self) -> tuple[tuple[str, str], ...]:
        """Return name and version of those that are there now."""
        versions = installed_versions(self.owner)
        return tuple((name, versions[name]) for name in self.names if name in versions)


def plan_install(
    owner: Owner,
    specs: Sequence[Spec],
    *,
    runner: Runner,
    is_upgrade: bool = False,
    may_change_envkit: bool = False,
    is_dry_run: bool = False,
    is_sure: bool = False,
) -> InstallPlan:
    """Find out what would be installed and changed; nothing is changed yet.

    For a dry run nothing is built, nor for a name that was not given as it is, unless the user ``is_sure``.
    Raises: EnvError where it cannot be installed or the environment is not ours to change, PluginError where it
    would change envkit's own version.
    """
    refuse_foreign(owner, names=[spec.text for spec in specs])
    found = _foresee(
        owner, list(specs), runner=runner, is_upgrade=is_upgrade, is_dry_run=is_dry_run, is_sure=is_sure
    )
    chosen, changes = found.specs, found.changes
    doubts = [
        f"there is no {canonicalize_name(spec.name or '')}: {other.text} itself is meant"
        for spec, other in zip(specs, chosen, strict=True)
        if other == spec.fallback and any(each.name == other.name for each in changes)
    ]
    if not may_change_envkit:
        _refuse_other_envkit(owner, chosen, changes)
    return InstallPlan(
        owner=owner,
        specs=chosen,
        call=install_call(owner, chosen, is_upgrade=is_upgrade, anew=found.anew, pins=found.pins),
        changes=changes,
        notes=(*found.notes, *_notes(owner)),
        doubts=(*doubts, *(_doubt(each) for each in changes if each.is_other)),
    )


# A requirement of envkit's own distribution: not a path that its name stands in, nor a longer name.
_ABOUT_ENVKIT = re.compile(r"(?<![\w/.-])envkit-ml(?![\w/.-])")
# The faults that a state stands for; all others are ``broken``.
_FAULTS: dict[str, PluginFault] = {
    "conflict": "conflict",
    "overruled": "conflict",
    "disabled": "disabled",
    "incompatible": "incompatible",
}


def _doubt(change: Change) -> str:
    why = (
        ": uv's record of this tool does not name it. To keep it, name it too" if change.after is None else ""
    )
    return f"{change}{why}"


def _foresee(
    owner: Owner, specs: list[Spec], *, runner: Runner, is_upgrade: bool, is_dry_run: bool, is_sure: bool
) -> Forecast:
    """Return the changes, and of what: a distribution that is not there makes way for its fallback."""
    is_editable = any(spec.is_editable for spec in specs)
    words = f"{'--editable ' if is_editable else ''}{shown_words(spec.text for spec in specs)}"
    try:
        return foresee_install(owner, specs, runner=runner, is_upgrade=is_upgrade, only_wheels=is_dry_run)
    except SourceOnly as error:
        raise EnvError(
            error.message, hint=f"To install it, which runs its build: envkit plugin install {words}"
        ) from None
    except MissingPackages as error:
        names = {canonicalize_name(name.partition("[")[0]) for name in error.names}
        missing = [spec for spec in specs if spec.name in names]
        if not any(spec.fallback for spec in missing):
            raise
        others = [spec.fallback or spec if spec in missing else spec for spec in specs]
        try:
            return foresee_install(
                owner,
                others,
                runner=runner,
                is_upgrade=is_upgrade,
                only_wheels=is_dry_run or not is_sure,  # nobody has said yet that this one is meant
            )
        except SourceOnly as second:
            raise EnvError(
                f"there is no {' nor '.join(f'{spec.name}' for spec in missing)}, and {second.message}",
                hint=f"If it is meant, its build may run: envkit plugin install --yes {words}",
            ) from None
        except MissingPackages as second:
            both = " nor ".join(
                f"{spec.name}" for spec in (*missing, *(spec.fallback for spec in missing)) if spec
            )
            raise MissingPackages(
                f"there is neither {both}", hint=second.hint, names=[*error.names, *second.names]
            ) from error
    except EnvError as error:
        if not _ABOUT_ENVKIT.search(error.message):
            raise
        raise PluginError(
            f"no version fits the envkit that is here. {error.message}",
            hint="An older version of the plugin may fit: envkit plugin install 'NAME<VERSION'\n"
            f"Or upgrade envkit first: {owner.upgrade_text}",
            state="incompatible",
        ) from None  # its traceback is of no use to anybody


def _refuse_other_envkit(owner: Owner, specs: Sequence[Spec], changes: Iterable[Change]) -> None:
    own = next((each for each in changes if each.name == ENVKIT), None)
    if own is None or own.before is None:
        return
    words = shown_words(spec.text for spec in specs)
    raise PluginError(
        f"{words} is made for another envkit: {own}, in {owner.title}",
        hint="An older version of the plugin may fit: envkit plugin install 'NAME<VERSION'\n"
        f"To let envkit change with it: envkit plugin install {words} --change-envkit",
        state="incompatible",
    )


def _notes(owner: Owner) -> Iterable[str]:
    if owner.lock_file is not None:
        yield (
            f"this environment is made from {owner.lock_file}: the next uv sync takes out what is not in it. "
            "To keep the plugin: uv add NAME"
        )
    if owner.kind == "conda":
        yield "conda does not know of what pip installs into its environment: update the plugin by this command"


def carry_out(plan: InstallPlan, *, runner: Runner) -> None:
    """Install what is planned; of an install that is broken off nothing counts as being here.

    Raises: EnvError.
    """
    try:
        runner.run(plan.call)
    except BaseException:
        _forget_unfinished(plan)
        raise


def _forget_unfinished(plan: InstallPlan) -> None:
    # pip and uv write INSTALLER when all other files are there. Without it the next install would find a
    # distribution that is there, and leave it as it is.
    names = {each.name for each in plan.changes}
    for info in plan.owner.site.glob("*.dist-info"):
        if canonicalize_name(info.name.partition("-")[0]) in names and not (info / "INSTALLER").exists():
            shutil.rmtree(info, ignore_errors=True)


def load_installed(
    owner: Owner, *, start: Callable[[], ChildProcess] | None = None
) -> tuple[PluginState, ...]:
    """Return how all that is installed now fares when it is loaded, in a new process of the environment."""
    process = PluginProcess(start=start or (lambda: ChildProcess([str(owner.python), "-P", "-c", _PROGRAM])))
    return read_plugin_states(process=process)


def check_installed(plan: InstallPlan, states: Iterable[PluginState]) -> tuple[LoadedPlugin, ...]:
    """Return what was installed. Raises: PluginError for what gives nothing or cannot be used."""
    known = list(states)
    mine = tuple(each for each in known if canonicalize_name(each.plugin) in plan.names)
    for name in plan.names:
        if not any(canonicalize_name(each.plugin) == name for each in mine):
            raise _no_plugin(name, plan)
    for state in mine:
        if state.state != "ok":
            raise PluginError(
                f"{state.plugin} {state.version} is installed and cannot be used: {state.problem}",
                hint=f"Look closer: envkit plugin list -v\nTo take it out again: envkit plugin remove {state.plugin}",
                plugin=state.plugin,
                version=state.version,
                tracker=state.tracker,
                state=_FAULTS.get(state.state, "broken"),
            )
    return tuple(
        LoadedPlugin(plugin=each.plugin, version=each.version, kind=each.kind, name=each.name)
        for each in mine
    )


def _no_plugin(name: str, plan: InstallPlan) -> PluginError:
    is_new = any(each.name == name and each.before is None for each in plan.changes)
    removal = removal_calls(plan.owner, [name])[0].text(plan.owner)
    return PluginError(
        f"{name} is {'installed' if is_new else 'here'} and is no plugin: it names none in its entry points",
        hint=f"To take it out again: {removal}"
        if is_new
        else "The plugins that are here: envkit plugin list",
        plugin=name,
    )

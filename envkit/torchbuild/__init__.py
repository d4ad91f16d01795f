"""Choose the torch build that fits a machine."""

from envkit.torchbuild.installed import judge_installed
from envkit.torchbuild.partners import judge_family
from envkit.torchbuild.records import TORCH_INDEX, LocalWheel, Rejected, TorchBuild
from envkit.torchbuild.solve import choose_torch_build
from envkit.torchbuild.table import Table, load_table
from envkit.torchbuild.wheels import local_wheels, wheel_tags

__all__ = [
    "TORCH_INDEX",
    "LocalWheel",
    "Rejected",
    "Table",
    "TorchBuild",
    "choose_torch_build",
    "judge_family",
    "judge_installed",
    "load_table",
    "local_wheels",
    "wheel_tags",
]

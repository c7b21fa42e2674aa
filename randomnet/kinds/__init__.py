"""The experiment kinds, by the name that [experiment] kind gives them."""

from types import ModuleType

from randomnet.kinds import benchmark, train

KINDS: dict[str, ModuleType] = {"train": train, "benchmark": benchmark}

"""Arms moved by a network, with differentiable steps, for closed-loop movement tasks."""

from collections.abc import Callable
from typing import Any

from randomnet.effectors.arm import Effector, TorqueArm
from randomnet.effectors.muscles import MuscleArm

__all__ = ["EFFECTORS", "Effector", "MuscleArm", "TorqueArm"]

EFFECTORS: dict[str, Callable[[], Any]] = {"reach": TorqueArm, "random_target": MuscleArm}  # by task

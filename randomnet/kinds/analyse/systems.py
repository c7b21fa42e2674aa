"""What an analysis asks of a system: its Jacobian, kinks, and the same system under an input.

The system is a network of [net], or one of [source] (cells, a fitted model), whose Jacobians are automatic.
"""

from dataclasses import replace

from torch import Tensor

from randomnet.analysis import Jacobian, find_kinks, jacobian_of
from randomnet.analysis.fixed_points import Kinks
from randomnet.build.network import Setup
from randomnet.build.source_setup import FrozenSystem, SourceSetup
from randomnet.rnn import Dynamics, with_input

AnySetup = Setup | SourceSetup
AnySystem = Dynamics | FrozenSystem


def jacobian(system: AnySystem) -> Jacobian:
    """Return the Jacobian of the system's step."""
    return system.jacobian if isinstance(system, FrozenSystem) else jacobian_of(system)


def kinks(system: AnySystem) -> Kinks | None:
    """Return the kinks of a network; None for a system of [source], of whose kinks nothing is known."""
    return None if isinstance(system, FrozenSystem) else find_kinks(system)


def with_drive(system: AnySystem, drive: Tensor) -> AnySystem:
    """Return the system under a drive of `Trajectories`: of neurons, or the input of a system of [source]."""
    return replace(system, x=drive) if isinstance(system, FrozenSystem) else replace(system, drive=drive)


def under_input(setup: AnySetup, system: AnySystem, x: Tensor) -> AnySystem:
    """Return the system under the constant input x (channels,)."""
    if isinstance(system, FrozenSystem):
        return replace(system, x=x)
    return with_input(system, {"input_weights": setup.network.interface["input_weights"].double()}, x)


def has_index_sum(system: AnySystem) -> bool:
    """Return whether the indices of all fixed points sum to 1, as those of bounded networks in Euler steps do."""
    return isinstance(system, Dynamics) and system.activation.bounded and system.integrator == "euler"

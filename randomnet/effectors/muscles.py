"""A planar arm with two links and six muscles: motornet's RigidTendonArm26 with MujocoHillMuscle (an extra)."""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from randomnet.extras import install_line
from randomnet.tasks.reaching import SECONDS

State = dict[str, Tensor]  # the state in motornet: joint, cartesian, muscle, geometry, fingertip


def motornet() -> ModuleType:
    """The package motornet. Raises ValueError where it is not installed."""
    try:
        import motornet
    except ImportError:
        raise ValueError(
            "expected motornet for the arm with muscles, got none installed: "
            f"{install_line('motornet')} (reach has an arm that needs none)"
        ) from None
    return motornet


class _Clipped(torch.autograd.Function):
    """Excitations clipped to [0, 1]; outside, gradients pass only if a gradient step leads back to the interval.

    The gradient of a plain clip is 0 there, so an inactive muscle would not learn to become active. With it a GRU took
    about twice as many epochs to the same error. With the full gradient training diverged.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(drive: Tensor) -> Tensor:
        return drive.clamp(0, 1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (drive,) = ctx.saved_tensors
        away = ((drive < 0) & (gradient > 0)) | ((drive > 1) & (gradient < 0))
        return gradient.masked_fill(away, 0.0)


class MuscleArm:
    """An arm with six muscles, whose states are those of motornet.

    Controls (batch, 6) are excitations, clipped to [0, 1]. The sensory channels are the fingertip, and normalised
    lengths and velocities of the muscles. Raises ValueError where motornet is not installed.
    """

    controls = 6
    sensed = 14  # motornet's own observation also has the target

    def __init__(self) -> None:
        package = motornet()
        self.plant = package.effector.RigidTendonArm26(muscle=package.muscle.MujocoHillMuscle(), timestep=SECONDS)
        self.device, self.dtype = torch.device("cpu"), torch.float32

    def _like(self, values: Tensor) -> None:
        """Move the arm to the precision and device of these values."""
        if (values.device, values.dtype) != (self.device, self.dtype):
            self.device, self.dtype = values.device, values.dtype
            self.plant.to(self.device)
            for part in (self.plant.skeleton, self.plant.muscle):
                part.to(self.device)
            self.plant.to(dtype=self.dtype)

    def start(self, angles: Tensor) -> State:
        """The state of arms at rest at these angles (batch, 2), without excitation and without gradient."""
        self._like(angles)
        self.plant.states = {}
        self.plant.reset(options={"joint_state": angles.detach(), "batch_size": len(angles)})
        return {name: values.to(self.dtype) for name, values in self.plant.states.items()}

    def step(self, state: State, drive: Tensor, load: Tensor) -> State:
        """The state after one time bin with excitations (batch, 6) and forces (batch, 2) on the fingertip."""
        self.plant.states = dict(state)
        self.plant.step(_Clipped.apply(drive), endpoint_load=load)
        return dict(self.plant.states)

    def observe(self, state: State) -> Tensor:
        """(batch, 14): fingertip, muscle lengths / optimal length, and muscle velocities / maximal velocity."""
        lengths = state["muscle"][:, 1] / self.plant.muscle.l0_ce[:, 0]
        velocities = state["muscle"][:, 2] / self.plant.muscle.vmax[:, 0]
        return torch.cat([state["fingertip"], lengths, velocities], -1)

"""A planar arm with two links, moved by torques, and the interface of all arms.

q are the angles of shoulder and elbow (the elbow relative to the upper arm) and w = q' their velocities. The arm obeys
M(q) w' = torque - C(q, w) - damping w + J(q)^T load, with M and C of two rigid links without gravity. One step is a
midpoint step of one time bin. Masses, lengths and inertias are from Nijhof and Kouwenhoven (2000), as in motornet.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from randomnet.tasks.reaching import LINKS, SECONDS

State = TypeVar("State")


class Effector(Protocol[State]):
    """An arm that a network controls.

    controls: number of control signals. sensed: number of sensory channels. The first two are visual: x and y of the
    fingertip, in m from the shoulder. The others are proprioceptive.
    """

    controls: int
    sensed: int

    def start(self, angles: Tensor) -> State:
        """The state of arms at rest at angles (batch, 2) of shoulder and elbow, in rad."""
        ...

    def step(self, state: State, drive: Tensor, load: Tensor) -> State:
        """The state after one time bin with controls (batch, controls) and forces (batch, 2) on the fingertip, in N."""
        ...

    def observe(self, state: State) -> Tensor:
        """The sensory channels (batch, sensed), without delay and noise."""
        ...


class _Matrices(NamedTuple):
    """Constant matrices of an arm, for products from the right. Few small products are faster than many scalar ones."""

    angles: Tensor
    phases: Tensor
    levers: Tensor
    rotation: Tensor
    coriolis: tuple[Tensor, Tensor]
    adjugate: tuple[Tensor, Tensor]
    determinant: Tensor


@dataclass(frozen=True)
class TorqueArm:
    """An arm moved by torques strength tanh(control), in N m. States (batch, 4): angles (rad) and velocities (rad/s).

    masses, centres, inertias: of upper arm and forearm, in kg, m (centre of mass from the proximal joint) and kg m^2.
    damping: in N m s. dt: in s. The sensory channels are fingertip, angles, and velocities in tens of rad/s. Angles are
    not limited.
    """

    masses: tuple[float, float] = (1.82, 1.43)
    centres: tuple[float, float] = (0.135, 0.165)
    inertias: tuple[float, float] = (0.051, 0.057)
    lengths: tuple[float, float] = LINKS
    strength: float = 10.0
    damping: float = 0.5
    dt: float = SECONDS

    controls: ClassVar[int] = 2
    sensed: ClassVar[int] = 6

    def start(self, angles: Tensor) -> Tensor:
        """The state of arms at rest at these angles (batch, 2)."""
        return torch.cat([angles, torch.zeros_like(angles)], -1)

    def step(self, state: Tensor, drive: Tensor, load: Tensor) -> Tensor:
        """The state after one time bin. The torque of the forces `load` (batch, 2) is that at the start of the bin."""
        torque = torch.add(self.torque_of(state, load), drive.tanh(), alpha=self.strength)
        half = torch.add(state, self.velocity(state, torque), alpha=self.dt / 2)
        return torch.add(state, self.velocity(half, torque), alpha=self.dt)

    def velocity(self, state: Tensor, torque: Tensor) -> Tensor:
        """The time derivative (batch, 4) of a state under torques (batch, 2).

        With c = coupling cos(elbow) the inertia is M = ((arm + 2 c, forearm + c), (forearm + c, forearm)). Its
        determinant is forearm (arm - forearm) - c^2, and its adjugate is a constant matrix plus c times another one.
        """
        matrices = self._matrices(state)
        speeds, elbow = state[..., 2:], state[..., 1:2]
        coupling = self._inertia[2]
        c = coupling * elbow.cos()
        coriolis = (speeds @ matrices.coriolis[0]) * (speeds @ matrices.coriolis[1])  # (2 w1 + w2) w2 and -w1^2
        total = torch.sub(torque, speeds, alpha=self.damping).addcmul(elbow.sin(), coriolis, value=coupling)
        numerator = (total @ matrices.adjugate[0]).addcmul(c, total @ matrices.adjugate[1])
        determinant = matrices.determinant.addcmul(c, c, value=-1)
        return torch.cat([speeds, numerator / determinant], -1)

    def torque_of(self, state: Tensor, load: Tensor) -> Tensor:
        """J(q)^T load: the joint torques (batch, 2) of forces (batch, 2) on the fingertip."""
        matrices = self._matrices(state)
        levers = self._directions(state) @ matrices.levers  # x and y, from the shoulder and from the elbow to the tip
        return (levers.unflatten(-1, (2, 2)) * (load @ matrices.rotation).unsqueeze(-2)).sum(-1)

    def fingertip(self, state: Tensor) -> Tensor:
        """x and y of the fingertip (batch, 2), in m from the shoulder."""
        return self._directions(state) @ self._matrices(state).levers[:, :2]

    def _directions(self, state: Tensor) -> Tensor:
        """(batch, 4): cos and sin of the angle of the upper arm, then of the forearm."""
        matrices = self._matrices(state)
        return (state[..., :2] @ matrices.angles + matrices.phases).cos()

    @property
    def _inertia(self) -> tuple[float, float, float]:
        """Inertia in kg m^2 of the whole arm bent at a right angle, of the forearm, and the factor of cos(elbow)."""
        upper, fore = self.masses
        forearm = fore * self.centres[1] ** 2 + self.inertias[1]
        arm = upper * self.centres[0] ** 2 + self.inertias[0] + fore * self.lengths[0] ** 2 + forearm
        return arm, forearm, fore * self.lengths[0] * self.centres[1]

    def energy(self, state: Tensor) -> Tensor:
        """The kinetic energy (batch,) in J. There is no potential energy."""
        arm, forearm, coupling = self._inertia
        c = coupling * state[..., 1].cos()
        first, second = state[..., 2], state[..., 3]
        twice = (arm + 2 * c) * first**2 + 2 * (forearm + c) * first * second + forearm * second**2
        return twice / 2

    def observe(self, state: Tensor) -> Tensor:
        """(batch, 6): fingertip, angles, velocities in tens of rad/s."""
        return torch.cat([self.fingertip(state), state[..., :2], state[..., 2:] / 10], -1)

    def _matrices(self, state: Tensor) -> _Matrices:
        return _matrices(self.lengths, self._inertia, state.dtype, state.device)


@cache
def _matrices(
    lengths: tuple[float, float], inertia: tuple[float, float, float], dtype: torch.dtype, device: torch.device
) -> _Matrices:
    def matrix(*rows: tuple[float, ...]) -> Tensor:
        return torch.tensor(rows, dtype=dtype, device=device)

    (upper, fore), (arm, forearm, _) = lengths, inertia
    return _Matrices(
        angles=matrix((1, 1, 1, 1), (0, 0, 1, 1)),
        phases=matrix((0, -math.pi / 2, 0, -math.pi / 2)),
        levers=matrix((upper, 0, 0, 0), (0, upper, 0, 0), (fore, 0, fore, 0), (0, fore, 0, fore)),
        rotation=matrix((0, -1), (1, 0)),
        coriolis=(matrix((2, -1), (1, 0)), matrix((0, 1), (1, 0))),
        adjugate=(matrix((forearm, -forearm), (-forearm, arm)), matrix((0, -1), (-1, 2))),
        determinant=matrix((forearm * (arm - forearm),)),
    )

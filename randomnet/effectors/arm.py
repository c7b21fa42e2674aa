"""An arm of two links in a plane, moved by torques; what every arm is.

With q the angles of shoulder and elbow (that of the elbow relative to the upper arm) and w = q', the arm obeys
M(q) w' = torque - C(q, w) - damping w + J(q)^T load, M and C being those of two rigid links without gravity; it takes
midpoint steps of a bin. Masses, lengths and inertias are those of Nijhof and Kouwenhoven (2000), which motornet has.
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
    """What a network moves: so many controls, and so many channels that it senses, the first two of them the
    fingertip's x and y in m from the shoulder, which it sees; the others it feels."""

    controls: int
    sensed: int

    def start(self, angles: Tensor) -> State:
        """The state of arms at rest at angles (batch, 2) of shoulder and elbow, rad."""
        ...

    def step(self, state: State, drive: Tensor, load: Tensor) -> State:
        """A bin later, under controls (batch, controls) and forces (batch, 2) on the fingertip, N."""
        ...

    def observe(self, state: State) -> Tensor:
        """(batch, sensed) what is sensed of it, without delay and noise."""
        ...


class _Matrices(NamedTuple):
    """Constants of an arm, from the right: few products of small matrices are faster than many of their entries."""

    angles: Tensor
    phases: Tensor
    levers: Tensor
    crossing: Tensor
    turning: tuple[Tensor, Tensor]
    adjugate: tuple[Tensor, Tensor]
    determinant: Tensor


@dataclass(frozen=True)
class TorqueArm:
    """States (batch, 4): angles, rad, and their velocities, rad/s. Torques are strength tanh(control), N m.

    masses, centres, inertias: of upper arm and forearm, kg, m from their joints, kg m^2. damping: N m s. Sensed are
    fingertip, angles, and velocities in tens of rad/s. There are no limits to the angles.
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
        """Arms at rest at these angles (batch, 2)."""
        return torch.cat([angles, torch.zeros_like(angles)], -1)

    def step(self, state: Tensor, drive: Tensor, load: Tensor) -> Tensor:
        """A bin later, under controls (batch, 2) and forces (batch, 2) on the fingertip as it is at first."""
        torque = torch.add(self.torque_of(state, load), drive.tanh(), alpha=self.strength)
        half = torch.add(state, self.velocity(state, torque), alpha=self.dt / 2)
        return torch.add(state, self.velocity(half, torque), alpha=self.dt)

    def velocity(self, state: Tensor, torque: Tensor) -> Tensor:
        """The rate of change (batch, 4) of a state under torques (batch, 2).

        With c = crossed cos(elbow) the inertia is M = ((own + 2 c, shared + c), (shared + c, shared)): its determinant
        is shared (own - shared) - c^2, and its adjugate is the sum of a constant matrix and of c times another.
        """
        like = self._on(state.dtype, state.device)
        speeds, bend = state[..., 2:], state[..., 1:2]
        crossed = self._inertia[2]
        coupling = crossed * bend.cos()
        turning = (speeds @ like.turning[0]) * (speeds @ like.turning[1])  # (2 w1 + w2) w2 and -w1^2
        pushing = torch.sub(torque, speeds, alpha=self.damping).addcmul(bend.sin(), turning, value=crossed)
        numerator = (pushing @ like.adjugate[0]).addcmul(coupling, pushing @ like.adjugate[1])
        determinant = like.determinant.addcmul(coupling, coupling, value=-1)
        return torch.cat([speeds, numerator / determinant], -1)

    def torque_of(self, state: Tensor, load: Tensor) -> Tensor:
        """J(q)^T load: what forces (batch, 2) on the fingertip are at the joints (batch, 2)."""
        like = self._on(state.dtype, state.device)
        levers = self._directions(state) @ like.levers  # x and y, from the shoulder and from the elbow to the tip
        return (levers.unflatten(-1, (2, 2)) * (load @ like.crossing).unsqueeze(-2)).sum(-1)

    def fingertip(self, state: Tensor) -> Tensor:
        """x and y (batch, 2), m from the shoulder."""
        return self._directions(state) @ self._on(state.dtype, state.device).levers[:, :2]

    def _directions(self, state: Tensor) -> Tensor:
        """cos and sin of the angle of the upper arm, then of the forearm, (batch, 4)."""
        like = self._on(state.dtype, state.device)
        return (state[..., :2] @ like.angles + like.phases).cos()

    @property
    def _inertia(self) -> tuple[float, float, float]:
        """Of the whole arm when bent at a right angle, of the forearm, and what cos(elbow) couples; kg m^2."""
        upper, fore = self.masses
        shared = fore * self.centres[1] ** 2 + self.inertias[1]
        own = upper * self.centres[0] ** 2 + self.inertias[0] + fore * self.lengths[0] ** 2 + shared
        return own, shared, fore * self.lengths[0] * self.centres[1]

    def energy(self, state: Tensor) -> Tensor:
        """The kinetic energy (batch,), J, which is all there is."""
        own, shared, crossed = self._inertia
        coupling = crossed * state[..., 1].cos()
        first, second = state[..., 2], state[..., 3]
        whole = (own + 2 * coupling) * first**2 + 2 * (shared + coupling) * first * second + shared * second**2
        return whole / 2

    def observe(self, state: Tensor) -> Tensor:
        """(batch, 6): fingertip, angles, velocities in tens of rad/s."""
        return torch.cat([self.fingertip(state), state[..., :2], state[..., 2:] / 10], -1)

    def _on(self, dtype: torch.dtype, device: torch.device) -> _Matrices:
        return _matrices(self.lengths, self._inertia, dtype, device)


@cache
def _matrices(
    lengths: tuple[float, float], inertia: tuple[float, float, float], dtype: torch.dtype, device: torch.device
) -> _Matrices:
    def of(*rows: tuple[float, ...]) -> Tensor:
        return torch.tensor(rows, dtype=dtype, device=device)

    (upper, fore), (own, shared, _) = lengths, inertia
    return _Matrices(
        angles=of((1, 1, 1, 1), (0, 0, 1, 1)),
        phases=of((0, -math.pi / 2, 0, -math.pi / 2)),
        levers=of((upper, 0, 0, 0), (0, upper, 0, 0), (fore, 0, fore, 0), (0, fore, 0, fore)),
        crossing=of((0, -1), (1, 0)),
        turning=(of((2, -1), (1, 0)), of((0, 1), (1, 0))),
        adjugate=(of((shared, -shared), (-shared, own)), of((0, -1), (-1, 2))),
        determinant=of((shared * (own - shared),)),
    )

"""Eigenvalues of the linearised step along a trajectory and at fixed points, of the network and of groups' blocks."""

import math

import numpy as np
import torch
from torch import Tensor

from randomnet.analysis import (
    FixedPoints,
    Jacobian,
    group_eigenvalues,
    sorted_eigenvalues,
    time_constants,
)
from randomnet.build.unit_groups import Groups
from randomnet.kinds.analyse.systems import AnySystem, jacobian, with_drive
from randomnet.kinds.trajectories import Trajectories

LINEARIZED = 20  # states of a trajectory, at most


@torch.no_grad()
def linearized_arrays(
    system: AnySystem, points: FixedPoints, trajectories: Trajectories, groups: Groups | None, dt: float
) -> dict[str, np.ndarray]:
    """Return eigenvalues along the first trajectory, time constants, and with groups those of their blocks.

    There is one Jacobian at a time, as each is as large as the weights.
    """
    states, autonomous = trajectories.states, jacobian(system)
    index = torch.linspace(0, len(states) - 1, min(LINEARIZED, len(states)), device=states.device).round().long()
    parts, eigenvalues, along = {"along_steps": index}, [], []
    for step in index.tolist():
        matrix = _jacobian_at(system, autonomous, trajectories, step)
        eigenvalues.append(sorted_eigenvalues(matrix))
        along += [] if groups is None else [group_eigenvalues(matrix, groups.units)]
    parts["along_eigenvalues"] = torch.stack(eigenvalues)
    parts["along_unstable"] = (parts["along_eigenvalues"].abs() > 1).sum(1)
    parts["along_time_constants"] = time_constants(parts["along_eigenvalues"], dt)
    parts["fixed_time_constants"] = time_constants(points.eigenvalues, dt)
    arrays = {}
    if groups is not None:
        kinks = zip(points.points, points.at_kink.tolist(), strict=True)
        fixed = [_blocks(autonomous, point, groups) * (math.nan if kink else 1.0) for point, kink in kinks]
        sizes = torch.tensor([len(units) for units in groups.units.values()])
        arrays = {"groups": groups.names, "group_sizes": sizes.numpy()}
        none = states.new_zeros(0, int(sizes.sum()), dtype=torch.complex128)
        for name, blocks in (("fixed", fixed), ("along", along)):
            parts |= _group_parts(name, torch.stack(blocks) if blocks else none, sizes.tolist(), dt)
    return arrays | {name: part.cpu().numpy() for name, part in parts.items()}


def _group_parts(name: str, eigenvalues: Tensor, sizes: list[int], dt: float) -> dict[str, Tensor]:
    """Return eigenvalues (states, M) of the groups' blocks, their time constants, and the unstable ones per group."""
    unstable = (eigenvalues.abs() > 1).split(sizes, 1)
    return {
        f"group_eigenvalues_{name}": eigenvalues,
        f"group_time_constants_{name}": time_constants(eigenvalues, dt),
        f"group_unstable_{name}": torch.stack([group.sum(1) for group in unstable], 1),
    }


def _blocks(autonomous: Jacobian, point: Tensor, groups: Groups) -> Tensor:
    """Return the eigenvalues of the groups' blocks of the step's Jacobian at a point (N,)."""
    return group_eigenvalues(autonomous(point[None])[0], groups.units)


def _jacobian_at(system: AnySystem, autonomous: Jacobian, trajectories: Trajectories, step: int) -> Tensor:
    """Return the Jacobian (N, N) of a step of the first trajectory; after its last step that of one without input."""
    state = trajectories.states[step, :1]
    if trajectories.drive is None or step == len(trajectories.drive):
        return autonomous(state)[0]
    return jacobian(with_drive(system, trajectories.drive[step]))(state)[0]


def leading_moduli(linear: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the largest modulus of an eigenvalue at the first trajectory's end: of all units and of groups."""
    leading = {"leading_modulus": float(np.abs(linear["along_eigenvalues"][-1, 0]))}
    if "groups" in linear:
        firsts = np.cumsum(linear["group_sizes"]) - linear["group_sizes"]
        moduli = np.abs(linear["group_eigenvalues_along"][-1, firsts])
        leading["leading_modulus_groups"] = float(moduli.max())
        names = (f"leading_modulus_of_{name}" for name in linear["groups"])
        leading |= dict(zip(names, moduli.tolist(), strict=True))
    return leading

"""Whether a step is a function of its arguments, and whether its tangent is its derivative."""

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

REPEATED = 1e-11  # relative difference of two answers to the same state that rounding may make
DIFFERENCES = (1e-4, 1e-6, 1e-8)  # half distances of central differences, in units of the state
AGREED = 1e-3  # relative difference between tangent and differences
ROUNDING = 1e-14  # of an answer, in units of its largest entry
NEARBY, LATER = 4, 20  # states near the first one, and how many steps later the last one is, where tangents are checked


class System(Protocol):
    """As of `lyapunov.System`."""

    def advance(self, bundle: Tensor, steps: int, start: int) -> Tensor:
        """State and tangent vectors after `steps` steps from the time `start`, in steps."""
        ...


class Repeatability:
    """Whether a system gives the same state the same answer, whatever it was asked in between.

    Made before the exponents are computed; `check` may be called again after that.
    """

    def __init__(self, system: System, state: Tensor) -> None:
        self.system, self.state = system, state
        self.expected = _after(system, state)
        _after(system, self.expected)
        self.check()

    def check(self) -> None:
        """ValueError where the first state has another answer now than it had at first."""
        expected, now = self.expected, _after(self.system, self.state)
        finite = expected.isfinite() & now.isfinite()
        difference = float((expected - now)[finite].abs().max()) if finite.any() else 0.0
        scale = float(expected[finite].abs().max()) if finite.any() else 0.0
        if difference > REPEATED * scale or (expected.isfinite() != now.isfinite()).any():
            raise ValueError(
                f"expected a step that is a function of its arguments, got answers to the same state that differ by up "
                f"to {difference:.2g}: it draws random numbers, or keeps a clock, a counter or other memory. "
                "Take the time as step(state, t); call .eval() on modules with dropout or batch normalisation"
            )


@torch.no_grad()
def check_tangent(system: System, state: Tensor) -> None:
    """ValueError where central differences contradict the tangent at most of some states near and after this one.

    A kink at some of the states, as that of relu, is no contradiction.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(NEARBY + 2, len(state), generator=generator, dtype=state.dtype).to(state.device)
    *nearby, one, other = noise
    size = _sizes(state)
    length = getattr(system, "length", None)
    later = system.advance(state[None].clone(), LATER if length is None else min(LATER, length), 0)[0]
    states = [state, later, *(state + 0.1 * size * shift for shift in nearby)]
    judged = [(each, _contradiction(system, each, torch.stack([one, other]))) for each in states]
    errors = [error for _, error in judged if error is not None]
    wrong = [each for each in errors if each[0] > 1]
    if 2 * len(wrong) > len(errors):
        _, tangent, difference = wrong[len(wrong) // 2]
        raise ValueError(
            f"expected a step whose derivative is that of finite differences, got |J v| = {tangent:.4g} "
            f"where they give {difference:.4g}, at {len(wrong)} of {len(errors)} states: autograd does not see "
            "all of the step (.detach(), .data, .item(), numpy, rounding), or its tangent is wrong"
        )
    states = [each for each, error in judged if error is not None]
    if errors and all(tangent == 0 for _, tangent, _ in errors) and _varies(system, states):
        raise ValueError(
            "expected a step with a derivative, got one that is 0 at every state though its answers differ: "
            "it rounds, compares, takes signs or saturates"
        )


@torch.no_grad()
def _after(system: System, state: Tensor) -> Tensor:
    return system.advance(state[None].clone(), 1, 0)[0]


def _sizes(state: Tensor) -> Tensor:
    """What is small is so in comparison with each entry, or, where that is 0, with the largest, or with 1."""
    largest = state.abs().max()
    return torch.where(state == 0, torch.where(largest > 0, largest, 1.0), state.abs())


def _contradiction(system: System, state: Tensor, directions: Tensor) -> tuple[float, float, float] | None:
    """The least of the errors of tangents (k, N), in units of what is allowed, and the magnitudes of both.

    Distances are shares of the state, and of 1 where the state is large, as angles are that grow without bound. None
    where the step has no finite answer, or refuses the state.
    """
    size = _sizes(state)
    scales = [size, size.clamp_max(1)] if size.max() > 1 else [size]
    try:
        judged = [each for scale in scales for each in _judged(system, state, directions * scale)]
    except Exception:  # what a user's function may raise outside its domain
        return None
    return min((each for each in judged if each[0] == each[0]), default=None)  # nan is no error


def _judged(system: System, state: Tensor, vectors: Tensor) -> Iterator[tuple[float, float, float]]:
    """For each of DIFFERENCES the error in units of what is allowed, and magnitudes of tangents and differences.

    What is allowed is a share of the tangent, or of what it adds to the identity, as steps of flows are short.
    """
    after = system.advance(torch.cat([state[None], vectors]), 1, 0)
    tangents, largest = after[1:], float(after[0].abs().max())
    for half in DIFFERENCES:
        ends = [torch.stack([_after(system, state + sign * half * vector) for vector in vectors]) for sign in (1, -1)]
        differences = (ends[0] - ends[1]) / (2 * half)
        whole, added = (max(float((each - less).norm()) for each in (tangents, differences)) for less in (0.0, vectors))
        allowed = AGREED * min(whole, added) + ROUNDING * largest / half * differences.numel() ** 0.5
        error = float((differences - tangents).norm())
        relative = error / allowed if allowed > 0 else float(error > 0)
        yield relative, float(tangents.norm()), float(differences.norm())


def _varies(system: System, states: list[Tensor]) -> bool:
    afters = torch.stack([_after(system, state) for state in states])
    return bool((afters - afters[0]).abs().max() > REPEATED * afters.abs().max())

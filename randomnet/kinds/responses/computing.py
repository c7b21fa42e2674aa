"""The responses of a network as [responses] says, and why a network may have none."""

from collections.abc import Callable

import torch
from torch import Tensor

from randomnet.analysis.responses import (
    PEAK,
    STEADY,
    OperatingPoint,
    followed_responses,
    slopes_at,
    steady_responses,
    weights_of,
)
from randomnet.kinds.responses.options import ResponsesSection
from randomnet.rnn import Dynamics


def doubt_of(system: Dynamics, point: OperatingPoint | None) -> str:
    """Return why the network has no responses; empty where it has."""
    if point is None:
        return "no fixed point was found from silence, around which there would be responses"
    if not point.stable:
        return f"the fixed point is unstable (largest |eigenvalue| {point.modulus:.4g}): there is no steady response"
    if not bool(slopes_at(system, point.state).any()):
        return "all slopes of the activation are 0 at the fixed point, so that nothing responds"
    return ""


def network_responses(
    system: Dynamics,
    point: OperatingPoint,
    neurons: Tensor,
    settings: ResponsesSection,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """Return the responses of these neurons (K,) to input into each, (K, K), [responding, stimulated]."""
    linear = settings.method == "linear"
    if linear and settings.quantity != PEAK:
        responses = steady_responses(weights_of(system), slopes_at(system, point.state))
        return responses[neurons][:, neurons]
    steps = max(1, round(settings.response_time / system.dt))
    pulse = 1 if settings.quantity == STEADY else max(1, round(settings.pulse / system.dt))
    strength = 1.0 if linear else settings.strength
    with torch.no_grad():
        return followed_responses(
            system,
            point,
            neurons,
            settings.quantity,
            strength=strength,
            pulse=pulse,
            steps=steps,
            linear=linear,
            check=check,
        )

"""The responses of a network as [responses] says, and why a network may have none."""

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor

from randomnet.analysis.responses import (
    PEAK,
    STEADY,
    OperatingPoint,
    followed_responses,
    operating_point,
    slopes_at,
    steady_responses,
    weights_of,
)
from randomnet.kinds.responses.options import ResponsesSection
from randomnet.rnn import Dynamics, Network
from randomnet.schema.config import Config

MOST_REMEMBERED = 16  # networks
_REMEMBERED: dict[tuple[Config, str], tuple[OperatingPoint | None, str, Tensor | None]] = {}


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


def responses_at_rest(
    config: Config, network: Network, neurons: Tensor, check: Callable[[], None]
) -> tuple[OperatingPoint | None, str, Tensor | None]:
    """Return the fixed point from silence, why there are no responses, and the responses (K, K) if there are.

    Those of a network without null are remembered, as it is the same in all iterations. network: in float64. neurons:
    (K,). check: called now and then, may raise to interrupt.
    """
    if config.null != "none":
        return _responses_at_rest(config, network, neurons, check)
    key = config, _hash_of(network, neurons)
    if key not in _REMEMBERED:
        if len(_REMEMBERED) == MOST_REMEMBERED:
            del _REMEMBERED[next(iter(_REMEMBERED))]
        _REMEMBERED[key] = _responses_at_rest(config, network, neurons, check)
    return _REMEMBERED[key]


def _responses_at_rest(
    config: Config, network: Network, neurons: Tensor, check: Callable[[], None]
) -> tuple[OperatingPoint | None, str, Tensor | None]:
    """As `responses_at_rest`, computed anew."""
    system = network.autonomous()
    point = operating_point(system, round(config.responses.rest_time / config.model.dt))
    reason = doubt_of(system, point)
    if point is None or reason:
        return point, reason, None
    return point, "", network_responses(system, point, neurons, config.responses, check)


def _hash_of(network: Network, neurons: Tensor) -> str:
    """Return a hash of all numbers of a network, and of the neurons."""
    numbers = hashlib.sha256()
    for name, tensor in (*network.named_parameters(), *network.named_buffers(), ("neurons", neurons)):
        numbers.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    return numbers.hexdigest()

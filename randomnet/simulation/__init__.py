"""Rates of networks over time: populations, or any connectome, with filters, plastic synapses, noise and events.

| module      | content                                                                                  |
|-------------|------------------------------------------------------------------------------------------|
| `couplings` | products with the weights, by block, of several networks side by side; low-rank factors  |
| `products`  | one product, sparse or dense                                                             |
| `network`   | `RateNetwork`: one pure step of the whole state                                          |
| `inputs`    | external input: a constant plus events                                                   |
| `sampling`  | samples over windows; the whole state as a system with a Lyapunov spectrum               |
| `trainable` | `TrainableRateNetwork`: a `RateNetwork` of trained weights, gains, shifts and factors    |
| `stepping`  | `RateStepper`: such a network one step at a time, where its inputs depend on its outputs  |
| `filled`    | couplings whose matrices are filled from the weights of edges, with gradients            |

States are (C, N): columns = runs x trials, where the columns of one run are adjacent.
"""

from randomnet.simulation.couplings import Couplings, LowRank, couplings
from randomnet.simulation.inputs import PATTERNS, Event, FeedForward, whole_steps
from randomnet.simulation.network import Adaptation, InputPlasticity, Noise, Plasticity, RateNetwork, SlowCurrent, State
from randomnet.simulation.sampling import (
    VARIABLES,
    Samples,
    TrialDrivenState,
    flatten_state,
    simulate,
    state_system,
    trial_driven_state,
    variable_names,
)
from randomnet.simulation.stepping import RateStepper
from randomnet.simulation.trainable import RateDynamics, TrainableRateNetwork, network_of_model

__all__ = [
    "PATTERNS",
    "VARIABLES",
    "Adaptation",
    "Couplings",
    "Event",
    "FeedForward",
    "InputPlasticity",
    "LowRank",
    "Noise",
    "Plasticity",
    "RateDynamics",
    "RateNetwork",
    "RateStepper",
    "Samples",
    "SlowCurrent",
    "State",
    "TrainableRateNetwork",
    "TrialDrivenState",
    "couplings",
    "flatten_state",
    "network_of_model",
    "simulate",
    "state_system",
    "trial_driven_state",
    "variable_names",
    "whole_steps",
]

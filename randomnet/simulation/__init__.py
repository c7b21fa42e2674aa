"""Rates of networks over time: populations, or any connectome, with filters, plastic synapses, noise and events.

| module      | what it is                                                                               |
|-------------|------------------------------------------------------------------------------------------|
| `blocks`    | products with the weights, by block, of several networks side by side; low-rank factors  |
| `products`  | one product, sparse or dense                                                             |
| `network`   | `RateNetwork`: one pure step of the whole state                                          |
| `inputs`    | external input: a constant and a list of events that add to it                           |
| `sampling`  | samples over windows; the whole state as a system that has a Lyapunov spectrum           |

States are (C, N): columns = runs x trials, those of one run beside each other.
"""

from randomnet.simulation.blocks import Couplings, LowRank, couplings
from randomnet.simulation.inputs import PATTERNS, Event, FeedForward, whole_steps
from randomnet.simulation.network import Adaptation, InputPlasticity, Noise, Plasticity, RateNetwork, SlowCurrent, State
from randomnet.simulation.sampling import KEPT, Samples, flat, kept_names, simulate, whole

__all__ = [
    "KEPT",
    "PATTERNS",
    "Adaptation",
    "Couplings",
    "Event",
    "FeedForward",
    "InputPlasticity",
    "LowRank",
    "Noise",
    "Plasticity",
    "RateNetwork",
    "Samples",
    "SlowCurrent",
    "State",
    "couplings",
    "flat",
    "kept_names",
    "simulate",
    "whole",
    "whole_steps",
]

"""A recurrent network on a connectome: signed weights on existing edges, one gain and shift per group of neurons.

    current form:  h <- (1-a) h + a J phi(h)      tangent  d <- (1-a) d + a J (phi'(h) * d)
    rate form:     r <- (1-a) r + a phi(J r)      tangent  d <- (1-a) d + a phi'(J r) * (J d)

Here a = dt/tau and phi(x) = phi(gain (x - shift)). tau is 1 unless units have time constants of their own. Inputs x
and constants b add a drive U x + b to J phi(h), or inside phi in the rate form. With dt = 1 the current form is an
Elman network (torch.nn.RNN).

State and tangent vectors advance together as one bundle (..., 1 + k, N): row 0 is the state, the other rows are tangent
vectors. One matrix product moves all rows, and no N x N Jacobian is formed.

These are the Euler steps of h' = -h + J phi(h) and r' = -r + phi(J r). The integrator "rk4" takes classical Runge-Kutta
steps of the same flows, with four products per step; the drive is constant during a step. Low-rank factors may add
m n^T / N to the edge weights, between all pairs of units or on existing edges only. That product is never formed.

| module         | contents                                                                      |
|----------------|-------------------------------------------------------------------------------|
| network        | `Network`: parameters, constraints and task interface                         |
| entries        | vectors of which some entries are trainable                                   |
| couplings      | products with a dense or sparse J                                             |
| low_rank       | products with J = W0 + m n^T / N                                              |
| dynamics       | one step and its tangent                                                      |
| bundle_steps   | many steps as one differentiable operation                                    |
| compiled_steps, compiled_columns | the same in compiled loops: dense Euler steps, and all others |
| trial_runs     | rates and readout along trials                                                |
| driven_systems | networks under inputs, as systems with a Lyapunov spectrum                    |
| reconstruction | a network rebuilt from a model file                                           |
"""

from randomnet.rnn.couplings import Dense, Pattern, Sparse, compressed_rows, is_sparse
from randomnet.rnn.driven_systems import SeriesDrivenSystem, TrialDrivenSystem, input_driven, trial_driven
from randomnet.rnn.dynamics import Dynamics, stack_systems
from randomnet.rnn.entries import Entries
from randomnet.rnn.low_rank import FACTORS, Coupling, LowRank, LowRankFactors, Unconnected, can_stack
from randomnet.rnn.network import (
    ENTRIES,
    FORMS,
    INTEGRATORS,
    INTERFACE,
    OVERLAP_INTERFACE,
    InputConstraints,
    Network,
    stack_networks,
)
from randomnet.rnn.reconstruction import network_from_description
from randomnet.rnn.trial_runs import run_trials, trial_readout, with_input

__all__ = [
    "ENTRIES",
    "FACTORS",
    "FORMS",
    "INTEGRATORS",
    "INTERFACE",
    "OVERLAP_INTERFACE",
    "Coupling",
    "Dense",
    "Dynamics",
    "Entries",
    "InputConstraints",
    "LowRank",
    "LowRankFactors",
    "Network",
    "Pattern",
    "SeriesDrivenSystem",
    "Sparse",
    "TrialDrivenSystem",
    "Unconnected",
    "can_stack",
    "compressed_rows",
    "input_driven",
    "is_sparse",
    "network_from_description",
    "run_trials",
    "stack_networks",
    "stack_systems",
    "trial_driven",
    "trial_readout",
    "with_input",
]

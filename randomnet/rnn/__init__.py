"""The network: signed weights on the edges that exist, gains and shifts by group, one equation in two forms.

    current:  h <- (1-a) h + a J phi(h)        tangent  d <- (1-a) d + a J (phi'(h) * d)
    rate:     r <- (1-a) r + a phi(J r)        tangent  d <- (1-a) d + a phi'(J r) * (J d)

with a = dt/tau, tau = 1 unless units have time constants of their own, and phi(x) = phi(gain (x - shift)). State and
tangent vectors advance together as one bundle (..., 1 + k, N): row 0 is the state, the others are tangent vectors, so
that one matrix product moves them all and no N x N Jacobian is ever formed. Inputs x and constants b add a drive U x +
b beside J phi(h), or inside phi in the rate form; dt = 1 is then exactly an Elman network (torch.nn.RNN).

These are the Euler steps of h' = -h + J phi(h) and r' = -r + phi(J r). The integrator rk4 makes classical Runge-Kutta
steps of the same flows, of whole bundles too, at four products each; a drive is constant over a step. To the weights of
the edges, J may add factors of low rank, m n^T / N, whose product is never formed: between all units, or on the edges.
"""

from randomnet.rnn.couplings import Dense, Pattern, Sparse, compressed_rows, is_sparse
from randomnet.rnn.driven_systems import SeriesDrivenSystem, TrialDrivenSystem, input_driven, trial_driven
from randomnet.rnn.dynamics import Dynamics, stack_systems
from randomnet.rnn.entries import Entries
from randomnet.rnn.low_rank import Coupling, LowRank, Unconnected, can_stack
from randomnet.rnn.network import (
    ENTRIES,
    FACTORS,
    FORMS,
    INTEGRATORS,
    INTERFACE,
    OVERLAP_INTERFACE,
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
    "LowRank",
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

"""The Lyapunov spectrum of any system, with error bars and gradients; Kaplan-Yorke dimension and entropy rate.

A system has a time step `dt` and a method `advance(bundle, steps, start)`. A bundle (1 + k, N) has the state in row 0
and tangent vectors in the other rows; both advance by exact steps and their exact derivative. `start` is the time in
steps, for driven systems. `rnn.Dynamics` and `rnn.TrialDrivenSystem` are such systems, and `systems` makes one from any
step. Times are in units of the system's time, exponents are per unit of time, with natural logarithms.

Benettin's method has three parts. The state relaxes for `transient`. An orthonormal frame relaxes with it for
`frame_transient`. The log growth of the frame between reorthonormalizations (QR every `tons`) is averaged over `tsim`.

    growth      the schedule, transients, QR and its adjoint
    batches     standard errors from batch means, and tests of stationarity
    invariants  Kaplan-Yorke dimension and entropy rate, with errors
    boundedness test whether a state grows without bound
    record      the spectrum with its error bars, diagnostics and verdict
    spectra     the reported spectrum (float64) and differentiable exponents

Cost: one product of J (N x N) with 1 + k columns per step, 2 N^2 (1 + k) operations. A gradient needs another product
in the backward pass. QR adds 4 N k^2 operations per interval, its adjoint about 5 N k^2.
"""

from randomnet.lyapunov.growth import Schedule, System, random_frame
from randomnet.lyapunov.invariants import Estimate, entropy, kaplan_yorke
from randomnet.lyapunov.record import Spectrum, running_estimates
from randomnet.lyapunov.spectra import condition_problem, exponents, exponents_of_stack, spectra_of_stack, spectrum

__all__ = [
    "Estimate",
    "Schedule",
    "Spectrum",
    "System",
    "condition_problem",
    "entropy",
    "exponents",
    "exponents_of_stack",
    "kaplan_yorke",
    "random_frame",
    "running_estimates",
    "spectra_of_stack",
    "spectrum",
]

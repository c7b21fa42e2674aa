"""The Lyapunov spectrum of any system, with error bars, differentiable; dimension and entropy.

A system has a time step `dt` and `advance(bundle, steps, start)`, which moves a bundle (1 + k, N) - the state in row 0,
tangent vectors below - by exact steps and their exact derivative; `start` is the time in steps, for driven systems.
`rnn.Dynamics` and `rnn.TrialDrivenSystem` are such systems; `systems` makes one of any step. Times are in units of the
system's time, exponents per unit of time, natural logarithm.

Benettin's method: the state settles (`transient`), then an orthonormal frame settles with it (`frame_transient`), then
the logarithms of its growth between reorthonormalisations (QR every `tons`) are averaged over `tsim`.

    growth      the schedule, settling, QR and its adjoint
    batches     standard errors from batch means, and whether a record has settled
    invariants  Kaplan-Yorke dimension and entropy rate, with errors
    boundedness whether a state grows without bound
    record      the spectrum, with all that a reader needs to judge it
    spectra     the spectrum (float64, judged) and the exponents (differentiable)

Cost: one product of J (N x N) with 1 + k columns per step, 2 N^2 (1 + k) operations; with gradient another one
backwards; QR adds 4 N k^2 per interval and its adjoint about 5 N k^2.
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

"""The terms of the loss of models of recordings.

    poisson          rate - count log rate, the mean over all bins, neurons and trials (without ln count!)
    gaussian_kl      KL(N(m, v) || N(prior m, prior v)), per dimension
    ramp             the weight of the penalties, which grows over the epochs
    PRIORS           of inferred inputs: autoregressive, student_t

Source: Pandarinath et al. 2018, Keshtkaran et al. 2022 (LFADS, AutoLFADS).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

RAMP = 81  # epochs until the penalties have their full weight
DEGREES_OF_FREEDOM = 3  # of the Student's t


def poisson(log_rates: Tensor, spikes: Tensor) -> Tensor:
    """The mean of exp(log_rates) - spikes log_rates, both (..., N); a scalar.

    >>> import torch
    >>> from randomnet.inference import poisson
    >>> round(float(poisson(torch.zeros(2, 3), torch.ones(2, 3))), 3)
    1.0
    """
    return (log_rates.exp() - spikes * log_rates).mean()


def gaussian_kl(mean: Tensor, variance: Tensor, prior_mean: Tensor, prior_variance: float) -> Tensor:
    """KL(N(mean, variance) || N(prior_mean, prior_variance)) of each entry, in nats.

    >>> import torch
    >>> from randomnet.inference import gaussian_kl
    >>> one = torch.tensor(1.0)
    >>> float(gaussian_kl(one, one, 0 * one, 1.0))
    0.5
    """
    distance = (mean - prior_mean) ** 2 + variance
    return 0.5 * (distance / prior_variance - 1 - (variance / prior_variance).log())


def ramp(epoch: int) -> float:
    """clip((epoch + 1) / 81, 0, 1).

    >>> from randomnet.inference import ramp
    >>> ramp(80), ramp(1000)
    (1.0, 1.0)
    """
    return min(max((epoch + 1) / RAMP, 0.0), 1.0)


def autoregressive(mean: Tensor, variance: Tensor, sample: Tensor, prior_variance: float, tau: float) -> Tensor:
    """KL of N(mean, variance) from an AR(1) process along its samples, all (time, batch, inputs); mean over trials.

    The process decays with exp(-1 / tau) per bin, and its stationary variance is prior_variance, also in the first bin.
    The KL of each step is exact, given the sample before.
    """
    decay = math.exp(-1 / tau)
    before = torch.cat([torch.zeros_like(sample[:1]), sample[:-1]])
    first = gaussian_kl(mean[:1], variance[:1], before[:1], prior_variance)
    later = gaussian_kl(mean[1:], variance[1:], decay * before[1:], prior_variance * (1 - decay**2))
    return torch.cat([first, later]).sum((0, 2)).mean()


def student_t(mean: Tensor, variance: Tensor, sample: Tensor, prior_variance: float, tau: float) -> Tensor:
    """KL of N(mean, variance) from independent Student's t with 3 degrees of freedom, estimated at the samples.

    Shapes as in `autoregressive`; the variance of the t is prior_variance. tau is not used.
    """
    scale = math.sqrt(prior_variance * (DEGREES_OF_FREEDOM - 2) / DEGREES_OF_FREEDOM)
    posterior = -0.5 * ((sample - mean) ** 2 / variance + (2 * math.pi * variance).log())
    half = (DEGREES_OF_FREEDOM + 1) / 2
    constant = (math.lgamma(half) - math.lgamma(DEGREES_OF_FREEDOM / 2) - 0.5 * math.log(DEGREES_OF_FREEDOM * math.pi)
                - math.log(scale))  # fmt: skip
    prior = constant - half * torch.log1p((sample / scale) ** 2 / DEGREES_OF_FREEDOM)
    return (posterior - prior).sum((0, 2)).mean()


Prior = Callable[[Tensor, Tensor, Tensor, float, float], Tensor]
PRIORS: dict[str, Prior] = {"autoregressive": autoregressive, "student_t": student_t}

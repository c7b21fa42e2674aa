"""Populations of neurons with given block strengths and structured connectivity (NeuroTorch, now NeuroFlame).

Block AB is what population A receives from B: `J_AB`, an in-degree K_B and a kernel P with mean 1 over B.

| mode | entry of a block | mean row sum |
|---|---|---|
| sparse (`in_degree` given) | gain J / sqrt(K) with probability K P / N_B | gain J sqrt(K) |
| all-to-all | gain J P / N_B | gain J |

N_B stands for the sum of P over the cells that a neuron may receive from: without self-connections N_B - 1 for the
uniform kernel, N_B - P(0) on a ring, so that the mean in-degree (all-to-all: the row sum) is the same with and without.
"""

from randomnet.synthetic.populations.drawing import low_rank_vectors, population_network
from randomnet.synthetic.populations.kernels import KERNELS, Kernel
from randomnet.synthetic.populations.record import SYMMETRIC, Populations

__all__ = ["KERNELS", "SYMMETRIC", "Kernel", "Populations", "low_rank_vectors", "population_network"]

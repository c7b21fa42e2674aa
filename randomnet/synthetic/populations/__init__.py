"""Populations of neurons with given block strengths and structured connectivity (NeuroTorch, now NeuroFlame).

Block AB is the input of population A from B: `J_AB`, an in-degree K_B and a kernel P with mean 1 over B.

| mode | entry of a block | mean row sum |
|---|---|---|
| sparse (`in_degree` given) | gain J / sqrt(K) with probability K P / N_B | gain J sqrt(K) |
| all-to-all | gain J P / N_B | gain J |

N_B means the sum of P over all possible inputs of a neuron. Without self-connections it is N_B - 1 for the uniform
kernel, and N_B - P(0) on a ring. So the mean in-degree (all-to-all: the row sum) does not depend on self-connections.
"""

from randomnet.synthetic.populations.description import SYMMETRIC, Populations
from randomnet.synthetic.populations.drawing import low_rank_vectors, population_network
from randomnet.synthetic.populations.kernels import KERNELS, Kernel

__all__ = ["KERNELS", "SYMMETRIC", "Kernel", "Populations", "low_rank_vectors", "population_network"]

"""Theory of large networks: predictions for comparison with simulations.

    random_networks   the largest Lyapunov exponent of infinitely large random tanh networks
    mean_field        stationary rates of networks of populations, from the statistics of their blocks
    structure         networks with structure: the bump on a ring, the overlap of a rank-one network
    gaussian          means over Gaussian variables
"""

from randomnet.theory.mean_field import Blocks, Stationary, block_rates, block_statistics, linear_rates
from randomnet.theory.random_networks import LARGEST_G, NAMES, largest_exponent
from randomnet.theory.structure import Bump, rank_one_overlap, ring_bump

__all__ = ["LARGEST_G", "NAMES", "Blocks", "Bump", "Stationary", "block_rates", "block_statistics", "largest_exponent",
           "linear_rates", "rank_one_overlap", "ring_bump"]  # fmt: skip

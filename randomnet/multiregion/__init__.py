"""A recurrent network of regions that stands where torch.nn.RNN does.

    current:  h <- (1-a) h + a (W_rec r + W_inp (u + xi_u) + b + xi_h + extra),  r = phi(h)
    rate:     r <- (1-a) r + a phi(W_rec r + W_inp (u + xi_u) + b + xi_h + extra),  h = r

with a = dt/tau of each unit. Source: mRNNTorch, both generations, whose settings these are.
"""

from randomnet.multiregion.network import MultiRegionRNN
from randomnet.multiregion.weights import DALE

__all__ = ["DALE", "MultiRegionRNN"]

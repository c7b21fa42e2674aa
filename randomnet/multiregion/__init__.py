"""A recurrent network of regions that stands where torch.nn.RNN does.

    current:  h <- (1-a) h + a (W_rec r + W_inp (u + xi_u) + b + xi_h + extra),  r = phi(h)
    rate:     r <- (1-a) r + a phi(W_rec r + W_inp (u + xi_u) + b + xi_h + extra),  h = r

with a = dt/tau of each unit. Source: mRNNTorch, both generations, whose settings these are.

    network       the module: parameters and buffers, a run, checkpoints
    start         edges, weights and constants it starts from, drawn or given
    projections   which edges are fixed and which share a scale, by name
    weights       effective weights of what is trained: modes, bounds, edges
    listed        a run where weights are a list of edges
    layout        shapes of what it is called with
    checked       settings that make no sense, refused
"""

from randomnet.multiregion.network import MultiRegionRNN
from randomnet.multiregion.projections import Ends, fixed_edges
from randomnet.multiregion.weights import DALE

__all__ = ["DALE", "Ends", "MultiRegionRNN", "fixed_edges"]

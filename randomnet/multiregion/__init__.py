"""A recurrent network of regions that can replace torch.nn.RNN.

    current:  h <- (1-a) h + a (W_rec r + W_inp (u + xi_u) + b + xi_h + extra),  r = phi(h)
    rate:     r <- (1-a) r + a phi(W_rec r + W_inp (u + xi_u) + b + xi_h + extra),  h = r

with a = dt/tau of each unit. Source: mRNNTorch; the settings are those of both its generations.

    network          the module: parameters and buffers, a run, checkpoints
    assembly         regions and connections added one by one, and regions by name
    draft            the regions and connections before the weights are drawn
    views            a region, and a projection of it
    analysed         fixed points, flow fields, Jacobians under inputs, by the names of regions
    mrnntorch_checkpoints
                     weights saved by mRNNTorch
    options          its arguments as records
    initial_network  initial edges, weights and constants, drawn or given
    projections      which edges are fixed and which share a scale, by name
    weights          effective weights of the trained values: modes, bounds, edges
    packed           a run on sequences of different lengths
    sparse_run       a run with weights stored as a list of edges
    layout           shapes of the tensors with which the network is called
    checks           checks of arguments
"""

from randomnet.multiregion.network import MultiRegionRNN
from randomnet.multiregion.projections import Ends, fixed_edges
from randomnet.multiregion.views import ProjectionView, RegionView
from randomnet.multiregion.weights import DALE

__all__ = ["DALE", "Ends", "MultiRegionRNN", "ProjectionView", "RegionView", "fixed_edges"]

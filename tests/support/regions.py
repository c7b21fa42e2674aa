"""Networks of regions as a module, and torch.nn.RNN with the same weights."""

import torch

from randomnet.multiregion import MultiRegionRNN


def described(sizes=(6, 5, 4), inputs=(2, 3), sparsity=0.0, signs=("pos", "neg", "pos"), **region):
    """Regions r0, r1, ... all joined to all, inputs u0, u1, ... to all."""
    names = [f"r{index}" for index in range(len(sizes))]
    sources = [f"u{index}" for index in range(len(inputs))]
    return {
        "recurrent_regions": [
            {"name": name, "num_units": units, "sign": sign, "learnable_bias": True, "init": 0.2, "base_firing": 0.1}
            | region
            for name, units, sign in zip(names, sizes, signs, strict=False)
        ],
        "recurrent_connections": [
            {"src_region": a, "dst_region": b, "sparsity": sparsity} for a in names for b in names
        ],
        "input_regions": [{"name": a, "num_units": units} for a, units in zip(sources, inputs, strict=True)],
        "input_connections": [{"src_region": a, "dst_region": b, "sparsity": sparsity} for a in sources for b in names],
    }


def made(config=None, dtype=torch.float64, **settings):
    return MultiRegionRNN(described() if config is None else config, dtype=dtype, **settings).eval()


def elman(config, nonlinearity, form, batch_first=True):
    """A network with a = 1 and any weights, and torch.nn.RNN with the same ones."""
    ours = made(config, activation=nonlinearity, form=form, dt=1, tau=1, dale="off", dale_input="off",
                batch_first=batch_first)  # fmt: skip
    torch.manual_seed(0)
    theirs = torch.nn.RNN(ours.input_size, ours.hidden_size, nonlinearity=nonlinearity, batch_first=batch_first,
                          dtype=torch.float64)  # fmt: skip
    with torch.no_grad():
        theirs.weight_hh_l0.mul_(3)
        ours.recurrent.values.copy_(theirs.weight_hh_l0)
        ours.input.values.copy_(theirs.weight_ih_l0)
        ours.bias.copy_(theirs.bias_ih_l0 + theirs.bias_hh_l0)
    return ours, theirs

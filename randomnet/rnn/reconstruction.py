"""A network rebuilt from the description and values in a model file."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from randomnet.connectome import Connectome
from randomnet.rnn.low_rank import FACTORS, LowRankFactors
from randomnet.rnn.network import ENTRIES, Network


def network_from_description(
    description: Mapping[str, Any], values: Mapping[str, Tensor], make: Callable[..., Network] = Network
) -> Network:
    """The network with this `Network.description()` and these `values()`, on the CPU and without trainable parameters.

    Its precision is that of the values. make: Network, or a class with the same arguments. Raises ValueError or
    KeyError where description and values do not match.
    """
    n, edges = int(description["n"]), description["edges"].cpu().numpy()
    values = {name: value.detach().cpu() for name, value in values.items()}
    drive, leaks = (None if description.get(name) is None else description[name].double().cpu().numpy()
                    for name in ("drive", "leaks"))  # fmt: skip
    weights, factors = values["weights"].double().numpy(), None
    if description.get("rank"):
        on_edges = description.get("factors_on", "all") != "all"
        factors = LowRankFactors(*(values[name].numpy() for name in FACTORS), on_edges=on_edges)
    network = make(
        Connectome("stored", edges // n, edges % n, weights, np.arange(n).astype(str), drive=drive),
        activation=description["activation"],
        form=description["form"],
        dt=description["dt"],
        integrator=description.get("integrator", "euler"),
        tau=None if leaks is None else description["dt"] / leaks,
        groups=description["groups"].cpu().numpy(),
        keep_signs=description.get("signs") is not None,
        interface={name: value.numpy() for name, value in values.items() if name not in (*ENTRIES, *FACTORS)} or None,
        factors=factors,
        dtype=values["weights"].dtype,
    )
    if description.get("signs") is not None:  # edges of weight 0 have signs too, and a Connectome has no signs for them
        network.weights.signs = description["signs"].to(values["weights"])
    network.assign(values)
    return network.requires_grad_(False)

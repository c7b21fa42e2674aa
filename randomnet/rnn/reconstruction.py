"""A network built again from what model.pt holds of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from randomnet.connectome import Connectome
from randomnet.rnn.network import ENTRIES, FACTORS, Network


def network_from_description(description: Mapping[str, Any], values: Mapping[str, Tensor]) -> Network:
    """The network of a `Network.description()` with such `values()`, in their precision, on the CPU; nothing of it is
    trained. Raises ValueError or KeyError where they do not belong together.
    """
    n, edges = int(description["n"]), description["edges"].cpu().numpy()
    given = {name: value.detach().cpu() for name, value in values.items()}
    drive, leaks = (None if description.get(name) is None else description[name].double().cpu().numpy()
                    for name in ("drive", "leaks"))  # fmt: skip
    weights = given["weights"].double().numpy()
    network = Network(
        Connectome("stored", edges // n, edges % n, weights, np.arange(n).astype(str), drive=drive),
        activation=description["activation"],
        form=description["form"],
        dt=description["dt"],
        integrator=description.get("integrator", "euler"),
        tau=None if leaks is None else description["dt"] / leaks,
        groups=description["groups"].cpu().numpy(),
        keep_signs=description.get("signs") is not None,
        interface={name: value.numpy() for name, value in given.items() if name not in (*ENTRIES, *FACTORS)} or None,
        factors=tuple(given[name].numpy() for name in FACTORS) if description.get("rank") else None,
        factors_on_edges=description.get("factors_on", "all") != "all",
        dtype=given["weights"].dtype,
    )
    if description.get("signs") is not None:  # of edges without weight too, which a Connectome does not tell
        network.weights.signs = description["signs"].to(given["weights"])
    network.assign(given)
    return network.requires_grad_(False)

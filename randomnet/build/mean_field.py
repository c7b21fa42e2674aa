"""From a Run's config to the mean rates that mean-field theory predicts for its populations."""

import numpy as np
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.build.populations import PopulationView
from randomnet.schema.config import Config
from randomnet.theory import Stationary, block_rates, block_statistics


def mean_field_rates(view: PopulationView) -> tuple[np.ndarray | None, str]:
    """Return the mean rates (P,) of the block mean field, and a note on why they are missing, or empty.

    The rates are None where the theory does not hold, see `_obstacles`, and nan without a stable stationary state.
    """
    obstacles = _obstacles(view.run.config)
    if obstacles:
        return None, f"no theory_ columns: mean-field theory does not hold with {obstacles}"
    network, model = view.connectome, view.run.config.model
    drive = np.zeros(network.n) if network.drive is None else network.drive
    groups, first = _uniform_groups(view, drive)
    blocks = block_statistics(network.post, network.pre, network.weights, groups)
    threshold, gain, largest = (view.of_neurons("dynamics", key)[first, None]
                             for key in ("threshold", "response_gain", "rate_max"))  # fmt: skip
    phi = ACTIVATIONS[model.activation].phi

    def response(x: np.ndarray) -> np.ndarray:
        return largest * phi(torch.from_numpy(gain * x)).numpy()

    relu = model.activation == "relu" and (gain == 1).all() and (largest == 1).all()
    stationary = block_rates(blocks, drive[first], threshold[:, 0], None if relu else response)
    rates = stationary.rates if stationary.stable else np.full(len(first), np.nan)
    return np.bincount(view.index, rates[groups]) / view.sizes, _stability_note(stationary)


def _stability_note(stationary: Stationary) -> str:
    """Return why the theory has no rates, with the eigenvalue that makes its state unstable; empty for a stable one."""
    if stationary.stable:
        return ""
    empty = "theory_ columns are empty: mean-field theory finds no stable stationary state"
    if not stationary.converged:
        return empty
    single = stationary.fluctuations >= stationary.means
    deviations = "deviations of single neurons" if single else "deviations of the mean rates"
    value = max(stationary.fluctuations, stationary.means)
    return f"{empty}; in the one it finds, {deviations} grow (eigenvalue {value:.3g}, stable below 1)"


def _uniform_groups(view: PopulationView, drive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the group (N,) of each neuron, whose neurons differ only by chance, and the first neuron of each group.

    Groups are populations; in described networks they are divided by cell type and drive.
    """
    kinds = [view.index]
    if view.run.config.described:
        types = view.connectome.labels.get("type", np.full(view.connectome.n, ""))
        kinds += [np.unique(types, return_inverse=True)[1], np.unique(drive, return_inverse=True)[1]]
    _, first, groups = np.unique(np.stack(kinds), axis=1, return_index=True, return_inverse=True)
    return groups.reshape(-1), first


def _obstacles(config: Config) -> str:
    """Return the parts of a network that the theory does not cover, joined by commas; empty without such parts.

    The theory is of rates that are stationary, alike within a population, and given by couplings and drives.
    """
    dynamics, simulation = config.dynamics, config.simulation
    kernels = config.populations.kernels if config.net.source == "populations" else ()
    obstacles = {
        "trained weights": config.paths.pretrained,
        "events": simulation.events,
        "silences": simulation.silences,
        "plastic connections": dynamics.plastic != "none" or dynamics.plastic_input,
        "adaptation": dynamics.adapts,
        "noise": dynamics.noisy,
        "connections of low rank": config.net.rank,
        "kernels that are not uniform": any(name != "uniform" for _, name, *_ in kernels),
    }
    return ", ".join(name for name, present in obstacles.items() if present)

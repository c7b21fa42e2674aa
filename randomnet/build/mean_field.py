"""From a Run's config to the mean rates that mean-field theory predicts for its populations."""

import numpy as np
import torch

from randomnet.activations import ACTIVATIONS
from randomnet.build.populations import PopulationView
from randomnet.schema.config import Config
from randomnet.theory import Stationary, block_rates, block_statistics

EMPTY = "theory_ columns are empty: mean-field theory finds no stable stationary state"


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
    note = _stability_note(stationary) or _growth_note(_growth_of_means(view, first, stationary.feedback))
    rates = np.full(len(first), np.nan) if note else stationary.rates
    return np.bincount(view.index, rates[groups]) / view.sizes, note


def _stability_note(stationary: Stationary) -> str:
    """Return why the theory has no rates, with the eigenvalue that makes its state unstable; empty for a stable one."""
    if stationary.stable:
        return ""
    if not stationary.converged:
        return EMPTY
    single = stationary.fluctuations >= stationary.means
    deviations = "deviations of single neurons" if single else "deviations of the mean rates"
    value = max(stationary.fluctuations, stationary.means)
    return f"{EMPTY}; in the one it finds, {deviations} grow (eigenvalue {value:.3g}, stable below 1)"


def _growth_of_means(view: PopulationView, first: np.ndarray, feedback: np.ndarray) -> float:
    """Return the largest growth, per step, of deviations of the mean rates with the time constants of the network.

    feedback: K w E[phi'] (P, P) between groups, whose first neurons are `first`.
    """
    dynamics, dt, count = view.run.config.dynamics, view.run.config.model.dt, len(first)

    def decays(section: str, key: str, present: bool) -> np.ndarray:
        return np.exp(-dt / view.of_neurons(section, key)[first]) if present else np.zeros(count)

    rate = decays("model", "tau", dynamics.rate_filter)
    fraction = dynamics.nmda_fraction
    share = fraction * (feedback > 0)
    fast, slow = decays("dynamics", "tau_syn", dynamics.tau_syn != "none"), decays("dynamics", "tau_nmda", fraction > 0)
    from_rates = [(1 - fast)[:, None] * (1 - share) * feedback, (1 - slow)[:, None] * share * feedback]
    to_rates, zeros = (1 - rate)[:, None], np.zeros((count, count))
    step = np.block([
        [np.diag(rate) + to_rates * sum(from_rates), to_rates * np.diag(fast), to_rates * np.diag(slow)],
        [from_rates[0], np.diag(fast), zeros],
        [from_rates[1], zeros, np.diag(slow)],
    ])  # fmt: skip
    present = np.concatenate([np.ones(count, bool), fast > 0, slow > 0])  # a current that does not last has no effect
    return float(np.abs(np.linalg.eigvals(step[np.ix_(present, present)])).max())


def _growth_note(growth: float) -> str:
    """Return that deviations of the mean rates grow, or empty where they do not."""
    if growth < 1:
        return ""
    return f"{EMPTY}; in the one it finds, the mean rates oscillate and grow {growth:.3g} times per step"


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

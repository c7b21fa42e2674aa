"""Names of options in words, with their units, for axes, legends and titles.

option_words   an option in words, such as `averaging time` for lyapunov.tsim
option_label   the same with its unit, for an axis
"""

from collections.abc import Sequence

from randomnet.comparison.study import ABSENT, Combo

TIME, PERCENT = "{time}", "%"  # units: that of the experiment's times, and percent
LABEL = "label"  # stands for the results folder, as an option does for its values
WORDS = {  # short name -> words; with a unit where it has one
    LABEL: ("results folder", ""),
    "roi": ("brain region", ""),
    "source": ("format of the connectome", ""),
    "n": ("number of neurons N", ""),
    "g": ("coupling strength g", ""),
    "symmetry": ("symmetry of the weights", ""),
    "parameter": ("scaled parameters", ""),
    "normalization": ("normalization", ""),
    "dales_law": ("Dale's law", ""),
    "min_synapses": ("fewest synapses of a connection", ""),
    "nr_neurons": ("neurons per region", ""),
    "target_sparsity": ("fraction of a target region", ""),
    "intrinsic_sparsity": ("fraction of the own region", ""),
    "intrinsic_weight": ("fraction of weight within a region", ""),
    "null": ("null model", ""),
    "random_w": ("shuffled weights", ""),
    "rank": ("rank of the factors", ""),
    "factor_sd": ("standard deviation of the factors", ""),
    "factor_overlap": ("overlap of the factors", ""),
    "background": ("weights of the connectome", ""),
    "gain": ("factor of all weights", ""),
    "k": ("number of inputs K", ""),
    "in_degree": ("number of inputs K", ""),
    "external": ("external input", ""),
    "external_rate": ("rate of the external input", ""),
    "external_degree": ("number of external inputs", ""),
    "sizes": ("sizes of the populations", ""),
    "couplings": ("strengths of the couplings", ""),
    "architecture": ("architecture", ""),
    "hidden_size": ("number of units", ""),
    "mlp_layers": ("layers of the MLP", ""),
    "mlp_units": ("units per layer of the MLP", ""),
    "activation": ("activation function", ""),
    "dt": ("time step", TIME),
    "tau": ("time constant", TIME),
    "integrator": ("integrator", ""),
    "form": ("form of the equation", ""),
    "groups": ("groups of neurons", ""),
    "nle": ("number of exponents", ""),
    "tsim": ("averaging time", TIME),
    "tsim_max": ("longest averaging time", TIME),
    "tolerance": ("standard error of the exponents", ""),
    "initial_states": ("initial states per network", ""),
    "tons": ("time between reorthonormalizations", TIME),
    "driven": ("driven by the task", ""),
    "transient": ("time for the state to settle", TIME),
    "frame_transient": ("time for the frame to settle", TIME),
    "target": ("target of the exponents", ""),
    "trajectories": ("number of trajectories", ""),
    "duration": ("duration of the trajectories", TIME),
    "starts": ("starting points of the search", ""),
    "action": ("kind of stimulation", ""),
    "units": ("stimulated units", ""),
    "strength": ("strength of the stimulation", ""),
    "onset": ("onset of the stimulation", TIME),
    "offset": ("end of the stimulation", TIME),
    "ramp": ("ramp of the stimulation", TIME),
    "amplitude": ("amplitude of the events", ""),
    "window": ("duration of a sample", TIME),
    "initial_rate": ("initial rate", ""),
    "turned": ("turn of the events", "degrees"),
    "adaptation": ("strength of adaptation", ""),
    "tau_adaptation": ("time constant of adaptation", TIME),
    "tau_syn": ("synaptic time constant", TIME),
    "tau_nmda": ("time constant of NMDA synapses", TIME),
    "tau_facilitation": ("time constant of facilitation", TIME),
    "tau_recovery": ("time constant of recovery", TIME),
    "tau_noise": ("correlation time of the noise", TIME),
    "nmda_fraction": ("fraction of NMDA input", ""),
    "threshold": ("threshold", ""),
    "response_gain": ("gain above threshold", ""),
    "rate_max": ("factor of the response", ""),
    "ou_noise": ("standard deviation of the noise", ""),
    "model": ("model", ""),
    "latent_size": ("number of latents", ""),
    "n_factors": ("number of factors", ""),
    "l2": ("weight of the squared weights", ""),
    "loss": ("loss", ""),
    "optimizer": ("optimizer", ""),
    "lr": ("learning rate", ""),
    "lr_decay": ("decay of the learning rate per epoch", ""),
    "epochs": ("number of epochs", ""),
    "train_weights": ("weights trained", ""),
    "train_gains": ("gains trained", ""),
    "train_shifts": ("shifts trained", ""),
    "train_factors": ("factors trained", ""),
    "init": ("initial weights", ""),
    "number_param": ("number of trained parameters", ""),
    "weight_decay": ("weight decay", ""),
    "latent_l2": ("weight of the squared states", ""),
    "clip_norm": ("largest norm of the gradient", ""),
    "batch_size": ("trials per update", ""),
    "state_noise": ("standard deviation of state noise", ""),
    "truncate": ("steps of back-propagation", ""),
    "precision": ("precision", ""),
    "task_name": ("task", ""),
    "nr_of_trials": ("number of trials", ""),
    "train_size": ("fraction of training trials", ""),
    "pattern_length": ("values to remember", ""),
    "trial_length": ("stimuli per trial", ""),
    "n_back": ("stimuli from the repeat to the target", ""),
    "lure_rate": ("fraction of lures", ""),
    "n_bits": ("bits to remember", ""),
    "trial_steps": ("steps per trial", ""),
    "switch_prob": ("probability of a pulse per step", ""),
    "input_noise": ("standard deviation of input noise", ""),
    "delay": ("delay", "s"),
    "n_angles": ("number of angles", ""),
    "n_channels": ("number of channels", ""),
    "n_stimuli": ("angles to remember", ""),
    "pretrained_epoch": ("epochs of the trained network", ""),
    "pretrained_combo": ("combo of the trained network", ""),
    "pretrained_iteration": ("iteration of the trained network", ""),
    "combo": ("combo of the earlier stage", ""),
    "iteration": ("iteration of the earlier stage", ""),
}  # fmt: skip


def short_name(option: str) -> str:
    """An option's name without its section."""
    return option.split(".")[-1]


def option_words(option: str) -> str:
    """An option in words; its name, with spaces, if it is not in WORDS."""
    name = short_name(option)
    return WORDS[name][0] if name in WORDS else name.replace("_", " ")


def option_label(combos: Sequence[Combo], option: str, percent: bool = False) -> str:
    """An option in words with its unit, if it has one. percent: whether its values are percentages."""
    unit = PERCENT if percent else WORDS.get(short_name(option), ("", ""))[1].format(time=time_unit(combos))
    return f"{option_words(option)} ({unit})" if unit else option_words(option)


def time_unit(combos: Sequence[Combo]) -> str:
    """Unit of times in the experiments' settings; τ if they do not state one, or differ."""
    units = {str(unit) for combo in combos if (unit := combo.get("dynamics.time_unit")) is not ABSENT}
    return units.pop() if len(units) == 1 else "τ"

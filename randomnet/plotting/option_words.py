"""Words for options on axes and in legends, with their units, instead of the names that the INI has."""

from types import MappingProxyType

TIME = "{time}"  # stands for the unit of times, which an experiment's settings state
OPTION_WORDS = MappingProxyType({
    # the connectome
    "roi": "region of interest",
    "source": "source of the connectome",
    "n": "number of neurons N",
    "g": "coupling g",
    "null": "null model",
    "random_w": "random weights",
    "edges_lost": "edges lost (fraction)",
    "edges_added": "edges added (fraction)",
    "weight_jitter": "jitter of weights (sd of ln |weight|)",
    "sign_errors": "signs in error (fraction)",
    "rank": "rank of the weights",
    "readout": "type of readout",
    "sign_policy": "rule for signs of synapses",
    "min_synapses": "smallest number of synapses of a connection",
    "symmetry": "symmetry of the weights",
    "parameter": "trained parameters",
    "normalization": "normalization of the weights",
    "dales_law": "Dale's law",
    "rnn_size": "number of neurons N",
    "nr_neurons": "neurons per region",
    "density_scaling": "neurons from densities by",
    "target_sparsity": "share of a target region that a neuron reaches",
    "intrinsic_sparsity": "share of its own region that a neuron reaches",
    "intrinsic_weight": "share of weight within the region",
    "factor_sd": "standard deviation of the factors",
    "factor_overlap": "overlap of the factors m and n",
    "synapse_type": "type of synapse",
    # populations and regions
    "sizes": "neurons per population",
    "couplings": "strength J",
    "gain": "gain of the weights",
    "in_degree": "inputs per neuron and population K",
    "external_rate": "rate of the external input m0",
    "external_degree": "external inputs per neuron",
    "fixed_in_degree": "the same in-degree for every neuron",
    "initialisation": "initial weights",
    "turned": "turn of the input (degrees)",
    # dynamics
    "hidden_size": "number of hidden units",
    "mlp_layers": "hidden layers of the MLP",
    "mlp_units": "units per hidden layer of the MLP",
    "activation": "activation function",
    "dt": f"time step ({TIME})",
    "tau": f"time constant ({TIME})",
    "form": "form of the equation",
    "groups": "groups that share a gain and a shift",
    # spectra
    "nle": "number of exponents",
    "tsim": f"averaging time ({TIME})",
    "tsim_max": f"longest averaging time ({TIME})",
    "tsim_first": f"first averaging time ({TIME})",
    "tons": f"time between reorthonormalizations ({TIME})",
    "transient": f"transient of the state ({TIME})",
    "frame_transient": f"transient of the frame ({TIME})",
    "tolerance": f"standard error at the end (1/{TIME})",
    "initial_states": "number of initial states",
    "spectrum_every": "epochs between spectra",
    # training
    "target": f"target exponent (1/{TIME})",
    "loss": "loss function",
    "lr": "learning rate",
    "lr_decay": "decay of the learning rate per epoch",
    "epochs": "number of epochs",
    "iterations": "number of iterations",
    "batch_size": "batch size (trials)",
    "clip_norm": "largest gradient norm",
    "weight_decay": "weight decay",
    "weight_bounds": "bounds of the weights",
    "state_noise": "standard deviation of state noise",
    "initial_noise": "standard deviation of initial noise",
    "truncate": f"truncation of the gradient ({TIME})",
    "early_stopping": "epochs without improvement before the end",
    "number_param": "number of trained entries",
    "init": "initial parameters",
    "train_weights": "weights trained",
    "train_gains": "gains trained",
    "train_shifts": "shifts trained",
    "train_factors": "low-rank factors trained",
    "freeze_layer": "layer that is not trained",
    "precision": "floating-point precision",
    # tasks
    "task_name": "task",
    "pattern_length": "length of the pattern (items)",
    # stimulation
    "action": "stimulation",
    "strength": "strength of the stimulation",
    # recording
    "neurons": "number of recorded neurons",
    "trials": "number of trials",
    # further options
    "label": "results folder",
    "background": "weights of the connectome",
    "k": "number of inputs K",
    "external": "external input",
    "architecture": "architecture",
    "integrator": "integrator",
    "driven": "driven by the task",
    "trajectories": "number of trajectories",
    "duration": f"duration of the trajectories ({TIME})",
    "starts": "starting points of the search",
    "units": "stimulated units",
    "onset": f"onset of the stimulation ({TIME})",
    "offset": f"end of the stimulation ({TIME})",
    "ramp": f"ramp of the stimulation ({TIME})",
    "amplitude": "amplitude of the events",
    "window": f"duration of a sample ({TIME})",
    "initial_rate": "initial rate",
    "adaptation": "strength of adaptation",
    "tau_adaptation": f"time constant of adaptation ({TIME})",
    "tau_syn": f"synaptic time constant ({TIME})",
    "tau_nmda": f"time constant of NMDA synapses ({TIME})",
    "tau_facilitation": f"time constant of facilitation ({TIME})",
    "tau_recovery": f"time constant of recovery ({TIME})",
    "tau_noise": f"correlation time of the noise ({TIME})",
    "nmda_fraction": "fraction of NMDA input",
    "threshold": "threshold",
    "response_gain": "gain above threshold",
    "rate_max": "factor of the response",
    "ou_noise": "standard deviation of the noise",
    "latent_size": "number of latents",
    "n_factors": "number of factors",
    "l2": "weight of the squared weights",
    "optimizer": "optimizer",
    "latent_l2": "weight of the squared states",
    "nr_of_trials": "number of trials",
    "train_size": "fraction of training trials",
    "trial_length": "stimuli per trial",
    "n_back": "stimuli from the repeat to the target",
    "lure_rate": "fraction of lures",
    "n_bits": "bits to remember",
    "trial_steps": "steps per trial",
    "switch_prob": "probability of a pulse per step",
    "input_noise": "standard deviation of input noise",
    "delay": "delay (s)",
    "n_angles": "number of angles",
    "n_channels": "number of channels",
    "n_stimuli": "angles to remember",
    "pretrained_epoch": "epochs of the trained network",
    "pretrained_combo": "combo of the trained network",
    "pretrained_iteration": "iteration of the trained network",
    "combo": "combo of the earlier stage",
    "iteration": "iteration of the earlier stage",
    # execution
    "threads": "threads per process",
})  # fmt: skip


def words(option: str, time: str = "τ") -> str:
    """What an option is called on an axis, with its unit, such as `averaging time (τ)` for `lyapunov.tsim`.

    option: its name with or without the section and a key below it: `couplings.EE` is `strength J of EE`.
    time:   unit of times. An option without words keeps its name.
    """
    if option in OPTION_WORDS:
        return OPTION_WORDS[option].replace(TIME, time)
    parts = option.split(".")
    for place in range(len(parts) - 1, -1, -1):
        if parts[place] in OPTION_WORDS:
            key = ".".join(parts[place + 1 :])
            return OPTION_WORDS[parts[place]].replace(TIME, time) + (f" of {key}" if key else "")
    return option

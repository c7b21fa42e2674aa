"""A small experiment of every kind, of few seconds: its INI, in the order in which later ones read earlier ones."""

from pathlib import Path

from tests.support import made_up

HEAD = """[experiment]
kind = {kind}
name = small
seed = 4
[paths]
path_to_results = {name}
{paths}
[execution]
workers = 1
{execution}
[trainvalidate]
iterations = {iterations}
{training}
"""
EAGER = "steps = eager"
CHECKPOINTS = "steps = eager\ncheckpoint_every = 1"
NETWORK = "[net]\nroi = random\nn = 12\ng = 3\n"
SHORT = "[lyapunov]\nnle = 3\ntsim = 6\ntons = 1\ntransient = 1\nframe_transient = 1\n"
TRIALS = "[trialparams]\ntask_name = flip_flop\nnr_of_trials = 8\ntrial_steps = 12\n"
POPULATIONS = """[net]
source = populations
[populations]
sizes = E: 20, I: 10
couplings = EE: 1, EI: -1.5, IE: 1, II: -1
in_degree = 5
"""
FEW_STARTS = "[analysis]\nstarts = 4\nduration = 20\n"
STIMULUS = "[stimulation]\nonset = 2\noffset = 4\n[analysis]\nsettle = 2\nduration = 8\n"
TEACHER = "[model]\nactivation = tanh_stretched\n[analysis]\ntrajectories = 2\n"
SMALL_MODEL = "[inference]\narchitecture = gru\nhidden_size = 2\nencoder_size = 3\n"
WORM = "[net]\nnormalization = input_fraction\ng = 0.5\nlabels = roles.csv\n[model]\nactivation = linear\n"
SCORED = "[responses]\nbootstrap = 200\npermutations = 10\ngains_by = role\nfolds = 2\n"
TRAINING_SHORT = SHORT.replace("tons = 1\n", "tons = 1\ntsim_measured = 0\n")
KINDS = {  # name -> kind, lines of [execution], lines of [trainvalidate], other sections
    "train": ("train", CHECKPOINTS, "epochs = {epochs}\nlr = 0.05", NETWORK + TRAINING_SHORT
              + '[combosparams]\ncombos_params = {"optimizer": ["Adam", "SGD"]}\n'),
    "task": ("train", CHECKPOINTS, "loss = task\nepochs = {epochs}", NETWORK + TRIALS),
    "spectrum": ("spectrum", EAGER, "", NETWORK + SHORT
                 + '[combosparams]\ncombos_params = {"g": [2, 3]}\n'),
    "convergence": ("convergence", EAGER, "", NETWORK + SHORT),
    "transition": ("transition", EAGER, "", NETWORK + SHORT + '[combosparams]\ncombos_params = {"g": [0.5, 2]}\n'),
    "simulate": ("simulate", "", "", POPULATIONS + "[analysis]\nsettle = 1\nduration = 5\n"),
    "predict": ("predict", CHECKPOINTS, "epochs = {epochs}", POPULATIONS + TEACHER),
    "responses": ("responses", EAGER, "", WORM + SCORED),
    "benchmark": ("benchmark", EAGER, "", NETWORK + SHORT),
    "analyse": ("analyse", EAGER, "", NETWORK + FEW_STARTS),
    "stimulate": ("stimulate", EAGER, "", NETWORK + STIMULUS),
    "record": ("record", "", "", "[source]\nfolder = task\n" + TRIALS + "[recording]\nheldin = 8\n"),
    "fit": ("fit", "checkpoint_every = 1", "epochs = {epochs}", "[source]\nfolder = record\n" + SMALL_MODEL),
    "compare": ("compare", "", "", "[source]\nfolder = fit\n[comparing]\nmetrics = rate_r2 + co_bps\n"),
}  # fmt: skip
PATHS = {"responses": "path_to_network = herm_full_edgelist.csv\nresponses = signal_propagation_wt.csv"}
NEEDED = {"record": ("task",), "fit": ("task", "record"), "compare": ("task", "record", "fit")}


def write_ini(folder: Path, name: str, epochs: int = 3, iterations: int = 1) -> Path:
    """Write NAME.ini, whose results are in the folder NAME of the current folder; return its path."""
    kind, execution, training, rest = KINDS[name]
    own = {"kind": kind, "name": name, "execution": execution, "iterations": iterations, "paths": PATHS.get(name, "")}
    text = HEAD.format(**own, training=training.format(epochs=epochs)) + rest
    path = folder / f"{name}.ini"
    path.write_text(text)
    if kind == "responses":
        made_up.worm(folder)
    return path

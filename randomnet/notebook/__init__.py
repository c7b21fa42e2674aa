"""What the runner does, from Python, in the words of the INI.

>>> import randomnet as rn
>>> c = rn.connectome("EB", normalization="sinkhorn", g=3)
>>> net = rn.network(c, activation="tanh_stretched", train=["gains", "shifts"])

    connectome      a network of any format, with the options of [net]
    network         what the runner trains, as a torch module, with those of [model] and [dynamics]
    fit             the training loop, with those of [trainvalidate]; losses are of spectrum_loss and task
    spectrum        the Lyapunov spectrum, with those of [lyapunov]
    covariant_vectors  which neurons carry each exponent, and what it is sensitive to
    responses       of each neuron to input into every other one; score_responses: beside measured ones
    fixed_points    of a network, a torch module or any step, under constant inputs
    load, run       a results folder; an INI

    options         arguments -> a checked configuration; losses, activity, movements, results, drawings: the records
"""

from randomnet.notebook.activity import Activity
from randomnet.notebook.connectomes import NotebookConnectome, connectome
from randomnet.notebook.inferred import NotebookModel
from randomnet.notebook.losses import Loss, TaskLoss, spectrum_loss, task
from randomnet.notebook.networks import NotebookNetwork, fit, network
from randomnet.notebook.points import fixed_points
from randomnet.notebook.responses import responses, score_responses
from randomnet.notebook.results import Results, load, run
from randomnet.notebook.spectra import covariant_vectors, spectrum

__all__ = [
    "Activity",
    "Loss",
    "NotebookConnectome",
    "NotebookModel",
    "NotebookNetwork",
    "Results",
    "TaskLoss",
    "connectome",
    "covariant_vectors",
    "fit",
    "fixed_points",
    "load",
    "network",
    "responses",
    "run",
    "score_responses",
    "spectrum",
    "spectrum_loss",
    "task",
]

"""Tasks of memory: the `Trials` record, one generator per task, and the images they show."""

from randomnet.tasks.delayed_response import odr
from randomnet.tasks.flip_flop import flip_flop
from randomnet.tasks.generators import nback_mem, pic_latent_mem, pic_mem, seq_mem
from randomnet.tasks.images import Images, read_latents, read_mnist, synthetic_glyphs, synthetic_latents
from randomnet.tasks.multitask import multitask
from randomnet.tasks.pairs import dpa, dual, go_nogo
from randomnet.tasks.reaching import ReachTrials
from randomnet.tasks.table import TASKS, Parameter, Task, check_parameters, make
from randomnet.tasks.trials import LOSSES, Trials

__all__ = [
    "LOSSES",
    "TASKS",
    "Images",
    "Parameter",
    "ReachTrials",
    "Task",
    "Trials",
    "check_parameters",
    "dpa",
    "dual",
    "flip_flop",
    "go_nogo",
    "make",
    "multitask",
    "nback_mem",
    "odr",
    "pic_latent_mem",
    "pic_mem",
    "read_latents",
    "read_mnist",
    "seq_mem",
    "synthetic_glyphs",
    "synthetic_latents",
]

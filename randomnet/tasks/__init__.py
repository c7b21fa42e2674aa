"""Tasks of memory: the `Trials` record, one generator per task, and the images they show."""

from randomnet.tasks.flip_flop import flip_flop
from randomnet.tasks.generators import nback_mem, pic_latent_mem, pic_mem, seq_mem
from randomnet.tasks.images import Images, read_latents, read_mnist, synthetic_glyphs, synthetic_latents
from randomnet.tasks.table import TASKS, Parameter, Task, check_parameters, make
from randomnet.tasks.trials import Trials

__all__ = [
    "TASKS",
    "Images",
    "Parameter",
    "Task",
    "Trials",
    "check_parameters",
    "flip_flop",
    "make",
    "nback_mem",
    "pic_latent_mem",
    "pic_mem",
    "read_latents",
    "read_mnist",
    "seq_mem",
    "synthetic_glyphs",
    "synthetic_latents",
]

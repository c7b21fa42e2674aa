"""The only training loop: trains one network, or several networks of one shape together."""

from randomnet.training.loop import Interrupted, Paused, Trainable, fit
from randomnet.training.progress import Progress
from randomnet.training.settings import Settings
from randomnet.training.state_checks import are_numbers, are_values, can_go_on

__all__ = [
    "Interrupted",
    "Paused",
    "Progress",
    "Settings",
    "Trainable",
    "are_numbers",
    "are_values",
    "can_go_on",
    "fit",
]

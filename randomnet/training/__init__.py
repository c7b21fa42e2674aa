"""The only training loop: one network, or several of one shape side by side."""

from randomnet.training.loop import Interrupted, Trainable, fit
from randomnet.training.progress import Progress
from randomnet.training.settings import Settings

__all__ = ["Interrupted", "Progress", "Settings", "Trainable", "fit"]

"""The only training loop: trains one network, or several networks of one shape together."""

from randomnet.training.loop import Interrupted, Paused, Trainable, fit
from randomnet.training.progress import Progress
from randomnet.training.settings import Settings

__all__ = ["Interrupted", "Paused", "Progress", "Settings", "Trainable", "fit"]

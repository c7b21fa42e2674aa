"""The precisions of training and simulation, by their names in an INI."""

import torch

PRECISIONS = {"float32": torch.float32, "float64": torch.float64}

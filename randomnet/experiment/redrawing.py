"""Whether the iterations of a combo differ in their network, told before they run."""

from typing import Any

from randomnet.nulls import NULLS
from randomnet.schema.config import Config


def is_redrawn(about: dict[str, Any], config: Config) -> bool:
    """Whether every iteration has a network of its own: a random one, neurons of regions, a null or drawn weights.

    about: the facts of one of them.
    """
    if config.paths.pretrained and config.has_task:
        return False
    if config.drawn_at_random or config.trainvalidate.init != "connectome":
        return True
    is_random_null = config.null != "none" and NULLS[config.null].random
    is_instantiated = max(about.get("neurons_per_region", [1])) > 1  # single neurons have no choice of targets
    return config.net.paired_topology and (config.described or is_instantiated or is_random_null)

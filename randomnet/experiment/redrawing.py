"""Whether the iterations of a combo differ in their network, told before they run."""

from typing import Any

from randomnet.artifacts import upstream_runs
from randomnet.schema.config import Config

PRETRAINED = "paths.pretrained"
WITHOUT_NULL = {"net.null": "none", "net.random_w": False}


def is_redrawn(about: dict[str, Any], config: Config, with_null: bool = True) -> bool:
    """Whether every iteration has a network of its own, drawn or trained by an earlier experiment.

    about: the facts of one of them. with_null: False asks the same of the network that the null is made from.
    """
    if config.paths.pretrained and config.has_task:
        return not all(one["shared"] for one in about.get("upstream", ()) if one["option"] == PRETRAINED)
    return upstream_runs.is_redrawn(config.settings() | ({} if with_null else WITHOUT_NULL))

"""Whether the iterations of a combo differ in their network, which is known before they run."""

from typing import Any

from randomnet.artifacts import upstream_runs
from randomnet.artifacts.trained_files import provides_network
from randomnet.schema.config import Config

PRETRAINED = "paths.pretrained"
WITHOUT_NULL = {"net.null": "none", "net.random_w": False}


def is_redrawn(facts: dict[str, Any], config: Config, with_null: bool = True) -> bool:
    """Return whether every iteration has its own network, drawn or trained by an earlier experiment.

    facts: of one iteration's network. with_null: False answers for the network that the null model is drawn from.
    """
    if provides_network(config):
        return not all(
            upstream["shared"] for upstream in facts.get("upstream", ()) if upstream["option"] == PRETRAINED
        )
    return upstream_runs.is_redrawn(config.settings() | ({} if with_null else WITHOUT_NULL))

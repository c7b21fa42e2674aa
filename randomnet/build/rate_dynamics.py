"""From [dynamics] to the dynamics of trained networks, which are those of simulated ones."""

from randomnet.build.batched_network import BatchedNetwork
from randomnet.build.populations import PopulationView, check_plastic
from randomnet.connectome import Connectome
from randomnet.schema.plan import Run
from randomnet.simulation import RateDynamics


def rate_dynamics_of(run: Run, connectome: Connectome) -> RateDynamics:
    """Return the dynamics of a run's network; its labels name populations. Raises ConfigError."""
    view, dynamics = PopulationView(run, connectome), run.config.dynamics
    check_plastic(view)
    arguments = BatchedNetwork([view], first_only=True).parts()
    return RateDynamics(view.index, arguments, dynamics.plastic_factors, dynamics.noise_seed)

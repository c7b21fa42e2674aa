"""kind = transition: the largest exponent over a grid of g, each iteration a sample.

FlyStability's transition_2_chaos; other axes of the grid become colours.
"""

from randomnet.kinds.spectrum.run import UNIT, WORKERS, beside, check, estimate, execute, length

HEADLINE = ("neurons", "lambda_max", "lambda_max_stderr", "verdict", "seconds")
__all__ = ["HEADLINE", "UNIT", "WORKERS", "beside", "check", "estimate", "execute", "length"]

"""kind = transition: the largest exponent over a grid of g; each iteration is a sample.

FlyStability's transition_2_chaos. Runs and their files are those of kind = spectrum; other axes of the grid become
colours.
"""

from randomnet.kinds.kind import Kind, Ranking
from randomnet.kinds.spectrum.run import check, estimate, execute, length, max_batch

HEADLINE = ("neurons", "lambda_max", "lambda_max_stderr", "verdict", "seconds")

KIND = Kind(
    check=check,
    execute=execute,
    estimate=estimate,
    length=length,
    unit="τ",
    headline=HEADLINE,
    rankings=(Ranking("lambda_max", lowest_first=False, best=False),),
    max_batch=max_batch,
)

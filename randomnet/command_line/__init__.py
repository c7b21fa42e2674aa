"""The two commands: their arguments, what they print, and their exit codes.

    entry        where both start, and how signals end them
    experiments  `randomnet`, in a clone `python runrandomnet.py`
    figures      `randomnet-figures`, in a clone `python visualization.py`; it never imports a model
    program      the words by which a command was called, for help and for the commands that are printed
"""

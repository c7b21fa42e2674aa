"""The entry of experiments in a clone: `python runrandomnet.py`; installed, the same command is `randomnet`."""

import sys

from randomnet.command_line.experiments import main

if __name__ == "__main__":
    sys.exit(main())

"""The entry of figures in a clone: `python visualization.py`; installed, the same command is `randomnet-figures`."""

import sys

from randomnet.command_line.figures import main

if __name__ == "__main__":
    sys.exit(main())

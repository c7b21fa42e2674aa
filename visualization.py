"""The entry of figures in a clone: `python visualization.py`; installed, the same command is `randomnet-figures`."""

from randomnet.command_line.entry import figures as main
from randomnet.command_line.entry import start

if __name__ == "__main__":
    start(main)

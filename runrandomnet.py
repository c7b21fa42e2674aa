"""The entry of experiments in a clone: `python runrandomnet.py`; installed, the same command is `randomnet`."""

from randomnet.command_line.entry import experiments as main
from randomnet.command_line.entry import start

if __name__ == "__main__":
    start(main)

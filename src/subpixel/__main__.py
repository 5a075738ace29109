"""``python -m subpixel``: the command line."""

import sys

from subpixel.cli import run

if __name__ == "__main__":
    sys.exit(run())

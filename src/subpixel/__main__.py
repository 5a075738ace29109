"""``python -m subpixel``: the command line."""

import sys

from subpixel.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""``python -m subpixel``: the command line."""

import os
import sys

# ``-m`` looks for modules in the current folder first, and a stranger may have put a ``signal.py`` among the images.
# The folder stays if this package lies in it.
if __name__ == "__main__" and not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(__file__)):
    del sys.path[0]

from subpixel.cli import run

if __name__ == "__main__":
    sys.exit(run())

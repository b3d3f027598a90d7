"""`make bench`: measures what docs/performance.md promises."""

import sys
from pathlib import Path

# This folder has names that must not stand before the standard library's.
sys.path[0] = str(Path(__file__).parents[1])

from bench.run import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

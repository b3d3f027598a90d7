"""What shim and daemon both know of an execution's folder: names, sizes, the version.

Imports nothing, because the shim pays for every import with memory.
"""

VERSION = 1

SHIM_FILE = "shim.json"
EXIT_FILE = "exit.json"
EXIT_RESERVE = "exit.tmp"
CRASH_FILE = "crash.txt"

# In the run folder: `daemon stop` leaves it, so that no shim starts the daemon again.
STOPPED_MARK = "stopped"

TAG_VARIABLE = "BRANCHWORK_EXECUTION"

SEGMENT_BYTES = 64 << 20
PART_BYTES = 64 << 10


def segment_name(number: int) -> str:
    return f"{number:06d}.jsonl"

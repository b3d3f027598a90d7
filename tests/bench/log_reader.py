"""A program that follows a log as an editor: argv is a server's command and the params, as JSON.

Says `ready` when it follows, and at the end how many lines came and when.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

from bench import editor  # noqa: E402

RECORD = b'"s":"o"'


def main() -> None:
    one = editor.spawned(json.loads(sys.argv[1]), os.environ)
    one.initialize()
    one.notify("initialized", {})
    request = one.send("branchwork/execution/logs", json.loads(sys.argv[2]))
    print("ready", flush=True)
    count, moment = 0, 0
    start = b'{"jsonrpc":"2.0","id":%d,' % request
    while not (body := one.body()).startswith(start):
        found = body.count(RECORD)
        if found:
            count += found
            moment = time.monotonic_ns()
    print(json.dumps([count, moment]), flush=True)
    one.close()


if __name__ == "__main__":
    main()

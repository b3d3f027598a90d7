"""Stands between an editor and its server and notes when each request of ours goes out.

argv: the file for what it notes, the server's command as JSON, and what the editor adds. What the
server says goes to the editor directly.
"""

import json
import os
import re
import subprocess
import sys
import time

CHUNK = 1 << 16
REQUEST = re.compile(rb'"method":"(branchwork/[^"]*)"(?:[^{]*\{[^{}]*"title":"([^"]*)")?')


def main() -> int:
    notes, command, *rest = sys.argv[1:]
    if "--print-command" in rest:
        # There is no faster way than this one.
        return 1
    server = subprocess.Popen(json.loads(command), stdin=subprocess.PIPE)
    assert server.stdin is not None, "it was asked for"
    with open(notes, "a", buffering=1) as file:
        while data := os.read(0, CHUNK):
            now = time.monotonic_ns()
            server.stdin.write(data)
            server.stdin.flush()
            for method, title in REQUEST.findall(data):
                note = {"method": method.decode(), "title": title.decode(), "at": now}
                file.write(json.dumps(note) + "\n")
    server.stdin.close()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())

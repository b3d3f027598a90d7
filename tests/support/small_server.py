"""A server on stdin and stdout for the tests of our client: it does what a method's name says."""

import json
import os
import sys
from typing import Any


def read() -> Any:
    length = 0
    while line := sys.stdin.buffer.readline().strip():
        length = int(line.partition(b":")[2])
    return json.loads(sys.stdin.buffer.read(length)) if length else None


def say(**message: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    sys.stdout.buffer.flush()


def echo(id: Any, params: Any) -> None:
    say(id=id, result=params)


def tell(id: Any, params: Any) -> None:
    for number in range(params["count"]):
        say(method="test/told", params={"number": number})
    say(id=id, result=None)


def logs(id: Any, params: Any) -> None:
    for number in range(3):
        value = {"nextSeq": number + 2, "text": f"line {number}\n"}
        say(method="$/progress", params={"token": params["partialResultToken"], "value": value})
    say(id=id, result={"nextSeq": 4, "status": "Completed", "exitCode": 0})


def get(id: Any, _params: Any) -> None:
    say(id=id, result={"no": "task"})


def respond(id: Any, _params: Any) -> None:
    data = {"kind": "alreadyAnswered", "retryable": False, "approvalId": "A"}
    say(id=id, error={"code": -32011, "message": "It was answered.", "data": data})


def ask(id: Any, params: Any) -> None:
    """Asks the client, and says what it answered."""
    say(id="mine", method=params["method"], params=params["params"])
    say(id=id, result={"answer": read()})


def silent(_id: Any, _params: Any) -> None:
    """Never answers, and tells the next message that came."""
    say(method="test/told", params=read())


def die(_id: Any, _params: Any) -> None:
    print("The store can't be opened.", file=sys.stderr, flush=True)
    os._exit(3)


def garbage(_id: Any, _params: Any) -> None:
    sys.stdout.write("Traceback: this is no message\n\n")
    sys.stdout.flush()


DOES = {act.__name__: act for act in (echo, tell, logs, get, respond, ask, silent, die, garbage)}

while (received := read()) is not None:
    verb = DOES.get(received.get("method", "").rpartition("/")[2])
    if verb is not None:
        verb(received.get("id"), received.get("params"))

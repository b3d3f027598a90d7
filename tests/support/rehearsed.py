"""The scripted agent with its script in a file instead of the prompt, so that the prompt is what a
person would write. argv: a JSON file that has the steps by what a prompt holds.
"""

import json
import sys
from pathlib import Path
from typing import Any

from branchwork.agents import scripted


def main() -> None:
    plays: dict[str, list[dict[str, Any]]] = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    scripted.script_in = lambda prompt: next(
        (steps for words, steps in plays.items() if words in prompt), None
    )
    scripted.main()


if __name__ == "__main__":
    main()

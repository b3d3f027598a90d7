"""`branchwork lsp` with options; without any, `main` goes straight to the proxy."""

import argparse
import json
import sys

from branchwork import endpoint


def run(argv: list[str]) -> int:
    """The language server of an editor, or the fastest command that starts it."""
    parser = argparse.ArgumentParser(prog="branchwork lsp", description=run.__doc__)
    parser.add_argument("--stdio", action="store_true", help="the default; some editors add it")
    parser.add_argument(
        "--print-command",
        action="store_true",
        help="print, as a JSON array, the command that starts this without Python's site packages",
    )
    if parser.parse_args(argv).print_command:
        print(json.dumps(command()))
        return 0
    from branchwork.proxy import main

    main()
    return 0


def command() -> list[str]:
    """What an editor should start: half the time of the console script."""
    code = (
        f"import sys; sys.path.insert(0, {endpoint.SERVER!r}); "
        "from branchwork.proxy import main; main()"
    )
    return [sys.executable, "-I", "-S", "-c", code]

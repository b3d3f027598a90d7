"""The command `branchwork`: finds the verb and imports nothing else."""

import sys

VERBS = {
    "lsp": "be the language server of an editor, on stdin and stdout",
    "daemon": "run, stop or look at the daemon behind it",
    "doctor": "look at all that it needs here, and say what is wrong and what to do",
    "demo": "do the main job once, from a selection to a merged branch, and leave nothing",
}


def main() -> None:
    """Each verb is a module of this package with `run(argv)`, which gives the exit code."""
    argv = sys.argv[1:]
    if argv == ["lsp"]:
        # The way that editors take: nothing more than the proxy needs.
        from branchwork.proxy import main as serve

        serve()
    elif argv[:1] == ["--version"]:
        from branchwork.endpoint import version

        print(version())
    elif argv and argv[0] in VERBS:
        from importlib import import_module

        sys.exit(import_module(f"branchwork.cli.{argv[0]}").run(argv[1:]))
    else:
        _usage(argv)


def _usage(argv: list[str]) -> None:
    asked = argv[:1] in (["--help"], ["-h"])
    out = sys.stdout if asked else sys.stderr
    print("usage: branchwork VERB …   branchwork --version\n", file=out)
    for verb, help_text in VERBS.items():
        print(f"  {verb:10} {help_text}", file=out)
    print("\n`branchwork VERB --help` says more.", file=out)
    sys.exit(0 if asked else 2)


if __name__ == "__main__":
    main()

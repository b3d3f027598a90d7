"""`branchwork lsp`: what an editor starts. Passes messages to the daemon and outlives daemons.

Only modules written in C and `endpoint` may be imported in this package, for its start-up time
and its memory; of a message nothing but `id` and `method` is looked at.
"""


def main(argv: "list[str] | None" = None) -> None:
    """Be the proxy of the editor at stdin and stdout; `argv` is the daemon's command."""
    from branchwork.proxy.session import serve

    serve(argv)

"""The client stands beside the proxy: it must not bring the server's floors with it."""

import subprocess
import sys

FOREIGN = ("pygls", "lsprotocol", "sqlalchemy", "git", "branchwork.lsp", "branchwork.services")


def test_the_client_imports_nothing_of_the_server() -> None:
    code = (
        "import sys\n"
        "from branchwork.client import connection, editor, stream\n"
        "print('\\n'.join(sys.modules))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    modules = done.stdout.split()
    assert "branchwork.protocol.method" in modules
    assert [name for name in FOREIGN if name in modules] == []

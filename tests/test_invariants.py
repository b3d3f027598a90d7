"""The invariants of docs/architecture.md, each as a test over the source itself.

What only a run can show is tested where it runs: exactly one response (tests/lsp/connection),
nothing lost when something is killed (tests/chaos), the user's checkout (tests/lsp/test_bad_input),
change rows (tests/store/test_transactions), snapshots before a removal (tests/git).
"""

import ast
import inspect
import json
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

from branchwork.lsp import features
from branchwork.protocol.registry import COMMANDS, REQUESTS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "server" / "branchwork"
FILES = sorted(PACKAGE.rglob("*.py"))
STANDARD = set(sys.stdlib_module_names)

LONGEST_FUNCTION, LONGEST_FILE = 70, 450


def name_of(file: Path) -> str:
    """As in `branchwork.git.command`, without the first part."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"), str(file))


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it, types only left out."""
    unused = {
        child
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree_of(file)):
        if node in unused:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def importers(library: str) -> set[str]:
    """Which modules of ours import something of a library."""
    return {
        name_of(file)
        for file in FILES
        if any(module.partition(".")[0] == library for module in imports(file))
    }


def below(*floors: str) -> set[str]:
    """The modules on some floors."""
    return {
        name for name in map(name_of, FILES) if any(name.split(".")[0] == floor for floor in floors)
    }


# --- who may know what ---------------------------------------------------------------------------


def test_the_domain_knows_the_standard_library_and_itself() -> None:
    for file in (PACKAGE / "domain").glob("*.py"):
        for module in imports(file):
            assert module.split(".")[0] in STANDARD or module.startswith("branchwork.domain"), file


def test_the_proxy_and_all_that_it_imports_know_the_standard_library_only() -> None:
    seen: set[Path] = set()
    waiting = [*(PACKAGE / "proxy").glob("*.py"), PACKAGE / "endpoint.py"]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for module in imports(file):
            if module.startswith("branchwork"):
                path = PACKAGE.parent.joinpath(*module.split("."))
                found = [path.with_suffix(".py"), path / "__init__.py"]
                waiting += [one for one in found if one.exists()]
            else:
                assert module.split(".")[0] in STANDARD, (file, module)
    assert {name_of(file).split(".")[0] for file in seen} <= {"", "proxy", "endpoint"}


@pytest.mark.parametrize(
    ("library", "floors"),
    [
        ("sqlalchemy", ("store",)),
        ("alembic", ("store",)),
        ("sqlite3", ("store", "lsp")),
        ("pygls", ("lsp", "daemon")),
        ("lsprotocol", ("lsp", "daemon")),
        ("git", ("git",)),
        ("tomlkit", ("services",)),
    ],
)
def test_a_library_is_known_on_its_floor_only(library: str, floors: tuple[str, ...]) -> None:
    found = importers(library)
    assert found, f"nobody imports {library} any more"
    assert found <= below(*floors)


def test_nothing_below_lsp_knows_the_protocol() -> None:
    for file in FILES:
        if name_of(file).split(".")[0] in ("services", "store", "git", "agents", "execution"):
            assert not [one for one in imports(file) if one.startswith("branchwork.protocol")], file


def test_the_floors_import_downwards() -> None:
    """The contracts of pyproject.toml, which know every package."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# --- who may start what --------------------------------------------------------------------------

STARTERS = {
    # Long-lived children, and those that end them.
    "execution.spawn": "shims",
    "execution.shim": "itself a second time, away from its parent",
    "execution.child": "the child of a shim",
    "execution.watchdog": "the daemon that a shim misses",
    "execution.stop": "ps, where there is no /proc",
    "execution.processes": "ps, where there is no /proc",
    # Short ones.
    "git.command": "git",
    "store.schema_version": "migrations",
    "daemon.lock": "ps, where there is no /proc",
    "endpoint": "the daemon",
    "client.stream": "the proxy",
    # The agent for tests and the demo is no part of the daemon.
    "agents.scripted_steps": "what its script says",
}
STARTS = re.compile(
    r"\b(?:subprocess\.(?:run|Popen|call|check_\w+)|os\.(?:fork|exec\w*|posix_spawn\w*|system|popen)"
    r"|create_subprocess_\w+)\("
)


def test_children_are_started_at_named_places_only() -> None:
    found = {name_of(file) for file in FILES if STARTS.search(file.read_text("utf-8"))}
    assert found == set(STARTERS)


def test_nobody_else_starts_git() -> None:
    """No argument list outside `git` begins with it."""
    for file in FILES:
        if name_of(file).split(".")[0] == "git":
            continue
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.List | ast.Tuple) and node.elts:
                first = node.elts[0]
                is_git = isinstance(first, ast.Constant) and first.value == "git"
                assert not is_git or name_of(file).startswith("cli."), f"{file}:{node.lineno}"


# --- statuses and errors -------------------------------------------------------------------------


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_a_status_changes_by_its_table_only() -> None:
    """Whoever stores a new status has asked `with_status` for it."""
    writers = []
    for file in [file for file in FILES if name_of(file) in below("services", "store")]:
        for function in functions(file):
            for node in ast.walk(function):
                is_edit = (
                    isinstance(node, ast.Call)
                    and ast.unparse(node.func) in ("tx.update", "tx.derive", "replace")
                    and any(keyword.arg == "status" for keyword in node.keywords)
                )
                if is_edit:
                    writers.append((name_of(file), function.name))
                    assert "with_status(" in ast.unparse(function), (file, function.name)
    assert writers


BROAD = {
    ("lsp.dispatch", "_take_request"): "the request wrapper",
    ("lsp.dispatch", "_take_notification"): "the same for notifications",
    ("lsp.feed", "_repeat"): "the notifier",
    ("services.chain", "_follow"): "the execution follower",
    ("services.recovery", "_try"): "one broken row must not keep the daemon from all others",
    ("daemon.serving", "_serve_one"): "the accept loop",
    ("daemon.main", "run"): "the last word of a daemon that can't start",
}


def test_broad_excepts_stand_at_named_places_only() -> None:
    """One that raises again is none."""
    found = set()
    for file in FILES:
        for function in functions(file):
            for node in ast.walk(function):
                if isinstance(node, ast.ExceptHandler) and _is_broad(node):
                    found.add((name_of(file), function.name))
    inner = {one for one in found if one not in BROAD}
    assert not inner, inner
    assert {one[0] for one in BROAD} == {one[0] for one in found}


def _is_broad(handler: ast.ExceptHandler) -> bool:
    names = [] if handler.type is None else ast.unparse(handler.type).strip("()").split(", ")
    broad = not names or {"Exception", "BaseException"} & set(names)
    return bool(broad) and not isinstance(handler.body[-1], ast.Raise)


def test_no_error_is_suppressed_as_a_whole() -> None:
    for file in FILES:
        text = file.read_text("utf-8")
        assert not re.search(r"suppress\((?:[^)]*\b)?(?:Base)?Exception\b", text), file


# --- the protocol --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def offered() -> features.Features:
    return features.collect()


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "protocol.md").read_text("utf-8")


@pytest.fixture(scope="module")
def tests() -> str:
    mine = Path(__file__)
    return "".join(file.read_text("utf-8") for file in mine.parent.rglob("*.py") if file != mine)


def test_every_method_has_a_handler_and_no_other(offered: features.Features) -> None:
    assert set(offered.requests) == set(REQUESTS)
    assert set(offered.commands) == set(COMMANDS)


@pytest.mark.parametrize("method", REQUESTS)
def test_a_method_is_on_the_page_and_in_a_test(method: str, page: str, tests: str) -> None:
    assert f"`{method}`" in page or f"### {method}" in page
    assert method in tests, f"no test asks for {method}"


@pytest.mark.parametrize("method", REQUESTS)
def test_a_handler_gives_what_the_protocol_says(method: str, offered: features.Features) -> None:
    handler = _handler(offered, method)
    assert typing.get_type_hints(handler)["return"] is REQUESTS[method].result


@pytest.mark.parametrize("method", REQUESTS)
def test_a_handler_takes_notice_of_each_field(method: str, offered: features.Features) -> None:
    """A field that nobody reads would be a promise that nobody keeps."""
    text = _source(_handler(offered, method), set())
    for field in msgspec.structs.fields(REQUESTS[method].params):
        if (method, field.name) in UNREAD:
            continue
        assert re.search(rf'\bparams\.{field.name}\b|"{field.name}"', text), field.name


UNREAD = {("branchwork/workspace/merge", "method"): "it has one value"}


def _handler(offered: features.Features, method: str) -> typing.Any:
    handler = offered.requests[method].handler
    return inspect.getclosurevars(handler).nonlocals.get("handler", handler)


def _source(function: typing.Any, seen: set[typing.Any]) -> str:
    """The function with the functions and the constants of `lsp` that it uses."""
    if function in seen:
        return ""
    seen.add(function)
    text = inspect.getsource(function)
    used = inspect.getclosurevars(function)
    for value in [*used.nonlocals.values(), *used.globals.values(), *_of_modules(function, text)]:
        if inspect.isfunction(value) and value.__module__.startswith("branchwork.lsp"):
            text += _source(value, seen)
        elif isinstance(value, tuple | dict):
            text += "".join(f'"{item}"' for item in value if isinstance(item, str))
    return text


def _of_modules(function: typing.Any, text: str) -> Iterator[typing.Any]:
    """What it uses of imported modules, as in `targets.required`."""
    for module, name in re.findall(r"\b(\w+)\.(\w+)\(", text):
        owner = function.__globals__.get(module)
        if inspect.ismodule(owner):
            yield getattr(owner, name, None)


def test_generated_files_are_fresh() -> None:
    argv = [sys.executable, "-m", "branchwork.protocol.generate", "--check"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_of_the_extension_is_registered() -> None:
    extension = ROOT / "editor-clients" / "vscode"
    declared = json.loads((extension / "package.json").read_text("utf-8"))["contributes"][
        "commands"
    ]
    source = "".join(file.read_text("utf-8") for file in (extension / "src").rglob("*.ts"))
    for command in declared:
        name = command["command"].removeprefix("branchwork.")
        assert re.search(rf"\b{re.escape(name)}[\"'`]?\s*[:(,]", source), command


# --- size and map --------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_and_its_functions_are_short(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= LONGEST_FILE
    for function in functions(file):
        assert (function.end_lineno or 0) - function.lineno < LONGEST_FUNCTION, function.name


def test_the_map_names_every_package_and_module_and_no_other() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"^\s*- `([\w./]+)`: ", text, re.MULTILINE))
    packages = {
        f"{folder.relative_to(PACKAGE)}/"
        for folder in PACKAGE.rglob("*/")
        if (folder / "__init__.py").exists() and folder != PACKAGE
    }
    modules = {str(file.relative_to(PACKAGE)) for file in FILES if file.name != "__init__.py"} - {
        "store/migrations/versions/0001_initial.py"
    }
    there = {name for name in packages | modules if not name.startswith("store/migrations/v")}
    assert there - named == set(), "not in docs/architecture.md"
    assert named - there == set(), "in docs/architecture.md, but not in the source"

"""Folders, marks and the handshake, as proxy, client, shim and daemon share them."""

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from branchwork import config, endpoint


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/home/me"},
        {"HOME": "/home/me", "XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"},
        {"HOME": "/home/me", "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": " "},
        {"HOME": "/home/me", "XDG_DATA_HOME": "relative", "XDG_CONFIG_HOME": "~/x"},
        {"HOME": "relative"},
        {},
    ],
)
def test_the_folders_are_those_of_platformdirs(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "BRANCHWORK_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert endpoint.data_folder() == platformdirs.user_data_dir("branchwork", appauthor=False)
    folder = platformdirs.user_config_dir("branchwork", appauthor=False)
    assert endpoint.config_file() == f"{folder}/branchwork.toml"


def test_each_folder_can_be_chosen() -> None:
    environ = {
        "HOME": "/home/me",
        "BRANCHWORK_DATA_DIR": "/x/../data",
        "BRANCHWORK_CONFIG": "/etc/b.toml",
        "BRANCHWORK_WORKTREES": "relative",
    }
    assert endpoint.data_folder(environ) == "/data"
    assert endpoint.config_file(environ) == "/etc/b.toml"
    assert endpoint.worktrees_folder(environ) == str(Path.cwd() / "relative")
    assert endpoint.worktrees_folder({"HOME": "/home/me"}) == "/home/me/.branchwork/worktrees"


def test_folders_are_their_owners_alone(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    run = endpoint.run_dir(data)
    assert run == f"{data}/run"
    for folder in (data, run):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    Path(run).chmod(0o755)
    endpoint.run_dir(data)
    assert stat.S_IMODE(Path(run).stat().st_mode) == 0o700


@pytest.fixture
def long(tmp_path: Path) -> Iterator[str]:
    data = str(tmp_path / ("long" * 20))
    yield data
    shutil.rmtree(endpoint.run_dir(data))


def test_a_path_too_long_for_a_socket_leads_elsewhere(long: str) -> None:
    run = endpoint.run_dir(long)
    assert len(run) + 1 + endpoint.LONGEST_NAME <= endpoint.LONGEST_SOCKET_PATH
    assert stat.S_IMODE(Path(run).stat().st_mode) == 0o700
    assert endpoint.run_dir(long) == run
    listener = endpoint.bind(endpoint.socket_path(long))
    assert endpoint.connect(endpoint.socket_path(long)) is not None
    listener.close()


def test_elsewhere_is_made_again_after_a_restart_of_the_machine(long: str) -> None:
    run = endpoint.run_dir(long)
    Path(run).rmdir()
    assert endpoint.run_dir(long) == run
    assert Path(run).is_dir()


@pytest.mark.parametrize("trap", ["loose", "symlink", "file"])
def test_elsewhere_is_never_what_somebody_else_put_there(long: str, trap: str) -> None:
    run = Path(endpoint.run_dir(long))
    run.rmdir()
    target = Path(long).parent / "theirs"
    target.mkdir(mode=0o700)
    if trap == "loose":
        run.mkdir()
        run.chmod(0o777)
    elif trap == "symlink":
        run.symlink_to(target)
    else:
        run.touch()
    other = endpoint.run_dir(long)
    assert other != str(run)
    assert endpoint.run_dir(long) == other
    run.rmdir() if trap == "loose" else run.unlink()


def test_marks_and_words(tmp_path: Path) -> None:
    data = str(tmp_path)
    assert endpoint.last_error(data) == ""
    endpoint.write_last_error(data, "No sé.\n")
    assert endpoint.last_error(data) == "No sé."
    endpoint.clear_last_error(data)
    endpoint.clear_last_error(data)
    assert endpoint.last_error(data) == ""
    endpoint.mark_stopped(data)
    assert endpoint.is_stopped(data)
    assert (tmp_path / "run" / "stopped").exists()
    endpoint.clear_stopped(data)
    assert not endpoint.is_stopped(data)


def test_a_lock_can_be_left_alone(tmp_path: Path) -> None:
    with (
        endpoint.start_lock(str(tmp_path)),
        pytest.raises(endpoint.LockTaken),
        endpoint.start_lock(str(tmp_path), wait=False),
    ):
        pass
    with endpoint.start_lock(str(tmp_path), wait=False):
        pass


@pytest.mark.parametrize("name", ["data", "data/run"])
def test_a_file_in_the_way(tmp_path: Path, name: str) -> None:
    (tmp_path / "data").parent.mkdir(exist_ok=True)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(endpoint.DataFolderUnusable, match="BRANCHWORK_DATA_DIR"):
        endpoint.run_dir(str(tmp_path / "data"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, -1)
    with pytest.raises(endpoint.DataFolderUnusable, match=r"uid 4711.*BRANCHWORK_DATA_DIR"):
        endpoint.run_dir(str(tmp_path))


def test_a_daemon_keeps_folders_only() -> None:
    environ = {
        "HOME": "/h",
        "PATH": "/bin",
        "API_KEY": "secret",
        "XDG_DATA_HOME": "/d",
        "BRANCHWORK_CONFIG": "/c",
        # Whoever ends that execution looks for its tag: the daemon must not have it.
        "BRANCHWORK_EXECUTION": "0199",
    }
    assert endpoint.daemon_environment(environ) == {
        "HOME": "/h",
        "PATH": "/bin",
        "XDG_DATA_HOME": "/d",
        "BRANCHWORK_CONFIG": "/c",
    }


def test_hello_carries_any_environment() -> None:
    environ = {"A": "1", "QUOTED": 'a"b\n\t\\', "ODD": "\udcff", "Ü": "ß"}
    line = endpoint.encode_hello(7, "/a \udcff", environ)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    expected = {"branchwork": 1, "pid": 7, "cwd": "/a \udcff", "env": environ}
    assert endpoint.decode_line(line) == expected
    assert json.loads(line) == expected


def test_hello_leaves_out_what_is_too_large() -> None:
    environ = {"SMALL": "1", "BIG": "x" * (2 << 20), "PATH": "/bin"}
    line = endpoint.encode_hello(7, "/", environ)
    assert len(line) <= endpoint.LONGEST_HANDSHAKE
    assert endpoint.decode_line(line)["env"] == {"SMALL": "1", "PATH": "/bin"}


@pytest.mark.parametrize("line", [b"", b"\n", b"nonsense\n", b"[1]\n", b"\xff\n", b'{"a":\n'])
def test_a_line_that_is_none(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        endpoint.decode_line(line)


def test_a_line_without_the_module_json() -> None:
    code = (
        f"import sys; sys.path.insert(0, {endpoint.SERVER!r})\n"
        "from branchwork import endpoint\n"
        "try: endpoint.decode_line(b'{\"a\":')\n"
        "except ValueError: print('refused')\n"
        "assert 'json' not in sys.modules\n"
    )
    argv = [sys.executable, "-I", "-S", "-c", code]
    with os.popen(" ".join(map(_quoted, argv))) as out:
        assert out.read() == "refused\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def test_config_has_defaults_and_complains_by_name(tmp_path: Path) -> None:
    file = tmp_path / "b.toml"
    environ = {"BRANCHWORK_DATA_DIR": str(tmp_path / "data"), "BRANCHWORK_CONFIG": str(file)}
    assert config.read(environ).idle_seconds == 60
    file.write_text(
        "[limits]\nidle_seconds = 5\nmessage_mib = 'x'\ncolour = 1\nunread_mib = true\n"
    )
    found = config.read(environ)
    assert (found.idle_seconds, found.message_mib, found.unread_mib) == (5, 64, 64)
    told = "\n".join(found.complaints)
    assert "`message_mib` must be" in told
    assert "no limit `colour`" in told
    assert "`unread_mib`" in told
    for unreadable in ("[limits", "limits = 3"):
        file.write_text(unreadable)
        assert config.read(environ).idle_seconds == 60
    file.write_bytes(b"\xff")
    assert config.read(environ).idle_seconds == 60

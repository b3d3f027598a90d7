"""Real repositories for tests: made by plain git, away from the machine's own configuration."""

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GitRepo:
    """A worktree with short ways to do what a user would do there by hand."""

    root: Path
    env: dict[str, str]

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def write(self, name: str, content: str | bytes = "") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self, message: str = "change", **files: str) -> str:
        for name, content in files.items():
            self.write(name, content)
        self.run("add", "--all")
        self.run("commit", "--quiet", "--allow-empty", "--no-verify", "-m", message)
        return self.run("rev-parse", "HEAD")

    def commit_files(self, files: dict[str, str | bytes], message: str = "change") -> str:
        for name, content in files.items():
            self.write(name, content)
        return self.commit(message)

    def head(self, name: str = "HEAD") -> str:
        return self.run("rev-parse", name)

    def at(self, root: Path) -> "GitRepo":
        return GitRepo(root, self.env)

    def hook(self, name: str, script: str) -> Path:
        folder = Path(self.run("rev-parse", "--path-format=absolute", "--git-path", "hooks"))
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def fingerprint(self) -> str:
        """Changes when HEAD, the index, the stash, a file or a local branch changes."""
        digest = hashlib.sha256()
        git_dir = Path(self.run("rev-parse", "--path-format=absolute", "--git-dir"))
        for name in ("HEAD", "index", "config", "info/exclude"):
            file = git_dir / name
            digest.update(file.read_bytes() if file.exists() else b"-")
        digest.update(self.run("for-each-ref", "refs/heads", "refs/tags", "refs/stash").encode())
        for path in sorted(self.root.rglob("*")):
            if ".git" in path.relative_to(self.root).parts:
                continue
            digest.update(os.fsencode(path))
            digest.update(str(path.lstat().st_mode).encode())
            if path.is_symlink():
                digest.update(os.fsencode(path.readlink()))
            elif path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()


def make_env(home: Path) -> dict[str, str]:
    """An environment with an identity and an empty configuration."""
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(
        "[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n"
    )
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "LANG": "C.UTF-8",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
    }


def make_repo(root: Path, env: dict[str, str], *, empty: bool = False) -> GitRepo:
    """A repository on `main`, with one commit unless it is to be empty."""
    root.mkdir(parents=True)
    repo = GitRepo(root, env)
    repo.run("init", "--quiet", "--initial-branch=main")
    if not empty:
        repo.commit_files(
            {"README.md": "one\ntwo\nthree\n", "src/app.py": "print('hi')\n"}, "first"
        )
    return repo

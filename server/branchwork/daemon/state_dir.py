"""The folders inside the data folder that a daemon needs, each for its owner alone."""

from pathlib import Path

from branchwork import endpoint

FOLDERS = ("log", "executions", "documents")


def prepare(data: str) -> None:
    """Make what is missing; raises DataFolderUnusable where that can't be done."""
    endpoint.run_dir(data)
    for name in FOLDERS:
        folder = Path(data, name)
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)
        except OSError as error:
            raise endpoint.DataFolderUnusable(
                f"The folder {folder} can't be made: {error.strerror}. "
                "Set BRANCHWORK_DATA_DIR to a folder of your own that can be written."
            ) from error

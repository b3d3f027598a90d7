"""The small files of an execution's folder, as the shim writes them. C modules only."""

import os
from _json import encode_basestring
from time import time

from branchwork.execution import layout


def reserve_exit(folder: int) -> int:
    """Space for the end, so that a full disk can't hide it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    file = os.open(layout.EXIT_RESERVE, flags, 0o600, dir_fd=folder)
    os.write(file, b" " * 4096)
    os.fsync(file)
    return file


def write_exit(folder: int, reserve: int, end: tuple[int, int], complete: bool) -> bool:
    """False when it has to be tried again; `complete` says whether all output was kept."""
    code, number = end
    told = (
        f'{{"code":{code},"signal":{number or "null"},"t":{int(time() * 1000)},'
        f'"complete":{"true" if complete else "false"}}}\n'
    )
    try:
        os.pwrite(reserve, told.encode(), 0)
        os.ftruncate(reserve, len(told))
        os.fsync(reserve)
        os.rename(layout.EXIT_RESERVE, layout.EXIT_FILE, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    except FileNotFoundError:
        return True  # somebody removed the folder: there is nobody to tell
    except OSError:
        return False
    return True


def write_shim(folder: int, child: int, kind: str) -> None:
    pid = os.getpid()
    told = (
        f'{{"version":{layout.VERSION},"shim":{pid},"shimStart":{_start_time(pid)},'
        f'"child":{child},"childStart":{_start_time(child)},"kind":"{kind}"}}\n'
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    temporary = layout.SHIM_FILE + ".tmp"
    file = os.open(temporary, flags, 0o600, dir_fd=folder)
    os.write(file, told.encode())
    os.fsync(file)
    os.close(file)
    os.rename(temporary, layout.SHIM_FILE, src_dir_fd=folder, dst_dir_fd=folder)


def remove_shim(folder: int) -> None:
    try:
        os.unlink(layout.SHIM_FILE, dir_fd=folder)
    except OSError:
        return  # the folder was removed


def _start_time(pid: int) -> str:
    """JSON of the kernel's start time; null where there is no /proc, and the starter adds it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return encode_basestring(file.read().rpartition(b")")[2].split()[19].decode())
    except OSError:
        return "null"

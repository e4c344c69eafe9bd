"""Lets PostgreSQL run for root: it refuses to run as root itself.

The server then runs as the system's `postgres` account, or `nobody`. That account needs
execute permission on all parent folders of its files, which folders of root often lack.
"""

import os
import pwd
import stat
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")
PASS = stat.S_IXGRP | stat.S_IXOTH
READ = stat.S_IRGRP | stat.S_IROTH


def server_account(folder: Path) -> pwd.struct_passwd | None:
    """Returns the account that is to own `folder` and run the server; None when we are not root.

    The owner of an existing folder stays the same.
    """
    if os.geteuid() != 0:
        return None
    owner = folder.stat().st_uid
    if owner != 0:
        return pwd.getpwuid(owner)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in ACCOUNTS if name in known)


def allow_traversal(path: Path, whole: bool = False) -> None:
    """Lets other users traverse the folders above `path`, without listing them.

    With `whole`, everything below `path` becomes readable too.
    """
    for parent in path.resolve().parents:
        _allow(parent, PASS)
    if whole:
        for folder, _folders, files in os.walk(path):
            _allow(Path(folder), PASS | READ)
            for name in files:
                file = Path(folder, name)
                _allow(file, READ | (PASS if file.stat().st_mode & stat.S_IXUSR else 0))


def _allow(path: Path, wanted: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & wanted != wanted:
        path.chmod(mode | wanted)

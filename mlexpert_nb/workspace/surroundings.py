"""What a child inherits: the few variables on the allow-list, and the places that Python itself is read from."""

import os
import pwd
import re
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from mlexpert_nb.workspace.paths import real

_ALLOWED = frozenset({"PATH", "LANG", "LANGUAGE", "TZ", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH"})
_ALLOWED_PREFIXES = (
    "LC_",
    "CUDA_",
    "NVIDIA_",
    "ROCR_",
    "HIP_",
    "HSA_",
    "OMP_",
    "KMP_",
    "MKL_",
    "OPENBLAS_",
    "PYTORCH_",
)
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH", re.IGNORECASE)  # NVIDIA_API_KEY has an allowed prefix


def environment(parent: Mapping[str, str], home: Path, scratch: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Give a child's environment: what is on the allow-list, folders of its own, and what the caller adds.

    Args:
        parent: The environment to choose from.
        home: Its private home folder.
        scratch: Its private temporary folder.
        extra: Added as it is.
    """
    chosen = {name: value for name, value in parent.items() if _is_allowed(name)}
    own = {"HOME": str(home), "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    if site.ENABLE_USER_SITE:
        own["PYTHONUSERBASE"] = site.getuserbase()  # else it would be looked for in the private home
    return {"PATH": os.defpath, **chosen, **own, **extra}


def homes(parent: Mapping[str, str]) -> tuple[Path, ...]:
    """Find the user's home folders: the one in the environment, the one of the account, and where sockets are kept."""
    places = [parent.get("HOME", ""), parent.get("XDG_RUNTIME_DIR", ""), "/run"]
    with suppress(KeyError):  # a container may run as a number that has no account
        places.append(pwd.getpwuid(os.getuid()).pw_dir)
    return tuple(dict.fromkeys(real(Path(place)) for place in places if place))


def needed_by_python() -> tuple[Path, ...]:
    """Find what this Python is read from: its prefixes, its packages, editable installs, and this package."""
    places = {Path(each) for each in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)}
    places |= {Path(path) for path in sysconfig.get_paths().values()}
    places |= {Path(sys.executable), Path(__file__).parents[1]}
    sites = [
        Path(each)
        for each in (*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else []))
    ]
    places |= {entry for folder in sites for entry in (folder, *_editable(folder))}
    return tuple(sorted({each for place in places for each in (place, real(place)) if place.exists()}))


def _editable(folder: Path) -> Iterator[Path]:
    """Read the folders that `.pth` files add to the search path."""
    for file in sorted(folder.glob("*.pth")):
        for line in file.read_text("utf-8", "replace").splitlines():
            if line.strip() and not line.startswith(("#", "import ", "import\t")):
                yield folder / line.strip()


def _is_allowed(name: str) -> bool:
    return (name in _ALLOWED or name.startswith(_ALLOWED_PREFIXES)) and not _SECRET.search(name)

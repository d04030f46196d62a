"""The program of the package: `idleheads` and `python -m idleheads` become it."""
from __future__ import annotations

import os
import sys
from pathlib import Path

from . import _core


def main() -> None:
    program = Path(_core.__file__).parent / "bin" / "idleheads"
    os.execv(program, ["idleheads", *sys.argv[1:]])


if __name__ == "__main__":
    main()

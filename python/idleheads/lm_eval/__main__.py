"""lm_eval's command line with the model `idleheads`: python -m idleheads.lm_eval --model idleheads ..."""
from __future__ import annotations

import sys

from lm_eval.__main__ import cli_evaluate

from .. import Error
from . import register


def main() -> None:
    register()
    try:
        cli_evaluate()
    except Error as error:
        sys.exit(f"idleheads: {error}")


if __name__ == "__main__":
    main()

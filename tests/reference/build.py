"""python -m tests.reference.build FOLDER: the lakehouse of the small company, to compare with.

The same files on an older checkout give the reference: copy tests/wiring, tests/reference,
tests/unit/messages/fake_claude.py and tests/unit/pipelines/outreach/receivers.py there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(folder: str) -> None:
    """Build in a new folder; the lakehouse is FOLDER/lakehouse."""
    target = Path(folder).resolve()
    if (target / "conf").exists():
        raise SystemExit(f"{folder}: was built before. Name a folder that does not exist yet.")
    os.environ["HOLDFAST_ENGINE"] = "spark"
    from tests.wiring.session import small_session
    from tests.wiring.small_company import build

    small_session()
    made = build(target)
    for name, seconds in made.seconds.items():
        print(f"{seconds:6.1f} s  {name}")
    print(f"{sum(made.seconds.values()):6.1f} s  {made.root}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m tests.reference.build FOLDER")
    main(sys.argv[1])

"""python -m tests.unit.service.run_service FOLDER PORT REDIS_URL: the service for a test.

FOLDER has the lake `lake` and the portable form `portable.json` of version 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from models.portable import PortableModel
from service.app import application, parts
from service.security import refuse_open_address
from service.server import log_to_stderr
from tests.unit.service.company import FakeRegistry, settings_of


def main() -> None:
    folder, port, redis_url = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] or None
    registry = FakeRegistry()
    registry.set("champion", "1", PortableModel.from_json((folder / "portable.json").read_text()))
    settings = settings_of(folder / "lake", redis_url, answer_cache_seconds=0)
    refuse_open_address(settings.service)
    log_to_stderr()
    uvicorn.run(application(parts(settings, registry)), port=port, log_level="warning")


if __name__ == "__main__":
    main()

"""Make an API key for the prediction service."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import application, reported, service_installed


def command(
    name: Annotated[str, typer.Argument(help="Who will use the key: letters, digits, . _ -")],
) -> None:
    """Print a new key, which is stored nowhere, and the line of its digest for conf."""
    with reported("make_api_key"), service_installed("make_api_key"):
        from service.security import checked_name, new_key

        key, digest = new_key(checked_name(name))
        print(f"key (for the client, shown once): {key}")
        print(f"line (for service.api_keys):      - {{name: {name}, sha256: {digest}}}")


main = application(command)

if __name__ == "__main__":
    main()

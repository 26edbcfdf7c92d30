"""The text of a stored model: JSON with a checksum, and the error for any other text.

The checksum detects damage. Anyone can compute it, so it does not show who wrote the text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FORMAT = 1


class PortableModelError(ValueError):
    """The text is not a model of this format or was changed, or the parts do not fit together."""


def sealed(content: dict[str, Any]) -> str:
    """The content as JSON text with a checksum. PortableModelError if JSON cannot hold it."""
    # A canonical form: sorted keys, no spaces, shortest exact floats, ASCII.
    try:
        body = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PortableModelError(
            f"model: metadata and numbers must be finite JSON values, got an invalid one: {error}. "
            "Write dates as text and omit unknown values."
        ) from error
    checksum = hashlib.sha256(body.encode()).hexdigest()
    return f'{{"checksum":"{checksum}","format":{FORMAT},"model":{body}}}'


def unsealed(text: str) -> dict[str, Any]:
    """The content of a text written by `sealed`. PortableModelError if any byte was changed."""
    try:
        envelope = json.loads(text)
        version, content = envelope["format"], envelope["model"]
        as_exported = sealed(content)
    except (ValueError, TypeError, KeyError) as error:
        raise PortableModelError(
            f"model: the text is not an exported model ({error}). Export the model again."
        ) from error
    except RecursionError:
        raise PortableModelError(
            "model: the text is nested too deeply for an exported model. Export the model again."
        ) from None
    if version != FORMAT:
        raise PortableModelError(
            f"format: this release reads format {FORMAT}, got {version!r}. "
            "Score with the release that exported the model, or export it again."
        )
    if as_exported != text:
        raise PortableModelError(
            f"checksum: the model was changed after its export, got {envelope.get('checksum')!r}. "
            "Take the file from the registry again."
        )
    return content


@contextmanager
def complete_parts() -> Iterator[None]:
    """Raise PortableModelError if a part of a model is missing, unknown or of another type.

    A checksum can be computed by anyone, so a text with a valid one can have any content.
    """
    try:
        yield
    except PortableModelError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise PortableModelError(
            "model: each part must be present, known and of its type, got "
            f"{type(error).__name__}: {error}. Take the file from the registry again, or train "
            "the model again."
        ) from error
    except RecursionError:
        raise PortableModelError(
            "model: the text is nested too deeply for a model. Take the file from the registry "
            "again, or train the model again."
        ) from None

"""Options of approve_texts, and what is refused before Spark is imported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runtime.errors import UsageError
from runtime.suggestions import did_you_mean

ACTIONS = ("list", "show", "approve", "reject")
STATUSES = ("waiting", "approved", "rejected", "refused", "all")
FEWEST_DIGITS = 6
# Digits of an id that a person sees.
SHORT_ID = 10


@dataclass(frozen=True)
class ApprovalOptions:
    """Options of `approve_texts`.

    text_ids: ids or their first digits. offer, language, status: restrict `list`; offer and
    language also `approve` and `reject` without ids. by, at: who decided, and when (None: now).
    """

    action: str = "list"
    text_ids: Sequence[str] = field(default=())
    by: str | None = None
    at: dt.datetime | None = None
    offer: str | None = None
    language: str | None = None
    status: str = "waiting"


def check(options: ApprovalOptions) -> None:
    """UsageError for an unknown action or status, and for missing options."""
    if options.action not in ACTIONS:
        raise UsageError(
            f"approve_texts {options.action}: must be one of {', '.join(ACTIONS)}."
            f"{did_you_mean(options.action, ACTIONS)}"
        )
    if options.status not in STATUSES:
        raise UsageError(
            f"--status {options.status}: must be one of {', '.join(STATUSES)}."
            f"{did_you_mean(options.status, STATUSES)}"
        )
    short = [name for name in options.text_ids if len(name) < FEWEST_DIGITS]
    if short:
        raise UsageError(
            f"text_id {short[0]}: give at least its first {FEWEST_DIGITS} digits, as "
            "`approve_texts list` prints them."
        )
    if options.action == "show" and not options.text_ids:
        raise UsageError("approve_texts show: name one or more text_ids.")
    if options.action in ("approve", "reject"):
        if not (options.by or "").strip():
            raise UsageError(f"approve_texts {options.action}: say who decides, with --by NAME.")
        if not (options.text_ids or options.offer or options.language):
            raise UsageError(
                f"approve_texts {options.action}: name text_ids, or choose the waiting texts of an "
                "offer or a language with --offer or --language."
            )


def check_usable(text: Mapping[str, object]) -> None:
    """UsageError if the checks refused a text of gold.text_pool (with its `status`)."""
    if text["status"] == "refused":
        raise UsageError(
            f"text_id {str(text['text_id'])[:SHORT_ID]}: form checks: {text['form_verdict']}; "
            f"judge: {text['judge_verdict'] or 'not asked'}. Only a text that passed both can be "
            "approved."
        )

"""Measure the judge on texts labelled by hand: `make judge`. Needs ANTHROPIC_API_KEY, and is paid.

Form checks and judge may be tuned on the tuning half of tests/data/messages. The measured half only
measures them: no rule, word or instruction may be changed because of one of its texts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from messages.form import faults
from messages.gateway import Gateway, make_client
from messages.judge import judged
from messages.limits import Limits
from runtime.settings import load
from runtime.settings.offers import load_offers

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "data" / "messages"
KEY = "ANTHROPIC_API_KEY"
OFFER = "discount_10"
# Shares of the measured half that the form checks and the judge together must reach.
HOSTILE_REFUSED, GOOD_PASSED = 0.98, 0.90
TUNING, MEASURED = "tuning", "measured"


def half_of(text: str) -> str:
    """The half of a text, by the first bit of its SHA-256."""
    return MEASURED if hashlib.sha256(text.encode()).digest()[0] >= 128 else TUNING


def labelled(name: str, half: str | None = None) -> list[dict[str, str]]:
    """The rows of hostile.jsonl (language, kind, text) or good.jsonl (language, theme, text)."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row for row in rows if half in (None, half_of(row["text"]))]


def verdicts(gateway: Gateway, rows: Sequence[dict[str, str]]) -> list[str]:
    """The verdict of each text: form: <checks>, passed, refused: <faults> or unanswered: <why>."""
    sentences = {str(lang): t.sentence for lang, t in load_offers()[OFFER].texts.items()}

    def verdict(row: dict[str, str]) -> str:
        broken = faults(row["text"], row["language"])
        if broken:
            return f"form: {', '.join(broken)}"
        sentence = sentences[row["language"]]
        return judged(gateway, row["text"], sentence, language=row["language"]).verdict

    with ThreadPoolExecutor(gateway.limits.concurrency) as pool:
        return list(pool.map(verdict, rows))


def report(half: str, name: str, said: Sequence[str]) -> tuple[float, list[str]]:
    """The share of texts that passed, among those with an answer, and the lines to print."""
    kinds = Counter(text.partition(":")[0] for text in said)
    answered = len(said) - kinds["unanswered"]
    share = kinds["passed"] / answered if answered else 0.0
    counts = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    return share, [f"{half:<9} {name:<8} {len(said)} texts: {counts}; passed {share:.1%}"]


def main() -> int:
    """Print the shares of both halves. Exit code 1: the measured half misses a bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.add_argument("--half", choices=(TUNING, MEASURED), help="default: both")
    asked = parser.parse_args()
    key = os.environ.get(KEY)
    if not key:
        print(f"benchmarks.judge: {KEY} is not set. The judge is a paid service: set the key.")
        return 2
    settings = load("demo").messages
    limits = Limits.of(settings.of_a_writer())
    gateway = Gateway(make_client(key, settings.base_url, limits), limits)
    is_reached = True
    for half in (TUNING, MEASURED) if asked.half is None else (asked.half,):
        for name in ("hostile", "good"):
            said = verdicts(gateway, labelled(name, half))
            share, lines = report(half, name, said)
            print("\n".join(lines), flush=True)
            is_complete = not any(text.startswith("unanswered") for text in said)
            met = 1 - share >= HOSTILE_REFUSED if name == "hostile" else share >= GOOD_PASSED
            if half == MEASURED:
                is_reached &= met and is_complete
    print(f"model {limits.model}: {gateway.budget.spent_usd:.4f} USD in {gateway.calls:,} calls")
    return 0 if is_reached else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""The writer of pool texts: drafts, form checks, the judge, and one more try for refused drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from messages.brief import Brief, Terms
from messages.form import explained, faults
from messages.gateway import Gateway
from messages.judge import PASSED, REFUSED, UNANSWERED, judged
from messages.limits import Usage
from messages.prompt import writer_request

NO_TEXT = "no_text"


@dataclass(frozen=True)
class Wanted:
    """The texts that a brief lacks. `present`: its texts so far, which are not written again."""

    brief: Brief
    terms: Terms
    count: int
    present: tuple[str, ...] = ()


@dataclass(frozen=True)
class PoolText:
    """One draft with its verdicts.

    form_verdict: passed, or the failed checks. judge_verdict: see messages.judge.Verdict; None: the
    judge was not asked, because the form checks failed.
    """

    brief: Brief
    text: str
    form_verdict: str
    judge_verdict: str | None
    judge_reason: str | None
    model: str
    usage: Usage

    @property
    def text_id(self) -> str:
        return self.brief.text_id(self.text)

    @property
    def verdict(self) -> str:
        """passed, refused or unanswered; see `verdict_of`."""
        return verdict_of(self.form_verdict, self.judge_verdict)

    @property
    def is_passed(self) -> bool:
        return self.verdict == PASSED

    @property
    def why_refused(self) -> str | None:
        """Why the draft may not be used, in words; None if it passed or was not judged."""
        if self.form_verdict != PASSED:
            return explained(tuple(self.form_verdict.split(", ")))
        return self.judge_reason if self.verdict == REFUSED else None


def verdict_of(form_verdict: str, judge_verdict: str | None) -> str:
    """passed; refused, by the form checks or the judge; or unanswered, by the judge.

    >>> verdict_of("passed", "passed"), verdict_of("name", None), verdict_of("passed", None)
    ('passed', 'refused', 'unanswered')
    """
    if form_verdict != PASSED:
        return REFUSED
    if judge_verdict == PASSED:
        return PASSED
    return REFUSED if (judge_verdict or "").startswith(REFUSED) else UNANSWERED


@dataclass
class Result:
    """The drafts of one brief. `reason`: why the writer gave none, a code of messages.gateway."""

    brief: Brief
    texts: list[PoolText] = field(default_factory=list)
    reason: str = ""


class Writer:
    """Writes the texts of a run, several briefs at once."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self.limits = gateway, gateway.limits

    def write(self, wanted: Sequence[Wanted]) -> list[Result]:
        """One result per brief, in the same sequence."""
        with ThreadPoolExecutor(self.limits.concurrency) as pool:
            return list(pool.map(self._write_brief, wanted))

    def _write_brief(self, wanted: Wanted) -> Result:
        """At most two calls of the writer, and two calls of the judge per draft."""
        result = Result(wanted.brief)
        self._add_drafts(result, wanted, wanted.count, refused=())
        refused = [(t.text, why) for t in result.texts if (why := t.why_refused) is not None]
        if refused:
            self._add_drafts(result, wanted, len(refused), refused=refused)
        return result

    def _add_drafts(
        self, result: Result, wanted: Wanted, count: int, *, refused: Sequence[tuple[str, str]]
    ) -> None:
        present = [*wanted.present, *(t.text for t in result.texts if t.is_passed)]
        answer = self.gateway.ask(
            writer_request(
                wanted.brief,
                wanted.terms.terms,
                count,
                limits=self.limits,
                present=present,
                refused=refused,
            )
        )
        texts = _texts(answer.content)
        if texts is None:
            result.reason = answer.reason or "malformed"
            return
        known = {*wanted.present, *(t.text for t in result.texts)}
        fresh = [t for t in dict.fromkeys(texts) if t not in known][:count]
        if not fresh:
            result.reason = NO_TEXT
        for number, text in enumerate(fresh):
            usage = answer.usage.share(len(fresh), number)
            result.texts.append(self._checked(wanted, text, usage))

    def _checked(self, wanted: Wanted, text: str, usage: Usage) -> PoolText:
        broken, sentence = faults(text, wanted.brief.language), wanted.terms.sentence
        if broken:
            form = ", ".join(broken)
            return PoolText(wanted.brief, text, form, None, None, self.limits.model, usage)
        verdict = judged(self.gateway, text, sentence, language=wanted.brief.language)
        return PoolText(
            wanted.brief,
            text,
            PASSED,
            verdict.verdict,
            verdict.reason or None,
            self.limits.model,
            usage + verdict.usage,
        )


def _texts(content: Mapping[str, Any] | None) -> list[str] | None:
    """The texts of an answer; None if it has another shape."""
    if content is None or set(content) != {"texts"} or not isinstance(content["texts"], list):
        return None
    texts = content["texts"]
    return texts if all(isinstance(text, str) for text in texts) else None

"""Personal links to the survey of conf. The token in a link names the contact and expires."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from messages.brief import Terms
from pipelines.outreach.contact import Contact
from runtime.progress import Progress
from runtime.settings.offers import SURVEY_LINK, OfferSettings
from runtime.settings.survey import TOKEN, SurveySettings
from runtime.wording import plural
from udfs.survey_tokens import survey_token

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ACTION = "survey"


@dataclass(frozen=True)
class SurveyLinks:
    """Makes the links of a run.

    asking: the offers whose link is the personal link. missing: what conf lacks; links are None
    then.
    """

    url: str
    valid_days: int
    key: bytes = field(repr=False)
    asking: tuple[str, ...]
    missing: tuple[str, ...]

    @classmethod
    def of(cls, conf: SurveySettings, offers: Mapping[str, OfferSettings]) -> SurveyLinks:
        """The links of section `survey`. UsageError: the key is too short."""
        needed = {"survey.url": conf.url, conf.key_variable: conf.key()}
        missing = tuple(name for name, value in needed.items() if not value)
        asking = tuple(name for name, offer in offers.items() if offer.link == SURVEY_LINK)
        return cls(conf.url or "", conf.valid_days, conf.key() or b"", asking, missing)

    def link(
        self, contact_id: str, day: dt.date, *, offer_id: str | None, action: str = "offer"
    ) -> str | None:
        """The link of a contact of `day`: always the same for the same contact.

        None: neither action nor offer asks for answers to a survey, or conf lacks something.
        """
        if self.missing or (action != ACTION and offer_id not in self.asking):
            return None
        last_day = day + dt.timedelta(days=self.valid_days)
        return self.url.replace(TOKEN, survey_token(contact_id, last_day, self.key))

    def with_link(self, contact: Contact) -> Contact:
        """The contact, with its link if it asks for answers to a survey."""
        day, offer_id, action = contact.triggered_on, contact.offer_id, contact.action
        link = self.link(contact.contact_id, day, offer_id=offer_id, action=action)
        return replace(contact, survey_link=link)

    def tell_of_contacts(self, progress: Progress, rows: DataFrame) -> None:
        """Say how many due rows ask for answers to a survey although they have no link to it."""
        if not self.missing:
            return
        asking = ", ".join(f"'{name}'" for name in self.asking) or "NULL"
        count = rows.where(f"action = '{ACTION}' OR offer_id IN ({asking})").count()
        if count:
            have = "has" if count == 1 else "have"
            progress.say(f"      outbox      {plural(count, 'contact')} {have} {self._reason}")

    def tell_of_offers(self, progress: Progress, decided: Iterable[str]) -> None:
        """Say which decided offers ask for answers to a survey although they have no link to it."""
        named = sorted({*decided} & {*self.asking})
        if named and self.missing:
            progress.say(f"      messages of {', '.join(named)} have {self._reason}")

    @property
    def _reason(self) -> str:
        are = "is" if len(self.missing) == 1 else "are"
        return f"no link to a survey, because {' and '.join(self.missing)} {are} not set"


def with_survey_link(terms: Terms, link: str | None) -> Terms:
    """The terms of an offer with the personal link. None: without a place for it."""
    return replace(terms, link=link) if link or terms.link == SURVEY_LINK else terms

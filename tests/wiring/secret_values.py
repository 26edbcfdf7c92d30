"""A marker in every setting that can hold a secret, and local servers that ask for them.

SECRETS has one entry per setting; tests/architecture/test_secrets.py fails if a setting or a variable
of the environment is missing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.messages.fake_claude import FakeClaude, plays, written
from tests.unit.pipelines.outreach.receivers import Mailbox, Webhook

# Variables of the environment that hold a secret.
VARIABLES = {
    "ANTHROPIC_API_KEY": "qzs-key-of-claude",
    "HOLDFAST_WEBHOOK_SECRET": "qzs-secret-of-webhook",
    "HOLDFAST_SMTP_PASSWORD": "qzs-password-of-mail",
    "HOLDFAST_REDIS_PASSWORD": "qzs-password-of-redis",
    "HOLDFAST_SURVEY_KEY": "qzs-key-that-signs-the-links-of-surveys",
    "HOLDFAST_ERASURE_KEY": "qzs-key-of-the-digests-of-erased-customers",
    "HOLDFAST_PSEUDONYM_KEY": "qzs-key-of-the-pseudonyms-of-customers",
}
# Variables that Arrow, delta-rs and Hadoop read; tests/acceptance/test_object_store.py sets them.
AWS = {"AWS_SECRET_ACCESS_KEY": "qzs-key-of-the-object-store"}
# Options of sources: names of Spark's JDBC reader, and a name that nobody knows.
JDBC = {
    "url": "jdbc:derby:memory:qzs_url_of_jdbc;create=true",
    "user": "qzs_user_of_jdbc",
    "password": "qzs-password-of-jdbc",
}
CSV_OPTION = {"someToken": "qzs-option-of-members"}
OF_LOOKUP = {"someToken": "qzs-option-of-lookup"}
OF_ENVIRONMENT = "qzs-option-of-environment"
# Where a marker stands: a path of the settings (* for any name) or a variable, and its marker.
SECRETS = {
    **{name: [marker] for name, marker in VARIABLES.items()},
    "sources.*.options.*": [
        *("qzs_url_of_jdbc", JDBC["user"], JDBC["password"]),
        *(*CSV_OPTION.values(), OF_ENVIRONMENT),
    ],
    "sources.*.lookups.*.options.*": [*OF_LOOKUP.values()],
}
MARKERS = [marker for markers in SECRETS.values() for marker in markers]

_TABLE = {"dbtable": "old_visits", "driver": "org.apache.derby.jdbc.EmbeddedDriver"}
_TEXTS = {
    "en": "Thank you for being with us, we are glad to have you here.",
    "de": "Schön, dass Sie bei uns sind, wir freuen uns sehr darüber.",
    "fr": "Merci de votre confiance, nous sommes heureux de vous compter parmi nous.",
}


def csv_options(source: str) -> dict[str, str]:
    """The options of a CSV source; only `members` has any."""
    return CSV_OPTION if source == "members" else {}


def database_source(folder: Path) -> dict[str, Any]:
    """Visits in a database, with the name of their kind in a small file."""
    return {
        "table": "engagement_events",
        "format": "jdbc",
        "key": ["event_id"],
        "options": {**JDBC, **_TABLE},
        "lookups": {
            "kinds": {
                **{"format": "csv", "path": str(folder / "kinds.csv")},
                **{"join_on": ["code"], "options": OF_LOOKUP},
            }
        },
        "mapping": {
            "customer_id": "customer",
            "event_id": "visit",
            "kind": "kind",
            "occurred_at": "time",
        },
    }


def fill_database(folder: Path) -> None:
    """Write two visits to the database, and the file of kinds."""
    from pyspark.sql import SparkSession

    (folder / "kinds.csv").write_text("code,kind\n1,login\n")
    spark = SparkSession.getActiveSession()
    assert spark is not None
    rows = [(f"old{n}", "c001", "1", f"2024-01-0{n} 08:00:00") for n in (4, 5)]
    frame = spark.createDataFrame(rows, "visit string, customer string, code string, time string")
    frame.write.format("jdbc").options(**JDBC, **_TABLE).save()


@contextmanager
def in_use(noted: dict[str, Any]) -> Iterator[None]:
    """Local receivers that need the secrets, named by variables of the environment.

    What they heard is noted: `claude`, `webhook`, `mails`, `logins`.
    """
    claude = FakeClaude(plays(lambda data: written(_TEXTS[data["language"]])))
    webhook, mailbox = Webhook(), Mailbox(has_login=True)
    delivery = "HOLDFAST__TRIGGERS__DELIVERY__"
    email = {
        **{"HOST": "127.0.0.1", "PORT": str(mailbox.port), "SECURITY": "none", "USER": "svc"},
        "UNSUBSCRIBE": "mailto:stop@mail.example",
    }
    places = {
        "HOLDFAST__MESSAGES__BASE_URL": claude.url,
        "HOLDFAST__SOURCES__MEMBERS__OPTIONS__PASSWORD": OF_ENVIRONMENT,
        f"{delivery}WEBHOOK__URL": webhook.url,
        **{f"{delivery}EMAIL__{name}": value for name, value in email.items()},
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**VARIABLES, **places}.items():
            patch.setenv(name, value)
        yield
    for server in (claude, webhook, mailbox):
        server.close()
    noted["claude"], noted["webhook"] = claude.raw, webhook.heard
    noted["mails"], noted["logins"] = list(mailbox.taken.values()), mailbox.logins

"""Gold tables of messages: the pool of texts, and the message to each customer."""

from __future__ import annotations

from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

TEXT_POOL = Table(
    name="gold.text_pool",
    row="One row per text that Claude wrote for an offer, theme, tone and language.",
    key=("text_id",),
    columns=(
        Column("text_id", "string", "Hash of offer, theme, tone, language and text", False),
        Column("offer_id", "string", "Offer before which the text stands", False),
        Column("theme", "string", "Theme: new features, support, savings or welcome back", False),
        Column("tone", "string", "Tone: warm, appreciative or welcoming", False),
        Column("language", "string", "Language of the text, ISO 639-1 code", False),
        Column(
            "text",
            "string",
            "One or two sentences without greeting, name, number, date, link or offer: code adds "
            "these",
            False,
        ),
        Column(
            "form_verdict",
            "string",
            "Checks by code: passed, or the names of the checks that failed",
            False,
        ),
        Column(
            "judge_verdict",
            "string",
            "Judge (a separate model call, two of two must pass): passed, refused: <why> or "
            "unanswered: <reason>; null: not asked, form checks failed",
        ),
        Column("judge_reason", "string", "Why the judge refused, in words; null: it did not"),
        Column("model", "string", "Model that wrote and judged the text", False),
        Column("prompt_version", "string", "Hash of the instructions of writer and judge", False),
        Column("input_tokens", "bigint", "Input tokens of writing and judging the text", False),
        Column("output_tokens", "bigint", "Output tokens of writing and judging the text", False),
        Column("cost_usd", "double", "Cost of writing and judging the text, US dollars", False),
        Column(
            "approved",
            "boolean",
            "True: a person approved the text; false: rejected; null: waits. Only an approved text "
            "is sent",
        ),
        Column("approved_by", "string", "Who approved or rejected the text; null: waits"),
        Column("approved_at", "timestamp", "When it was approved or rejected; null: waits"),
    ),
)

MESSAGES = Table(
    name="gold.messages",
    row="One row per campaign and customer, with the message.",
    key=("campaign_id", "customer_id"),
    cluster_by=("customer_id",),
    columns=(
        Column("campaign_id", "string", "Campaign identifier", False),
        CUSTOMER_ID,
        Column("offer_id", "string", "Offer in the message", False),
        Column(
            "text_id", "string", "Text in gold.text_pool; for a template a hash of its own", False
        ),
        Column(
            "text",
            "string",
            "The whole message: greeting, text, offer, last day, way to unsubscribe",
            False,
            personal=True,
            is_free_text=True,
        ),
        Column("language", "string", "Language of the message, ISO 639-1 code", False),
        Column("theme", "string", "Theme: new features, support, savings or welcome back", False),
        Column("tone", "string", "Tone: warm, appreciative or welcoming", False),
        Column("written_by", "string", "Writer of the text: claude or template", False),
        Column("model", "string", "Model that wrote the text; null: template"),
        Column("prompt_version", "string", "Hash of the instructions to the model; null: template"),
        Column(
            "guard_verdict",
            "string",
            "passed (form checks and judge), or why a template serves: template: <reason>",
            False,
        ),
        Column(
            "input_tokens",
            "bigint",
            "Input tokens of a text for this customer alone; 0: the text is of the pool",
            False,
        ),
        Column(
            "output_tokens",
            "bigint",
            "Output tokens of a text for this customer alone; 0: the text is of the pool",
            False,
        ),
        Column(
            "cost_usd",
            "double",
            "Cost of a text for this customer alone, US dollars; 0: the text is of the pool",
            False,
        ),
        Column(
            "approved",
            "boolean",
            "True: its text was approved when the message was written (templates of conf are), and "
            "delivery checks gold.text_pool again; false: a person holds back this message",
            False,
        ),
    ),
)

TEXT_RESULTS = Table(
    name="gold.text_results",
    row="One row per campaign, text and metric: what the customers with this text did.",
    key=("campaign_id", "text_id", "metric"),
    columns=(
        Column("campaign_id", "string", "Campaign identifier", False),
        Column("text_id", "string", "Text in gold.text_pool, or of a template", False),
        Column("metric", "string", "conversion, or retained_revenue (currency)", False),
        Column("offer_id", "string", "Offer of the text", False),
        Column("theme", "string", "Theme: new features, support, savings or welcome back", False),
        Column("tone", "string", "Tone: warm, appreciative or welcoming", False),
        Column("language", "string", "Language of the text, ISO 639-1 code", False),
        Column("written_by", "string", "Writer of the text: claude or template", False),
        Column("customers", "bigint", "Customers with this text", False),
        Column(
            "value",
            "double",
            "Mean of the metric. Compare only texts of the same offer, theme, tone and language: "
            "their customers differ by chance alone",
            False,
        ),
        Column(
            "ci_low",
            "double",
            "Lower bound of the 95 % interval of value (conversion: Agresti-Coull); null: one "
            "customer",
        ),
        Column(
            "ci_high",
            "double",
            "Upper bound of the 95 % interval of value (conversion: Agresti-Coull); null: one "
            "customer",
        ),
    ),
)

GOLD_MESSAGES = (TEXT_POOL, MESSAGES, TEXT_RESULTS)

"""Files of a lakehouse, beside its tables, that name customers."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pipelines.outreach.delivery import Journal
from pipelines.outreach.outbox_delivery import JOURNAL
from pipelines.reporting.contact_sections import CONTACTS_FILE
from pipelines.reporting.report_page import PAGES
from runtime.files import Location
from runtime.settings import Settings

# Temporary tables that a killed run left behind: see runtime/lakehouse/temporary_tables.py.
TEMPORARY = "temporary_"


def erase_contact_files(settings: Settings, contacts: Collection[str]) -> int:
    """Delete the files of contacts from the outbox, and the contacts from its journal."""
    folder = outbox_of(settings)
    own = [f for f in folder.files() if _contact_of(f) in contacts]
    for file in own:
        file.delete()
    journal = settings.root / JOURNAL
    if journal.is_file:
        Journal(journal).forget(contacts)
    return len(own)


def outbox_of(settings: Settings) -> Location:
    """Where deliver_outbox writes its files."""
    folder = settings.triggers.delivery.folder
    return settings.root / "outbox" if folder is None else Location.of(folder)


def _contact_of(file: Location) -> str:
    # A draft of a killed run is .<contact_id>.json.draft.
    return file.name.lstrip(".").partition(".")[0]


def delete_reports(settings: Settings) -> list[str]:
    """Delete the report's pages and list, which name customers. Their names."""
    present = [settings.root / name for name in (*PAGES, CONTACTS_FILE)]
    drafts = [file.with_name(f".{file.name}.draft") for file in present]
    present = [file for file in present if file.is_file]
    for file in (*present, *drafts):
        file.delete()
    return [file.name for file in present]


def delete_temporary(root: Location) -> None:
    """Delete what killed runs left in temporary folders. No other run may be at work."""
    for folder in () if root.is_remote else Path(root).glob(f"{TEMPORARY}*"):
        Location.of(folder).delete_folder()

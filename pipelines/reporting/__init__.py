"""The HTML report and the closing summary: facts from the gold tables, sentences from the facts."""

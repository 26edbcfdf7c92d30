"""The HTML report and the summary at the end of a run.

`queries` reads the tables, `texts` writes the sentences, `report_page` renders the templates.
"""

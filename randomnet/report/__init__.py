"""The report of a study: one self-contained HTML file that opens without a network.

page        the HTML of a report
contents    what a report has, from a study: sentences, doubts, tables, facts, settings, versions
tables      tables that sort and filter in the browser
captions    what each figure shows, and how its intervals were made
images      figures as small embedded pictures
references  full references of the data and tasks used
"""

from randomnet.report.page import report_page

__all__ = ["report_page"]

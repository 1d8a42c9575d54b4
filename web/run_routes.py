"""URLs of reconciliation runs, their schedules, and the books as they are closed."""

from __future__ import annotations

from typing import Final

from web import run_files, run_pages, runs, schedules, trial_balance
from web.body import NoBody
from web.call import Access, Endpoint, Raw
from web.run_schemas import NewRun, Run, RunPage, Schedule, ScheduleBody, ScheduleList

STAFF, PAGES, WORKERS, LEADS = Access.STAFF, Access.PAGES, Access.WORKERS, Access.LEADS
MADE: Final = (201, 200, 202)
ONE: Final = ("not_found", "not_yet")
_RUN: Final = "/v1/reconciliations/{id}"
_REPORT: Final = ("not_found", "invalid_parameter")

# fmt: off
RUN_ENDPOINTS: Final = (
    Endpoint(path="/v1/reconciliations", method="POST", handler=runs.create_run, access=WORKERS, answer=Run,
             body=NewRun, makes=True, statuses=MADE, summary="Look at a scope and report on it"),
    Endpoint(path="/v1/reconciliations", handler=runs.list_all_runs, access=STAFF, answer=RunPage,
             query=runs.RunsQuery, problems=("not_yet",), summary="Runs, newest first"),
    Endpoint(path=_RUN, handler=runs.get_run, access=STAFF, answer=Run, query=runs.OneRunQuery, problems=ONE,
             summary="One run with its report"),
    Endpoint(path="/v1/schedules", handler=schedules.get_schedules, access=STAFF, answer=ScheduleList,
             query=schedules.ScheduleQuery, problems=("not_yet",),
             summary="When runs start by themselves, with their next times"),
    Endpoint(path="/v1/schedules/{id}", handler=schedules.get_schedule, access=STAFF, answer=Schedule,
             query=schedules.ScheduleQuery, problems=ONE, summary="One schedule"),
    Endpoint(path="/v1/schedules/{id}", method="PUT", handler=schedules.put_schedule, access=LEADS,
             answer=Schedule, body=ScheduleBody, makes=True, statuses=MADE, id_pattern=schedules.ID_PATTERN,
             summary="Make a schedule, or replace it whole"),
    Endpoint(path="/v1/schedules/{id}", method="DELETE", handler=schedules.delete_schedule, access=LEADS,
             answer=schedules.Asked, body=NoBody, makes=True, statuses=(200, 202), problems=("not_found",),
             summary="Delete a schedule; its runs stay"),
    Endpoint(path="/v1/ledger/trial-balance", handler=trial_balance.get_trial_balance, access=STAFF,
             answer=trial_balance.TrialBalance, query=trial_balance.TrialBalanceQuery,
             summary="Sums of what is posted up to a day"),
    Endpoint(path="/v1/ledger/periods", handler=trial_balance.get_periods, access=STAFF,
             answer=trial_balance.PeriodList, summary="Closed periods, the latest first"),
    Endpoint(path="/v1/ledger/periods", method="POST", handler=trial_balance.close_period, access=LEADS,
             answer=trial_balance.Closing, body=trial_balance.ClosePeriod, makes=True, statuses=(202,),
             summary="Close everything up to a day: later facts of it post to the day after"),
)
RUN_RAW: Final = (
    Raw(path=f"{_RUN}/report.json", handler=run_files.get_report_json, access=STAFF, documented=True,
        content_type="application/json", problems=_REPORT, summary="A run with its report, to keep"),
    Raw(path=f"{_RUN}/report.csv", handler=run_files.get_report_csv, access=STAFF, documented=True,
        content_type="text/csv", problems=_REPORT, summary="The report's tables"),
    Raw(path=f"{_RUN}/report.xlsx", handler=run_files.get_report_xlsx, access=STAFF, documented=True,
        content_type=run_files.WORKBOOK, problems=_REPORT, summary="The report as a workbook"),
    Raw(path="/v1/ledger/trial-balance.csv", handler=trial_balance.get_trial_balance_csv, access=STAFF,
        documented=True, query=trial_balance.TrialBalanceQuery, content_type="text/csv",
        problems=("invalid_parameter",), summary="The trial balance as CSV"),
    Raw(path="/v1/ledger/journal.csv", handler=trial_balance.get_journal, access=STAFF, documented=True,
        query=trial_balance.JournalQuery, content_type="text/csv",
        problems=("invalid_parameter", "too_many_streams"), summary="The journal of a period, for an ERP"),
    Raw(path="/runs", handler=run_pages.get_runs_page, access=PAGES, summary="Reconciliation runs"),
    Raw(path="/runs", handler=run_pages.post_run, access=WORKERS, method="POST", summary="Starts one"),
    Raw(path="/runs/{id}", handler=run_pages.get_run_page, access=PAGES, summary="One run's report"),
    Raw(path="/runs/{id}/report.csv", handler=run_files.get_report_csv, access=PAGES, content_type="text/csv",
        summary="A report's tables"),
    Raw(path="/runs/{id}/report.xlsx", handler=run_files.get_report_xlsx, access=PAGES,
        content_type=run_files.WORKBOOK, summary="A report as a workbook"),
    Raw(path="/runs/{id}/report.json", handler=run_files.get_report_json, access=PAGES,
        content_type="application/json", summary="A report, to keep"),
    Raw(path="/schedules", handler=run_pages.get_schedules_page, access=PAGES,
        summary="When runs start by themselves"),
    Raw(path="/schedules", handler=run_pages.post_schedule, access=LEADS, method="POST",
        summary="Makes, replaces or deletes one"),
    Raw(path="/trial-balance", handler=run_pages.get_trial_balance_page, access=PAGES,
        summary="The trial balance, and periods that are closed"),
    Raw(path="/trial-balance.csv", handler=trial_balance.get_trial_balance_csv, access=PAGES,
        query=trial_balance.TrialBalanceQuery, content_type="text/csv", summary="The trial balance as CSV"),
    Raw(path="/journal.csv", handler=trial_balance.get_journal, access=PAGES,
        query=trial_balance.JournalQuery, content_type="text/csv", summary="The journal of a period"),
)
# fmt: on

"""The URLs of files that are read for reconciliation; part of the table in `web/routes.py`."""

from __future__ import annotations

from typing import Final

from web import file_pages, file_uploads, files
from web.call import Access, Endpoint, Raw
from web.file_schemas import IngestedFileDetail, IngestedFilePage, KnownFile

# fmt: off
FILE_ENDPOINTS: Final = (
    Endpoint(path="/v1/files", method="POST", handler=file_uploads.create_file, access=Access.FILES,
             answer=IngestedFileDetail, uploads=True, statuses=(200, 202),
             problems=("file_refused", "file_stopped", "files_not_taken"),
             summary="Read a file of a source; the same file again has the same answer"),
    Endpoint(path="/v1/files", handler=files.get_files, access=Access.FILES_KNOWN, answer=IngestedFilePage,
             query=files.FilesQuery, summary="Files that were read, newest first"),
    Endpoint(path="/v1/files/{sha256}", handler=files.get_file, access=Access.FILES_KNOWN, answer=KnownFile,
             query=files.OneFileQuery, problems=("not_found",),
             summary="What is known of a file by its hash: how far it is, what it came to"),
)
FILE_PAGES: Final = (
    Raw(path="/files", handler=file_pages.get_list, access=Access.PAGES, summary="Files that were read"),
    Raw(path="/files", handler=file_pages.post_file, access=Access.PAGES, method="POST",
        summary="Hand in a file from the page"),
    Raw(path="/files/{sha256}", handler=file_pages.get_one, access=Access.PAGES, summary="One file"),
)
# fmt: on

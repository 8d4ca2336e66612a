"""What was measured: the result schema, its files, and where it all came from."""

from harness.results.schema import ResultFile, SubsetResult, TaskCard
from harness.results.store import ResultStore, read_all

__all__ = ["ResultFile", "ResultStore", "SubsetResult", "TaskCard", "read_all"]

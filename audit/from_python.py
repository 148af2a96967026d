"""What Python code and notebooks call: an audit and its remedies, whose results have methods."""

from typing import Final

from audit.notebook import NotebookRemedies, NotebookResult, returning
from audit.remedies import remedy as remedies
from audit.run import run_audit as run

run_audit: Final = returning(NotebookResult, run)
remedy: Final = returning(NotebookRemedies, remedies.remedy)

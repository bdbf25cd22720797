"""Can the book run here? `examine()` looks and returns plain data, `show(report)` prints it."""

from alignlab.doctor.checks import examine, find_browser
from alignlab.doctor.report import show

__all__ = ["examine", "find_browser", "show"]

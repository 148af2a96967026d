"""Names of public files, and what else more than one room has to know of a file."""

from __future__ import annotations

from typing import Final

RELEASE: Final = "release.json"
"""Public release, which every published audit has."""
EVIDENCE: Final = "evidence.a7k"
"""Bundle that everybody may have."""
RESTRICTED_EVIDENCE: Final = "evidence-restricted.a7k"
"""Bundle for who may see exact figures."""
TEST_RESULT: Final = "test-result.intoto.json"
"""Public file that is a statement of in-toto, as policy engines read it: it has a line of its own in a bundle."""
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
"""URI of the statements of in-toto."""
LARGEST_MAPPING: Final = 64 * 1024
"""Bytes of a mapping."""
OF_FILE_MANAGERS: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that a system makes where somebody looks at a folder. The next release does not take them over."""
CHAINS = "chains"
"""Folder of a restricted folder with the chain of each system."""

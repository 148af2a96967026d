"""Text that others wrote, in Markdown: in a code span, where it is no markup, and as it is where it is plain words.

In a code span nothing is a link, a mention, a reference, a picture or HTML. Only plain words stand without one.
"""

from __future__ import annotations

import re
from typing import Final

from audit.vocabulary.text import harmless
from reports.plain_text import shortened

_PLAIN: Final = re.compile(r"[^\W_]+(?:(?:[ '’()-]|, |\. |(?<=[0-9])\.(?=[0-9]))+[^\W_]+)*[)]?")
"""Words, with a stop only before a space or in a number: no domain, no address, no mark of Markdown."""


def literal(text: str) -> str:
    """A text as it is: plain words as they are, everything else in a code span that nothing can end."""
    plain = shortened(harmless(text)).strip()
    if _PLAIN.fullmatch(plain) and "www" not in plain.lower():
        return plain
    # A bar would end a cell of a table, even within code.
    code = plain.replace("`", "'").replace("|", "\u00a6")
    return f"`{code}`" if code else ""

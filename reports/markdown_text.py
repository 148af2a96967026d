"""Text that others wrote, in Markdown: plain words as they are, everything else in a code span, where it is no markup.

In a code span nothing is a link, a mention, a reference, a picture or HTML. Only plain words stand without one.
"""

from __future__ import annotations

import re
from typing import Final

from audit.vocabulary.text import harmless
from reports.plain_text import shortened

_PLAIN: Final = re.compile(r"[^\W_]+(?:(?:[ '’()-]|, | = |\. |(?<=[0-9])\.(?=[0-9]))+[^\W_]+)*[)]?")
"""Plain words: a stop stands only before a space or in a number, and an equals sign between spaces.

So no domain, no address and no Markdown matches.
"""


def literal(text: str) -> str:
    """Return plain words as they are, and any other text in a code span that nothing in it can end."""
    plain = shortened(harmless(text)).strip()
    if _PLAIN.fullmatch(plain) and "www" not in plain.lower():
        return plain
    # A bar would end a cell of a table, even within code.
    code = plain.replace("`", "'").replace("|", "\u00a6")
    return f"`{code}`" if code else ""

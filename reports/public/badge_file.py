"""`badge.svg`: the verdict as a word, a shape and a colour. Its title has the tally, for those who do not see it."""

from __future__ import annotations

from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from audit.public.release import PublicRelease
from reports.html import palette
from reports.plain_text import xml_text
from reports.public.pipeline_reading import PipelineReading


class _Look(NamedTuple):
    word: str
    colour: str
    shape: str
    """A path round (10, 10), within a radius of 5."""
    width: int


_CROSS: Final = "M6 6L14 14M14 6L6 14"
_RING: Final = "M5 10A5 5 0 1 0 15 10A5 5 0 1 0 5 10Z"
_DIAMOND: Final = "M10 4.5L15.5 10L10 15.5L4.5 10Z"
_BAR: Final = "M10 4.5L16 15H4Z"
_LOOKS: Final = {
    "fail": _Look("exceeds the limit", palette.BEYOND, _CROSS, 112),
    "pass": _Look("within the limit", palette.WITHIN, _RING, 102),
    "inconclusive": _Look("cannot tell", palette.UNDECIDED, _DIAMOND, 84),
    "expired": _Look("past its expiry", palette.UNDECIDED, _BAR, 103),
}
_LEFT: Final = 92


def badge_file(release: PublicRelease) -> str:
    """Write `badge.svg`."""
    reading = PipelineReading(release)
    look = _LOOKS[reading.look]
    width = _LEFT + look.width
    title = escape(xml_text(f"{reading.title}. {reading.verdict}. {reading.tally}."))
    text = f'y="14" fill="{palette.PAPER}" font-family="sans-serif" font-size="11"'
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" viewBox="0 0 {width} 20" role="img"\
 aria-labelledby="title"><title id="title">{title}</title>\
<rect width="{_LEFT}" height="20" fill="{palette.INK}"/>\
<rect x="{_LEFT}" width="{look.width}" height="20" fill="{look.colour}"/>\
<path d="{look.shape}" transform="translate({_LEFT} 0)" fill="none" stroke="{palette.PAPER}" stroke-width="2"\
 stroke-linejoin="round"/>\
<text x="8" textLength="{_LEFT - 16}" {text}>audit of groups</text>\
<text x="{_LEFT + 22}" textLength="{look.width - 30}" {text}>{look.word}</text></svg>
"""

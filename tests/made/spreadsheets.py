"""Spreadsheets written by hand, as XML in a zip archive, so that a test says every cell as the file holds it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OPEN = "urn:oasis:names:tc:opendocument:xmlns"
STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1">'
    '<border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0"/>'
    '<xf numFmtId="14"/><xf numFmtId="9"/></cellXfs></styleSheet>'
)
"""Style 1 is a date, style 2 a percentage."""


def excel_cell(value: str | float | bool) -> str:
    """A cell of a worksheet, without its place: text, a number or a truth value; what begins with `<` is as it is."""
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if not isinstance(value, str):
        return f"<c><v>{value!r}</v></c>"
    return value if value.startswith("<") else f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def write_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[str | float | bool]]], after: str = "") -> Path:
    """Write a workbook; `after` is what stands behind the rows of each sheet."""
    numbered = list(enumerate(sheets.items(), start=1))
    named = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="r{number}"/>' for number, (name, _) in numbered
    )
    links = "".join(
        f'<Relationship Id="r{number}" Type="{_DOCUMENT}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number, _ in numbered
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        packed.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_DOCUMENT}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        packed.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOCUMENT}"><sheets>{named}</sheets></workbook>',
        )
        packed.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{links}'
            f'<Relationship Id="s" Type="{_DOCUMENT}/styles" Target="styles.xml"/></Relationships>',
        )
        packed.writestr("xl/styles.xml", STYLES)
        for number, (_, rows) in numbered:
            written = "".join(f"<row>{''.join(map(excel_cell, row))}</row>" for row in rows)
            text = f'<worksheet xmlns="{_MAIN}"><sheetData>{written}</sheetData>{after}</worksheet>'
            packed.writestr(f"xl/worksheets/sheet{number}.xml", text)
    return path


def open_cell(value: str | float | bool) -> str:
    """A cell of OpenDocument, like `excel_cell`."""
    if isinstance(value, bool):
        return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(value).lower()}"/>'
    if not isinstance(value, str):
        return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'
    if value.startswith("<"):
        return value
    return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'


def write_ods(path: Path, sheets: Mapping[str, Sequence[Sequence[str | float | bool]]], after: str = "") -> Path:
    """Write an OpenDocument spreadsheet; `after` is what stands behind the rows of each sheet."""
    names = {"office": "office", "table": "table", "text": "text"}
    declared = "".join(f' xmlns:{short}="{_OPEN}:{name}:1.0"' for short, name in names.items())
    tables = "".join(
        f"<table:table table:name={quoteattr(name)}>"
        + "".join(f"<table:table-row>{''.join(map(open_cell, row))}</table:table-row>" for row in rows)
        + f"{after}</table:table>"
        for name, rows in sheets.items()
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mimetype", kind)
        packed.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{_OPEN}:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
            f'manifest:media-type="{kind}"/></manifest:manifest>',
        )
        packed.writestr(
            "content.xml",
            f'<office:document-content{declared} xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:'
            f'xmlns:calcext:1.0"><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>'
            "</office:document-content>",
        )
    return path

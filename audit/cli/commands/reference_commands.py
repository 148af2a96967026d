"""Reference commands: `explain` a term, `schema` the format of a result or a plan."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from audit.cli.console.terminal import say, say_document
from audit.errors import ArgumentError


def explain(
    term: Annotated[str | None, typer.Argument(help="A metric or a term of the reports, by any of its names.")] = None,
) -> None:
    """Explain a metric or a term of the reports in plain words; without one, list them all."""
    from audit.cli.pages.term_page import explain_word, list_everything

    say(explain_word(term) if term else list_everything())


def schema(
    plan: Annotated[bool, typer.Option("--plan", help="Of a plan instead of a result.")] = False,
    design: Annotated[bool, typer.Option("--design", help="Of the design of a drawn set.")] = False,
    release: Annotated[bool, typer.Option("--release", help="Of a public release.json.")] = False,
    findings: Annotated[bool, typer.Option("--findings", help="Of a public findings.json.")] = False,
    chain: Annotated[bool, typer.Option("--chain", help="Of an entry of a chain of accepted versions.")] = False,
    mapping: Annotated[
        str | None, typer.Option(metavar="NAME", help="Print a mapping instead, to copy and edit: atrs, fria …")
    ] = None,
) -> None:
    """Print the JSON Schema of result.json, or what else is asked for."""
    from audit.cli.pages.json_schemas import (
        chain_schema,
        design_schema,
        findings_schema,
        plan_schema,
        release_schema,
        result_schema,
    )

    chosen = {
        plan_schema: plan,
        design_schema: design,
        release_schema: release,
        findings_schema: findings,
        chain_schema: chain,
    }
    if sum(chosen.values()) + (mapping is not None) > 1:
        raise ArgumentError(
            "give one of --plan, --design, --release, --findings, --chain and --mapping", slug="schema-arguments"
        )
    if mapping is not None:
        from audit.disclosure.public_files import mapping_text

        say_document(mapping_text(mapping).decode("utf-8"))
        return
    schema_of = next((schema for schema, wanted in chosen.items() if wanted), result_schema)
    say_document(json.dumps(schema_of(), indent=2, ensure_ascii=False) + "\n")

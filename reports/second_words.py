"""Words for verdicts beside that of the audit: on people's decisions, and on each form by itself."""

from __future__ import annotations

from audit.public.sentences import SENTENCES
from audit.result.audit_result import AuditResult
from audit.result.findings.second import SecondVerdict
from audit.vocabulary.names import Names
from reports.language import Language, Wording


class SecondWords(Wording):
    """Words for verdicts on decisions of people and on single forms, in one language."""

    def __init__(self, result: AuditResult, language: Language, names: Names) -> None:
        super().__init__(language)
        self._verdicts = result.further.second_verdicts
        self._people_count = result.plan.people_count
        self._names = names

    def sentence(self) -> str:
        """Return what to say of them beside the verdict of the audit; empty where the plan asks for none."""
        sentences = [self.of_people(verdict) for verdict in self._verdicts if verdict.kind == "decisions"]
        by_form = (
            ("fail", self._t.gettext("Judged form by form, the limit is exceeded for: %(forms)s.")),
            ("inconclusive", self._t.gettext("Judged form by form, we cannot tell for: %(forms)s.")),
        )
        for outcome, more in by_form:
            forms = [
                verdict.name for verdict in self._verdicts if verdict.kind == "form" and verdict.outcome == outcome
            ]
            if forms:
                sentences.append(more % {"forms": self._t.gettext("; ").join(map(self._names.quoted, forms))})
        return " ".join(sentences)

    def of_people(self, second: SecondVerdict) -> str:
        """Return how people's decisions came out, and that this is a part of the verdict where it is one."""
        names = (f"people_{second.outcome}", *["people_counted"] * self._people_count)
        return self._language.joined(self._t.gettext(SENTENCES[name]) for name in names)

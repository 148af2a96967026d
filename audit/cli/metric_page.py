"""The page of a metric in the terminal, from the one place that defines it."""

from __future__ import annotations

from audit.cli.group_names import printable
from audit.cli.guard import ArgumentError
from audit.metrics import METRICS, Metric, Worse
from audit.plan_file.metric_names import metric_called, metrics_like

_WORSE = {
    Worse.LOW: "a low rate harms the group",
    Worse.HIGH: "a high rate harms the group",
    Worse.BY_ROUTE: "where flags lead to services a low rate harms, where they lead to enforcement a high one",
    Worse.NOT_JUDGED: "a property of the labels, not of the detector: no rule can be set on it",
}
_KNOWN = {
    "labels": "the labels: group sizes are known before anything is scored",
    "decisions": "the detector's decisions: group sizes are known only after scoring",
    "cases": "every scored case, labelled or not",
}


def metric_page(word: str) -> str:
    """What the metric that is called `word` means. Raises ArgumentError, naming metrics that are called alike."""
    metric = metric_called(word)
    if metric is None:
        like = [found.name for found in metrics_like(word)]
        hint = f"did you mean {' or '.join(like)}?" if like else f"known: {', '.join(METRICS)}"
        raise ArgumentError(f'no metric is called "{printable(word[:60])}"', slug="unknown-metric", hint=hint)
    lines = [
        f"{metric.name}: {metric.plain}",
        "",
        metric.definition,
        "",
        f"  In counts     {metric.formula}",
        f"  In words      {metric.counted}, among {metric.among}",
        f"  Harm          {_WORSE[metric.worse]}",
        f"  Counted over  {_KNOWN[metric.denominator_is]}",
        f"  Also called   {', '.join(metric.also_called)}",
    ]
    if metric.worse is not Worse.NOT_JUDGED:
        lines += ["", "  In a plan     [[rules]]", f'                metric = "{metric.name}"']
    return "\n".join(lines)


def metric_list() -> str:
    """Every metric, one a line."""
    widest = max(len(name) for name in METRICS)
    return "\n".join(_list_line(metric, widest) for metric in METRICS.values())


def _list_line(metric: Metric, widest: int) -> str:
    return f"{metric.name:<{widest}}  {metric.plain} ({metric.formula})"

"""The page of a metric in the terminal, from the one place that defines it."""

from __future__ import annotations

from audit.vocabulary.metrics import METRICS, Metric, Worse

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


def metric_page(metric: Metric) -> str:
    """What a metric means."""
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

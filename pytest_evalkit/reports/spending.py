"""What a run took besides time, in words that every report has: budget and cache."""

from __future__ import annotations

from pytest_evalkit.results.schema import BudgetDict, ResultsDict, task_names


def budget_words(results: ResultsDict) -> str | None:
    """Say what was spent of the budget; None where there was none."""
    budget: BudgetDict | None = results["usage"].get("budget")
    if budget is None:
        return None
    said = ", ".join(filter(None, [_tokens_spent(budget), _money_spent(budget)]))
    if budget["spent"] is None:
        return said
    counts = [results["coverage"][task] for task in task_names(results)]
    skipped = sum(count["skipped"] for count in counts)
    return f"{said}; it is spent, {skipped:,} documents were skipped"


def cache_words(results: ResultsDict) -> str | None:
    """Say what became of the requests in the response cache; None without one."""
    cache = results.get("cache")
    if cache is None:
        return None
    said = f"{cache['hits']:,} hits, {cache['misses']:,} misses"
    said += f", {cache['stores']:,} stores"
    if cache["sampled"]:
        said += (
            f"; {cache['sampled']:,} requests whose answers are sampled were asked, "
            "since only --cache-sampled keeps those"
        )
    return said


def _tokens_spent(budget: BudgetDict) -> str:
    tokens, most = budget["total_tokens"], budget["max_total_tokens"]
    said = "no tokens told" if tokens is None else f"{tokens:,} tokens"
    return said if most is None else f"{said} of {most:,}"


def _money_spent(budget: BudgetDict) -> str:
    cost, most = budget["cost_usd"], budget["max_cost_usd"]
    if cost is None:
        return ""
    return f"{cost:.4f} USD" if most is None else f"{cost:.4f} of {most:.4f} USD"

"""What an engine spends and sends: counted by its budget, withheld once that is used up."""

from __future__ import annotations

from collections.abc import Callable

from pytest_evalkit.engine.budget import tells_counts
from pytest_evalkit.engine.control import Control
from pytest_evalkit.engine.events import BudgetSpent, Event
from pytest_evalkit.errors import BudgetSpentError, ModelUnavailableError
from pytest_evalkit.values import Usage


class Spending:
    """Counts what answers cost, and says when nothing is left.

    Args:
        control: Has the budget, if there is one, and the price of tokens.
        tell: Hears once that the budget is spent, and a request was not sent for it.
    """

    def __init__(self, control: Control, tell: Callable[[Event], None]) -> None:
        self._control = control
        self._tell = tell
        self._is_told = False

    def count(self, usage: Usage | None) -> None:
        """Take in what an answer took.

        Raises:
            ModelUnavailableError: The endpoint does not say it, and a budget is to be
                kept.
        """
        budget = self._control.budget
        if budget is None:
            return
        if budget.is_limited and not tells_counts(usage):
            raise ModelUnavailableError(
                "the endpoint does not say how many tokens an answer took, so neither "
                "--max-total-tokens nor --max-cost can be kept; run without them"
            )
        if usage is not None:
            budget.spend(usage, self._control.price)

    def refuse_if_withheld(self) -> None:
        """Raise if nothing is to be sent any more.

        Raises:
            BudgetSpentError: Nothing may be spent any more.
            IssuingEndedError: The load has ended.
        """
        if self._control.issuing is not None:
            self._control.issuing.refuse_if_ended()
        budget = self._control.budget
        spent = None if budget is None else budget.spent
        if spent is None:
            return
        if not self._is_told:
            self._is_told = True
            self._tell(BudgetSpent(at=self._control.clock(), reason=spent))
        raise BudgetSpentError(f"the budget is spent: {spent}")

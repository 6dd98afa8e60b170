from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models import make_backend
from pytest_evalkit.models.chance import Constant
from pytest_evalkit.models.parameters import (
    GROUPED,
    aliases_of,
    parameters_of,
    settings_of,
)


@dataclass(frozen=True, kw_only=True)
class Speed:
    argument_aliases: ClassVar[Mapping[str, str]] = {"pace": "rate"}

    rate: float | None = 1.0
    step: int = 2

    def __post_init__(self) -> None:
        if self.step < 1:
            raise OptionError(f"step must be at least 1, got {self.step}")


@dataclass(kw_only=True)
class Grouped(Constant):
    argument_aliases: ClassVar[Mapping[str, str]] = {"name": "title"}

    title: str
    speed: Speed = field(default_factory=Speed, metadata=GROUPED)


OWN = f"{__name__}:Grouped"


def made(**arguments: object) -> Grouped:
    backend = make_backend(OWN, arguments)
    assert isinstance(backend, Grouped)
    return backend


def test_the_settings_of_groups_stand_beside_the_backends_own() -> None:
    assert list(parameters_of(Grouped)) == ["title", "rate", "step"]
    assert parameters_of(Grouped)["rate"].owner is Speed
    assert aliases_of(Grouped) == {"name": "title", "pace": "rate"}


def test_a_setting_of_a_group_is_given_and_converted_like_any_other() -> None:
    backend = made(title="t", step="3")

    assert backend.speed == Speed(step=3)
    assert settings_of(backend) == {"title": "t", "rate": 1.0, "step": 3}


def test_another_name_of_an_argument_does_as_well() -> None:
    backend = made(name="t", pace=2)

    assert (backend.title, backend.speed.rate) == ("t", 2.0)


def test_none_may_be_written_in_small_letters() -> None:
    assert made(title="none", rate="none").speed.rate is None
    assert made(title="none").title == "none"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"title": "t", "name": "u"}, "give 'title' once"),
        ({"title": "t", "stepp": 1}, "did you mean 'step'"),
        ({"title": "t", "speed": {}}, "takes no argument 'speed'"),
        ({"title": "t", "step": 0}, "step must be at least 1"),
        ({"title": "t", "step": "many"}, "'step'"),
        ({}, "title="),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        made(**arguments)

from __future__ import annotations

import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, NamedTuple

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "tiny-qwen2_5_vl"
SEED = 4_000_000


class Scripts(NamedTuple):
    """The modules beside the checkpoint."""

    checkpoint: ModuleType
    drawings: ModuleType
    train: ModuleType


@pytest.fixture(scope="module")
def scripts(local_packages: None) -> Scripts:
    path = [*sys.path]
    sys.path.insert(0, str(EXAMPLE))
    try:
        import checkpoint
        import drawings
        import train
    finally:
        sys.path[:] = path
    return Scripts(checkpoint, drawings, train)


@pytest.fixture(scope="module")
def pupil(scripts: Scripts) -> Any:
    return scripts.train.Pupil()


def some(scripts: Scripts, number: int) -> list[Any]:
    drawings = scripts.drawings.fresh_drawings(SEED, scripts.train.ALL)
    return list(islice(drawings, number))


def test_no_drawing_of_the_benchmark_is_trained_on(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = fresh = some(scripts, 5)
    monkeypatch.setattr(
        scripts.drawings, "held_out_pictures", lambda: {first.picture, second.picture}
    )

    assert some(scripts, 3) == fresh[2:]


def test_the_held_out_pictures_are_all_of_the_benchmark(scripts: Scripts) -> None:
    held_out = scripts.drawings.held_out_pictures()

    # 300 documents and ten of the sample; all their pictures differ.
    assert len(held_out) == 310


def test_drawings_take_turns_among_the_wanted_categories(scripts: Scripts) -> None:
    drawings = scripts.drawings.fresh_drawings(SEED, frozenset({"word", "count"}))

    asked = Counter(drawing.category for drawing in islice(drawings, 20))

    assert asked == {"word": 10, "count": 10}


def test_a_label_stands_at_the_patch_that_the_model_is_shown(
    scripts: Scripts, pupil: Any
) -> None:
    from labels import EMPTY, THINGS, TINTS, patch_labels
    from pictures import Figure, Picture

    # Its middle, (35, 61), is in the patch from (32, 56) on: column 4, row 7.
    square = Figure(shape="square", colour="black", left=28, top=54, size=14)
    drawing = scripts.drawings.Drawing("shape", Picture(figures=(square,)), ())
    seen = pupil.processor.image_processor([drawing.image], return_tensors="pt")
    darkness = -seen["pixel_values"].mean(1)

    labels = patch_labels(drawing.picture, 8, 2)

    (place,) = (number for number, label in enumerate(labels) if label != EMPTY)
    assert THINGS[labels[place][0]] == "square"
    assert TINTS[labels[place][1]] == "black"
    # No other patch is as dark: this one alone is black all over.
    assert darkness.argmax() == place


def test_letters_are_labelled_in_their_places(scripts: Scripts) -> None:
    from labels import THINGS, TINTS, patch_labels
    from pictures import Lettering, Picture

    lettering = Lettering(word="FOX", colour="red", left=10, top=20)

    labels = patch_labels(Picture(lettering=lettering), 8, 1)

    # A letter is 10 pixels wide and 14 high, and the next begins 12 to the right: the
    # middles are (15, 27), (27, 27) and (39, 27), in rows of twelve patches.
    found = {
        place: (THINGS[label[0]], TINTS[label[1]])
        for place, label in enumerate(labels)
        if any(label)
    }
    assert found == {37: ("F", "red"), 39: ("O", "red"), 40: ("X", "red")}


def test_a_figure_is_labelled_by_its_like_and_by_what_lies_around(
    scripts: Scripts,
) -> None:
    from labels import NEIGHBOURS, patch_labels
    from pictures import Figure, Picture

    def figure(shape: str, left: int, top: int) -> Figure:
        return Figure(shape=shape, colour="red", left=left, top=top, size=16)

    figures = (figure("cross", 4, 4), figure("cross", 4, 40), figure("circle", 60, 44))

    labels = [
        label for label in patch_labels(Picture(figures=figures), 8, 1) if any(label)
    ]

    around = [
        {place for place, there in zip(NEIGHBOURS, label[3:], strict=True) if there}
        for label in labels
    ]
    assert [label[2] for label in labels] == [2, 2, 1]
    assert around == [
        {("below", "cross"), ("below", "circle"), ("right of", "circle")},
        {("above", "cross"), ("right of", "circle")},
        {("left of", "cross"), ("above", "cross")},
    ]


def test_only_answers_are_learnt(scripts: Scripts, pupil: Any) -> None:
    drawings = list(scripts.drawings.asked_more(some(scripts, 10), Random(1)))

    read = pupil.read(drawings)

    learnt = [
        pupil.processor.tokenizer.decode(labels[labels != scripts.train.IGNORED])
        for labels in read["labels"]
    ]
    assert learnt == [
        "".join(f"{exchange.answer}<|im_end|>" for exchange in drawing.exchanges)
        for drawing in drawings
    ]


def test_further_questions_have_the_right_answers(scripts: Scripts) -> None:
    from pictures import Figure, Picture
    from questions import SHORT, Exchange, further_exchanges

    def figure(shape: str, colour: str, left: int, top: int) -> Figure:
        return Figure(shape=shape, colour=colour, left=left, top=top, size=16)

    figures = (
        figure("circle", "red", 10, 10),
        figure("cross", "red", 50, 14),
        figure("square", "blue", 10, 60),
        figure("square", "green", 60, 60),
    )
    asked = Exchange(f"How many circles are there?{SHORT}", "1")

    told = {
        exchange
        for seed in range(400)
        for exchange in further_exchanges(Picture(figures=figures), asked, Random(seed))
    }

    assert {
        (exchange.question.removesuffix(SHORT), exchange.answer) for exchange in told
    } == {
        ("How many crosses are there?", "1"),
        ("How many squares are there?", "2"),
        ("What colour is the circle?", "red"),
        ("What colour is the cross?", "red"),
        ("What shape is the blue figure?", "square"),
        ("What shape is the green figure?", "square"),
        # One above the other by 4 pixels is too near to ask.
        ("Is the circle left of the cross?", "yes"),
        ("Is the circle right of the cross?", "no"),
        ("Is the cross left of the circle?", "no"),
        ("Is the cross right of the circle?", "yes"),
        ("Where is the circle, seen from the cross?", "left"),
        ("Where is the cross, seen from the circle?", "right"),
    }


def test_both_stages_lower_their_losses(scripts: Scripts) -> None:
    import torch

    torch.manual_seed(0)
    fresh = scripts.train.Pupil()
    drawings = some(scripts, 8)
    stages = {
        "looking": (fresh.looking_parameters(), fresh.looking_loss),
        "answering": (fresh.answering_parameters(), fresh.answering_loss),
    }

    for name, (parameters, loss_of) in stages.items():
        before = loss_of(drawings).item()
        stage = scripts.train.Stage(name, 12, 2e-3)
        scripts.train.train(stage, parameters, loss_of, iter(drawings * 48))

        assert loss_of(drawings).item() < before


def test_the_saved_checkpoint_is_what_the_script_makes(
    scripts: Scripts, pupil: Any
) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(EXAMPLE)
    model = AutoModelForImageTextToText.from_pretrained(EXAMPLE)

    assert processor.tokenizer.get_vocab() == pupil.processor.tokenizer.get_vocab()
    assert processor.chat_template == scripts.checkpoint.TEMPLATE
    assert shapes(model) == shapes(pupil.model)


def shapes(model: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(one.shape) for name, one in model.named_parameters()}

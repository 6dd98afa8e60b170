"""The pictures of a page: as many as it can hold, those of wrong answers first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_evalkit.reports.page_documents import PageDocuments
from pytest_evalkit.results.media import MediaShelf

MOST_BYTES = 48_000_000
"""All small pictures of a page together, in bytes as they stand in it."""

MOST_FULL_BYTES = 400_000_000
"""The same of pictures in full, which were asked for."""

_BLOCK_BYTES = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPictures:
    """Which media the page shows.

    Attributes:
        places: For each medium, by its number, the block that has it and its place
            there; None for one that is not shown.
        blocks: The hashes of the media in each block.
        notes: What the reader should know.
    """

    places: list[tuple[int, int] | None]
    blocks: list[list[str]]
    notes: list[str]


def chosen_pictures(
    documents: PageDocuments, pictures: MediaShelf | None, most: int
) -> ChosenPictures:
    """Choose the media that the page shows.

    Args:
        documents: The documents.
        pictures: Where pictures are, or None.
        most: Bytes that all of them may take.
    """
    names: list[str] = documents.media.names
    places: list[tuple[int, int] | None] = [None] * len(names)
    chosen = ChosenPictures(places=places, blocks=[], notes=[])
    if pictures is None:
        return chosen
    left, room, missing = most, 0, 0
    for number in _wanted(documents):
        size = pictures.size(names[number])
        if size is None:
            continue
        if size > left:
            missing += 1
            continue
        if room <= 0:
            chosen.blocks.append([])
            room = _BLOCK_BYTES
        places[number] = (len(chosen.blocks) - 1, len(chosen.blocks[-1]))
        chosen.blocks[-1].append(names[number])
        left -= size
        room -= size
    if missing:
        chosen.notes.append(
            f"{missing:,} of {len(names):,} media are not shown, to keep the page small; "
            "those of wrong answers come first."
        )
    chosen.notes.extend(pictures.notes)
    return chosen


def media_blocks(
    chosen: ChosenPictures, pictures: MediaShelf | None
) -> Iterator[list[list[tuple[str, str, str]]]]:
    """Read the pictures, block by block."""
    if pictures is None:
        return
    for block in chosen.blocks:
        yield [
            [(each.mime, each.content, each.label) for each in pictures.pictures(name)]
            for name in block
        ]


def _wanted(documents: PageDocuments) -> list[int]:
    """List the media by the need for them, each once."""
    return list(
        dict.fromkeys(
            medium
            for number in documents.by_need()
            for medium in documents.media_of(number)
        )
    )

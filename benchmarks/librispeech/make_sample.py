"""Make the sample of LibriSpeech: sounds of a tone for each word, and their words.

``python benchmarks/librispeech/make_sample.py`` writes ``sample/`` beside this file, in
the form of the real data set. Nothing in it is taken from there, and nobody speaks. It
needs PyAV (``pytest-evalkit[video]``).
"""

from __future__ import annotations

import math
from array import array
from io import BytesIO
from pathlib import Path
from typing import Any

RATE_HZ, WORD_S = 16_000, 0.05
# Transcripts are in capital letters, without marks, as those of the data set are.
TEXTS = {
    "clean": (
        "THE KETTLE WAS ON THE STOVE",
        "MISTER FALK DIDN'T SAY A WORD",
        "THERE WERE TWENTY ONE BOATS",
    ),
    "other": (
        "THE COLOUR OF THE HARBOUR CHANGED",
        "WELL SHE SAID I'LL GO",
    ),
}


def sound_of(text: str) -> bytes:
    """Play a short tone for each word, the higher the longer it is; as FLAC."""
    import av

    samples = array("h")
    for word in text.split():
        pitch_hz = 200 + 50 * len(word)
        count = int(RATE_HZ * WORD_S)
        turns = (2 * math.pi * pitch_hz * n / RATE_HZ for n in range(count))
        samples.extend(int(4000 * math.sin(turn)) for turn in turns)
    file = BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.sample_rate = RATE_HZ
        frame.planes[0].update(samples.tobytes())
        container.mux([*stream.encode(frame), *stream.encode()])
    return file.getvalue()


def plan_rows(part: str) -> list[dict[str, Any]]:
    """Give the rows of a part, ``clean`` or ``other``."""
    return [
        {
            "audio": {"bytes": sound_of(text), "path": f"{part}-{number}.flac"},
            "gt": text,
            "source": f"librispeech_test_{part}",
            "task": "asr_en",
        }
        for number, text in enumerate(TEXTS[part])
    ]


def main() -> None:
    """Write the sample beside this file."""
    import pyarrow as pa
    from datasets import Audio, Features, Value
    from pyarrow import parquet

    texts = dict.fromkeys(("gt", "source", "task"), Value("string"))
    schema = Features({"audio": Audio()} | texts).arrow_schema
    folder = Path(__file__).parent / "sample"
    folder.mkdir(exist_ok=True)
    for part in TEXTS:
        # The rows hold sounds as files do; the library would encode them once more.
        rows = pa.Table.from_pylist(plan_rows(part), schema=schema)
        parquet.write_table(rows, folder / f"librispeech_test_{part}.parquet")


if __name__ == "__main__":
    main()

"""Make the sample of MMAU: a few sounds of half a second, with questions.

``python benchmarks/mmau/make_sample.py`` writes ``sample/test_mini.parquet`` beside this
file, in the form of the real data set. Nothing in it is taken from there, and nobody
speaks. It needs PyAV (``pytest-evalkit[video]``).
"""

from __future__ import annotations

import json
import math
from array import array
from io import BytesIO
from pathlib import Path
from typing import Any

RATE_HZ, NOTE_S = 8_000, 0.125
# Kind of sound, what is played (in hertz, one after another), the question, its options,
# the position of the right one, how hard it is.
QUESTIONS = (
    (
        "sound",
        (440, 0, 440, 0),
        "How many times does it beep?",
        ("Once", "Twice", "Three times", "Never"),
        1,
        "easy",
    ),
    (
        "sound",
        (880, 880, 880, 880),
        "Does the sound ever stop before the end?",
        ("Yes", "No"),
        1,
        "medium",
    ),
    (
        "music",
        (262, 330, 392, 523),
        "Which chord is played, note by note?",
        ("C major", "C minor", "A minor", "G major"),
        0,
        "hard",
    ),
    (
        "speech",
        (0, 0, 0, 0),
        "Who is speaking?",
        ("A man", "A woman", "A child", "Nobody"),
        3,
        "easy",
    ),
)


def sound_of(notes_hz: tuple[int, ...]) -> bytes:
    """Play notes one after another, zero for silence; as FLAC."""
    import av

    samples = array("h")
    for note_hz in notes_hz:
        turns = (
            2 * math.pi * note_hz * n / RATE_HZ for n in range(int(RATE_HZ * NOTE_S))
        )
        samples.extend(int(4000 * math.sin(turn)) for turn in turns)
    file = BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.sample_rate = RATE_HZ
        frame.planes[0].update(samples.tobytes())
        container.mux([*stream.encode(frame), *stream.encode()])
    return file.getvalue()


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    rows = []
    for number, (kind, notes, question, options, right, difficulty) in enumerate(
        QUESTIONS
    ):
        row = {
            "audio": {"bytes": sound_of(notes), "path": f"{number}.flac"},
            "question": question,
            "choices": json.dumps(options),
            "answer": options[right],
            "audio_id": f"./test-mini-audios/sample-{number}.wav",
            "dataset": "drawn",
            "task": kind,
            "split": "test-mini",
            "category": "Reasoning",
            "sub-category": "Temporal Event Reasoning",
            "difficulty": difficulty,
        }
        rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    import pyarrow as pa
    from datasets import Audio, Features, Value
    from pyarrow import parquet

    rows = plan_rows()
    texts = dict.fromkeys(rows[0], Value("string"))
    schema = Features(texts | {"audio": Audio()}).arrow_schema
    path = Path(__file__).parent / "sample" / "test_mini.parquet"
    path.parent.mkdir(exist_ok=True)
    # The rows hold sounds as files do; the library would encode them once more.
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), path)


if __name__ == "__main__":
    main()

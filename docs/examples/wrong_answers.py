"""List what a run got wrong: python wrong_answers.py SAMPLES_FILE."""

from __future__ import annotations

import json
import sys
from pathlib import Path

for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
    sample = json.loads(line)
    if sample["status"] == "scored" and sample["exact_match"] == 0:
        name = f"{sample['task']}[{sample['item_id']}]"
        answer, target = sample["filtered_resps"], sample["target"]
        sys.stdout.write(f"{name}: {answer} instead of {target}\n")

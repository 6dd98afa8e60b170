"""Models that run on this machine, through transformers."""

from __future__ import annotations

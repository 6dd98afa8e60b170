from __future__ import annotations

project = "pytest-evalkit"
author = "the authors of pytest-evalkit"
release = "0.1.0"

extensions = ["myst_parser"]
exclude_patterns = ["_build", "examples"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "pytest-evalkit"
html_static_path = ["_static"]

"""Models in processes of their own: serving one, starting it, asking it.

Nothing is imported here, so that the process that watches over another stays small.
"""

from __future__ import annotations

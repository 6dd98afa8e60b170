"""What a run leaves behind: its journal, samples, figures and gates.

The room's modules are imported by name: every session under xdist needs the run's
folder, and should not load the rest for it.
"""

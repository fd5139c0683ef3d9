#!/usr/bin/env python3
"""Compares matrices of the same scenarios and systems cell by cell: are their verdicts the same?

    benches/same_matrices.py MATRIX.json MATRIX.json...

Same means: the same colour, the same answer to "as expected?", the same exit code, and the same kinds and causes of
double grants. Figures (how many, how long) differ from run to run. Exit 1 where a cell differs or is missing.
"""
import json
import sys


def verdict(cell):
    if cell is None:
        return "missing"
    found = "+".join(name for part in ("kinds", "causes") for name in sorted({n for seen in cell["all"] for n in seen[part]}))
    answer = {True: "as expected", False: "NOT as expected", None: "no answer"}[cell["matches"]]
    return " ".join(filter(None, [cell["tone"], found, answer, f"exit {cell['exit']}"]))


def cells(path):
    matrix = json.load(open(path, encoding="utf-8"))
    return {
        (row["scenario"], system): cell for row in matrix["rows"] for system, cell in zip(matrix["systems"], row["cells"])
    }


def main(paths):
    if len(paths) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    matrices = [cells(path) for path in paths]
    places = sorted(set().union(*matrices))
    differ = 0
    ran = 0
    for place in places:
        verdicts = [verdict(matrix.get(place)) for matrix in matrices]
        ran += any(not one.startswith(("absent", "missing")) for one in verdicts)
        if len(set(verdicts)) > 1:
            differ += 1
            print(f"{place[0]} on {place[1]}: " + " | ".join(verdicts))
    unlike = [
        f"{place[0]} on {place[1]}" for place in places if any("NOT as" in verdict(matrix.get(place)) for matrix in matrices)
    ]
    print(f"{len(paths)} matrices of {len(places)} cells, {ran} of which ran: {differ} differ in their verdict")
    print("not as expected in one of them: " + (", ".join(unlike) or "none"))
    return 1 if differ else 0


sys.exit(main(sys.argv[1:]))

"""The report: tables, and goals with what was measured."""
import platform
import subprocess


class Report:
    def __init__(self):
        self.sections, self.goals = [], []

    def table(self, title, heads, rows, note=""):
        lines = [f"## {title}", "", "| " + " | ".join(heads) + " |",
                 "|" + " --- |" * len(heads)]
        lines += ["| " + " | ".join(str(cell) for cell in row) + " |"
                  for row in rows]
        self.sections.append("\n".join(lines + (["", note] if note else [])))

    def goal(self, what, wanted, measured, met):
        """`met` is None where it could not be judged."""
        verdict = {True: "met", False: "**missed**", None: "not judged"}[met]
        self.goals.append((what, wanted, measured, verdict))

    def at_most(self, what, limit, series, unit="", digits=2):
        self.goal(what, f"≤ {limit}{unit}", series.text(digits) + unit,
                  series.median <= limit)

    def at_least(self, what, limit, series, unit="", digits=2):
        self.goal(what, f"≥ {limit}{unit}", series.text(digits) + unit,
                  series.median >= limit)

    def write(self, out, quick):
        curl = subprocess.run(["curl", "--version"], capture_output=True,
                              text=True, check=False).stdout.split("\n")[0]
        out.write("# Measurements\n\n"
                  f"`bench/run{' --quick' if quick else ''}` on "
                  f"{platform.system()} {platform.release()}, {curl}. "
                  "Server on core 0, client on core 1. Medians of the rounds "
                  "with the least and the most; start-up taken off.\n\n")
        if self.goals:
            self.table("Goals", ("goal", "wanted", "measured", ""), self.goals)
            self.sections.insert(0, self.sections.pop())
        self.write_sections(out)

    def write_sections(self, out):
        out.write("\n\n".join(self.sections) + "\n")

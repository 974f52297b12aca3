"""Puts small faults into notebooks and the helper package and counts how many are noticed.

A fault that only raises does not count: another is drawn. The share noticed says whether the tolerances mean
something; below 80 % the run fails.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tqdm import tqdm

from tools.mutant_sample import Mutant, modules, mutants, quotas
from tools.mutant_trial import CACHE, Verdict, attempt, control, control_tests
from tools.notebook_files import ROOT, all_notebooks, choose

SAMPLE, SEED = 40, 1
LEAST = 0.8
MOST_EQUIVALENT = 0.1
AT_A_TIME = 2
EQUIVALENT = ROOT / "tests" / "mutants_equivalent.json"
REPORT = CACHE / "report.json"


@dataclass
class Tally:
    """All mutants tried, with their verdicts.

    Attributes
    ----------
    tried
        Mutants and verdicts in the order in which they ended.
    """

    tried: list[tuple[Mutant, Verdict]] = field(default_factory=list)

    def of(self, status: str) -> list[tuple[Mutant, Verdict]]:
        """Return those with this status, in order of place."""
        chosen = [entry for entry in self.tried if entry[1].status == status]
        return sorted(chosen, key=lambda entry: (entry[0].path, entry[0].cell, entry[0].fault.start))

    @property
    def counted(self) -> int:
        """How many did not only raise."""
        return len(self.tried) - len(self.of("raised"))

    @property
    def share(self) -> float:
        """The share noticed of those that are not argued to be equivalent."""
        judged = self.counted - len(self.of("equivalent"))
        return len(self.of("noticed")) / judged if judged else 0.0

    def complaints(self, sample: int) -> list[str]:
        """Return what is not good enough."""
        found = []
        if self.counted < sample:
            found.append(f"only {self.counted} mutants could be drawn, {sample} were asked for")
        if self.share < LEAST:
            found.append(f"{self.share:.0%} noticed, {LEAST:.0%} is the least")
        if len(self.of("equivalent")) > MOST_EQUIVALENT * self.counted:
            found.append(f"more than {MOST_EQUIVALENT:.0%} are argued to be equivalent")
        return found


def known_equivalents(file: Path = EQUIVALENT) -> dict[str, str]:
    """Return the mutants argued to change nothing: the reason by identity.

    Raises
    ------
    ValueError
        If one has no reason.
    """
    if not file.exists():
        return {}
    found = json.loads(file.read_text(encoding="utf-8"))
    empty = [identity for identity, reason in found.items() if not str(reason).strip()]
    if empty:
        raise ValueError(f"{file.name} gives no reason for {', '.join(empty)}")
    return found


def judge(mutant: Mutant, equivalents: dict[str, str]) -> Verdict:
    """Return the argued verdict of a mutant, or try it."""
    if mutant.identity in equivalents:
        return Verdict("equivalent", message=equivalents[mutant.identity])
    return attempt(mutant)


def draw(files: dict[Path, int], seed: int, equivalents: dict[str, str]) -> Iterator[tuple[Mutant, Verdict]]:
    """Try mutants, two at a time, until each file has its number that did not only raise.

    Parameters
    ----------
    files
        How many mutants of each file.
    seed
        The same seed draws the same mutants from the same files.
    equivalents
        Mutants that are not tried, with the reason.

    Yields
    ------
    Mutant, Verdict
        As they end.
    """
    streams = {path: mutants(path, ROOT, random.Random(f"{seed} {path.relative_to(ROOT)}")) for path in files}
    wanted = dict(files)
    running: dict[Future[Verdict], tuple[Path, Mutant]] = {}
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        while True:
            for path in files:
                while wanted[path] and len(running) < AT_A_TIME:
                    mutant = next(streams[path], None)
                    if mutant is None:
                        wanted[path] = 0
                        break
                    wanted[path] -= 1
                    running[pool.submit(judge, mutant, equivalents)] = (path, mutant)
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                path, mutant = running.pop(future)
                verdict = future.result()
                wanted[path] += verdict.status == "raised"
                yield mutant, verdict


def failing_controls(notebooks: list[Path], helper: list[Path]) -> list[str]:
    """Run everything without a fault and return what fails all the same."""
    names = [path.relative_to(ROOT).as_posix() for path in helper]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        verdicts = list(pool.map(control, [path.name for path in notebooks]))
        verdicts += list(pool.map(control_tests, names))
    subjects = [path.name for path in notebooks] + names
    return [
        f"{subject}: {verdict.where} {verdict.message}"
        for subject, verdict in zip(subjects, verdicts, strict=True)
        if verdict.status != "survived"
    ]


def summary(tally: Tally) -> list[str]:
    """Return the lines of the closing report."""
    noticed, survived = tally.of("noticed"), tally.of("survived")
    lines = []
    for mutant, _ in survived:
        lines += [f"survived: {mutant.where} ({mutant.fault.operator}, {mutant.identity})", mutant.diff(), ""]
    for mutant, verdict in tally.of("equivalent"):
        lines.append(f"equivalent: {mutant.where} ({mutant.identity}): {verdict.message}")
    lines += _by("noticed by", Counter(verdict.by for _, verdict in noticed))
    for place, in_notebook in (("notebooks", True), ("course_utils", False)):
        of_place = [mutant for mutant, _ in noticed if mutant.in_notebook is in_notebook]
        all_of_place = of_place + [mutant for mutant, _ in survived if mutant.in_notebook is in_notebook]
        if all_of_place:
            lines.append(f"{place}: {len(of_place)} of {len(all_of_place)} noticed")
    lines += _by("survivors by kind of fault", Counter(mutant.fault.operator for mutant, _ in survived))
    lines.append(
        f"{len(noticed)} of {len(noticed) + len(survived)} mutants noticed ({tally.share:.0%}); "
        f"{len(tally.of('equivalent'))} argued equivalent; "
        f"{len(tally.of('raised'))} only raised and do not count"
    )
    return lines


def _by(title: str, counts: Counter[str]) -> list[str]:
    return (
        [f"{title}: {', '.join(f'{name} {count}' for name, count in counts.most_common())}"] if counts else []
    )


def as_json(tally: Tally, sample: int, seed: int) -> str:
    """Return the report for machines."""
    entries = [
        {"where": mutant.where, "operator": mutant.fault.operator, "identity": mutant.identity}
        | {"diff": mutant.diff()}
        | asdict(verdict)
        for mutant, verdict in tally.tried
    ]
    report = {"sample": sample, "seed": seed, "share": round(tally.share, 4), "mutants": entries}
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Draw, try and report; return 1 when too few are noticed and 2 when the control fails."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="notebooks or modules; without any, all of both")
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"how many mutants ({SAMPLE})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the sampler ({SEED})")
    options = parser.parse_args(arguments)
    if options.sample < 1:
        parser.error(f"--sample is at least 1, not {options.sample}")
    helper = [Path(name).resolve() for name in options.files if name.endswith(".py")]
    names = [name for name in options.files if not name.endswith(".py")]
    notebooks = choose(parser, names) if names or not helper else []
    if not options.files:
        helper = modules()
    files = quotas(notebooks, helper, options.sample, random.Random(options.seed))
    drawn_helper = [path for path in files if path.suffix == ".py"]
    print("Running everything without a fault first …", flush=True)
    failing = failing_controls(all_notebooks() if drawn_helper else notebooks, drawn_helper)
    if failing:
        print("Without any fault this fails already:", *failing, sep="\n  ")
        return 2
    tally = Tally()
    with tqdm(total=options.sample, unit="mutant") as bar:
        for mutant, verdict in draw(files, options.seed, known_equivalents()):
            tally.tried.append((mutant, verdict))
            bar.update(verdict.status != "raised")
            bar.set_postfix(noticed=f"{tally.share:.0%}", survived=len(tally.of("survived")))
    text = "\n".join(summary(tally))
    print(text)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(as_json(tally, options.sample, options.seed), encoding="utf-8")
    REPORT.with_suffix(".txt").write_text(text + "\n", encoding="utf-8")
    found = tally.complaints(options.sample)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

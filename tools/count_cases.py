#!/usr/bin/env python3
"""count_cases.py RESULTS TESTLOG: prints the failed cases and `N passed, M failed`.

Cases are those of the gtest reports (RESULTS/*.xml), of the job matrices (RESULTS/cases.tsv), and
one for each Meson test that writes no report. A test program that died without a report, or ended
badly although all its cases passed, is one failed case. Exit code 1 when anything failed or nothing
ran.
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def read_reports(results):
    """(passed, failed case names, failures of each program)"""
    passed, failed, programs = 0, [], {}
    for path in sorted(results.glob("*.xml")):
        program = re.sub(r"_\d+$", "", path.stem)
        programs.setdefault(program, 0)
        try:
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))
        except ElementTree.ParseError:
            programs.pop(program)  # cut short: its Meson test tells
            continue
        for case in cases:
            if case.get("status") != "run" or case.get("result") == "skipped":
                continue
            if case.find("failure") is None and case.find("error") is None:
                passed += 1
            else:
                programs[program] += 1
                failed.append(f"{program}: {case.get('classname')}.{case.get('name')}")
    return passed, failed, programs


def read_meson(testlog, programs):
    passed, failed = 0, []
    for line in testlog.read_text().splitlines():
        test = json.loads(line)
        names = {pathlib.PurePath(word).name for word in test["command"]}
        reported = [name for name in names if name in programs]
        good = test["result"] in ("OK", "EXPECTEDFAIL")
        if reported and (good or any(programs[name] for name in reported)):
            continue
        if good:
            passed += 1
        else:
            failed.append(f"{test['name']}: {test['result']}")
    return passed, failed


def read_matrix(path):
    if not path.exists():
        return 0, []
    rows = [line.split("\t", 1) for line in path.read_text().splitlines()]
    failed = [name for verdict, name in rows if verdict != "PASS"]
    return len(rows) - len(failed), failed


def main():
    results, testlog = map(pathlib.Path, sys.argv[1:3])
    passed, failed, programs = read_reports(results)
    for more_passed, more_failed in (
        read_meson(testlog, programs),
        read_matrix(results / "cases.tsv"),
    ):
        passed += more_passed
        failed += more_failed
    for name in failed:
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

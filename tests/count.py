#!/usr/bin/python3
"""Counts the tests in the output of pytest or of cmocka programs: prints
passed, failed, skipped."""
import re
import sys

text = open(sys.argv[1], errors="replace").read()
passed = failed = skipped = 0
lines = [line for line in text.splitlines()
         if re.search(r"\b\d+ (passed|failed|error|skipped)", line) and
         re.search(r" in [\d.]+s", line)]
if lines:
    for n, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)",
                              lines[-1]):
        if word == "passed":
            passed += int(n)
        elif word == "skipped":
            skipped += int(n)
        else:
            failed += int(n)
else:
    passed = sum(int(n) for n in re.findall(
        r"^\[  PASSED  \] (\d+) test", text, re.M))
    failed = sum(int(n) for n in re.findall(
        r"^\[  FAILED  \] (\d+) test", text, re.M))
    skipped = sum(int(n) for n in re.findall(
        r"^\[  SKIPPED \] (\d+) test", text, re.M))
    failed = max(failed, len(re.findall(r"^FAIL: ", text, re.M)))
print(passed, failed, skipped)

"""Count the words that the project avoids: `python .ci/style.py`; with `--where`, show each line that has one.

The exit status is 1 if there are any. avoided.txt lists what is avoided and what to write instead.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
AVOIDED = HERE / "avoided.txt"
TEXTS = {"", ".example", ".html", ".js", ".md", ".py", ".sh", ".toml", ".yaml", ".yml"}


def main(where: bool) -> int:
    """Print the counts and, if `where`, the lines; return the exit status."""
    rules = [line.split(" => ") for line in AVOIDED.read_text().splitlines() if line and not line.startswith("#")]
    patterns = [(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), pattern, instead) for pattern, instead in rules]
    counts: Counter[tuple[str, str]] = Counter()
    for path in texts():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for compiled, pattern, instead in patterns:
                found = len(compiled.findall(line))
                counts[pattern, instead] += found
                if found and where:
                    print(f"{path.relative_to(HERE.parent)}:{number}: {line.strip()}")
    for (pattern, instead), count in counts.most_common():
        if count:
            print(f"{count:4}  {pattern}  → {instead}")
    print(f"{counts.total()} uses of avoided words.")
    return 1 if counts.total() else 0


def texts() -> list[Path]:
    """Return the project's own texts, as git lists them. The list of words is a .txt and not among them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=HERE.parent, capture_output=True, text=True, check=True
    ).stdout
    paths = [HERE.parent / name for name in listed.split("\0") if name]
    return [path for path in paths if path.suffix in TEXTS and path.is_file()]


if __name__ == "__main__":
    sys.exit(main("--where" in sys.argv))

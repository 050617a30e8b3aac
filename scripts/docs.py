"""Checks the documents: every link to a file leads somewhere, README leads to every page.

Run by `make check`. It reads Markdown only and fetches nothing: links to the web are not followed.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START = ROOT / "README.md"
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def links(page: Path) -> list[Path]:
    """The files of this repository that a page links to, whether they exist or not."""
    targets = _LINK.findall(_CODE.sub("", page.read_text()))
    local = [target.split("#")[0] for target in targets if "://" not in target]
    return [(page.parent / target).resolve() for target in local if target]


def problems() -> list[str]:
    """One sentence for each broken link and each page that nothing leads to."""
    found: list[str] = []
    reached, to_read = {START}, [START]
    while to_read:
        page = to_read.pop()
        for target in links(page):
            if not target.exists():
                found.append(f"{page.relative_to(ROOT)}: link to {target}, which is not there")
                continue
            # A link to a folder leads to the pages in it.
            pages = target.rglob("*.md") if target.is_dir() else [target]
            new = {one for one in pages if one.suffix == ".md"} - reached
            reached |= new
            to_read += new
    pages = [ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    lost = sorted(set(pages) - reached)
    found += [f"{page.relative_to(ROOT)}: nothing leads to it from README.md" for page in lost]
    return found


def main() -> int:
    found = problems()
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

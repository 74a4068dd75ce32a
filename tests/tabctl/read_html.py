# Reads a page with a parser of browsers' rules and refuses what they would have to mend. Prints the text of every cell of
# every table, a row a line.
import sys

import html5lib

page = html5lib.HTMLParser(strict=True).parse(open(sys.argv[1], encoding="utf-8").read())
name = "{http://www.w3.org/1999/xhtml}"
assert page.find(f".//{name}script") is None, "there is a script"
for element in page.iter():
    for key in element.attrib if isinstance(element.tag, str) else []:
        assert not key.startswith("on"), f"{element.tag} has {key}"
for row in page.iter(f"{name}tr"):
    print(" | ".join("".join(cell.itertext()) for cell in row))

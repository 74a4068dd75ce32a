#!/usr/bin/env python3
"""The house rules that a machine can check: layers, banned calls, sizes, words.

Usage: check.py [ROOT]. Prints one line for each finding, "file:line: what", and exits with 1 if there is any.
Python's standard library alone (3.11 for tomllib).
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

LINE_LENGTH_MAX = 120
FUNCTION_LINES_MAX = 70
SOURCE_LINES_MAX = 600

SOURCE_SUFFIXES = {".h", ".c", ".cpp"}
TEXT_SUFFIXES = {".h", ".c", ".cpp", ".capnp", ".cmake", ".txt", ".py", ".mjs", ".js", ".ts", ".sol", ".sh", ".toml", ".md",
                 ".json", ".yml", ".yaml", ".in", ".service", ".conf", ""}
# Folders that face a person: they may print.
PRINTING = ("cli", "daemon", "playground", "bench", "tests", "clients/cpp/example")
# Money lives here: no floating point.
MONEY = ("base", "crypto", "commitments", "aggregator", "ledger", "settlers", "facilitator")
PURE_HEADERS = re.compile(
    r"^(fstream|iostream|filesystem|thread|random|future|condition_variable|ctime|time\.h|unistd\.h|fcntl\.h|sys/.*)$")

# Written in two halves, so that this file does not find itself.
PROMISES = re.compile(r"\b(" + "TO" + "DO|FIX" + "ME|XX" + r"X)\b")
PLACES = re.compile(r"(?<![\w.])/" + r"work/|/" + r"root/|registry\." + r"npmjs|deb\.deb" + r"ian\.org|\bpypi" + r"\.org")

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


class Findings:
    def __init__(self, root):
        self.root = root
        self.count = 0

    def add(self, path, line, what):
        self.count += 1
        print(f"{path.relative_to(self.root)}:{line}: {what}")


def tracked_files(root):
    """What belongs to the project: git's view, so that build folders and caches do not count."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z"],
                            capture_output=True, check=False)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return sorted(root / name for name in names if (root / name).is_file())
    skipped = {"build", "node_modules", ".git", "__pycache__"}  # an unpacked release has no git
    return sorted(path for path in root.rglob("*") if path.is_file() and not skipped & set(path.parts))


def strip_code(text):
    """The code with comments and literals blanked, line by line as before."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'',
                         re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def within(path, folders):
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


class Layers:
    def __init__(self, root):
        with open(root / "tests/lint/layers.toml", "rb") as file:
            table = tomllib.load(file)
        self.folders = table["folders"]
        self.libraries = table["libraries"]
        for name, rules in self.folders.items():
            for library in rules["libraries"]:
                assert library in self.libraries, f"layers.toml: {name} names an unknown library {library}"

    def folder_of(self, relative):
        """The longest listed folder that holds the file."""
        parts = Path(relative).parts[:-1]
        for length in range(len(parts), 0, -1):
            if "/".join(parts[:length]) in self.folders:
                return "/".join(parts[:length])
        return None

    def library_of(self, header):
        for name, prefixes in self.libraries.items():
            if any(header == prefix or (prefix.endswith("/") and header.startswith(prefix)) for prefix in prefixes):
                return name
        return None

    def check(self, root, path, folder, line, quote, header, findings):
        rules = self.folders[folder]
        library = self.library_of(header)
        if library:
            if library not in rules["libraries"]:
                findings.add(path, line, f"{folder} may not include {library} ({header}); see layers.toml")
            return
        target = self.folder_of(header)
        if target is None:
            if quote == '"' and not header.startswith("rpc/schema/"):
                findings.add(path, line, f'"{header}" is not a path from the root of the project')
            if quote == "<" and "/" in header and not header.startswith("sys/") and header not in SYSTEM_HEADERS:
                findings.add(path, line, f"<{header}> belongs to no library of layers.toml")
            if rules.get("pure") and quote == "<" and PURE_HEADERS.match(header):
                findings.add(path, line, f"{folder} is pure: no <{header}>")
            return
        if quote == "<":
            findings.add(path, line, f"our own header in angle brackets: {header}")
        if (root / header).is_file() is False and not header.startswith("rpc/schema/") and header != "ops/version.h":
            findings.add(path, line, f"{header} does not exist")
        allowed = rules["may"]
        in_tests = within(target, ["tests"])
        if target == folder or target in allowed or ("*" in allowed and not in_tests):
            return
        if in_tests and any(within(header, [other]) for other in allowed if other != "*"):
            return
        findings.add(path, line, f"{folder} may not include {target} ({header}); see layers.toml")


SYSTEM_HEADERS = {"netinet/in.h", "netinet/tcp.h", "arpa/inet.h", "linux/fs.h", "net/if.h"}

BANNED = [
    # pattern, where it is allowed, what to say
    (re.compile(r"\b(system_clock|steady_clock|high_resolution_clock)::now\b|\b(gettimeofday|clock_gettime)\s*\("),
     ("base/clock.cpp",), "time is passed in: use base::Clock (only base/clock.cpp reads the real one)"),
    (re.compile(r"\b(s?rand|drand48)\s*\(|\bstd::(random_device|mt19937\w*)\b"),
     ("crypto/random.cpp", "tests", "bench"), "randomness comes from crypto/random.h"),
    (re.compile(r"\busing\s+namespace\s+std\b"), (), "no `using namespace std`"),
    (re.compile(r"\bstd::(cout|cerr|clog)\b|\bprintf\s*\("), PRINTING + ("base/check.cpp", "ledger/store/failure.cpp"),
     "a library does not print: return it, or use the log"),
]
FLOATING = re.compile(r"\b(float|double)\b")
NEW = re.compile(r"\bnew\b(?!\s*\()")
OWNED = re.compile(r"_ptr<|\.reset\(|kj::heap")


def check_code(relative, path, code, findings):
    for number, line in enumerate(code.split("\n"), 1):
        for pattern, allowed, message in BANNED:
            if pattern.search(line) and not within(relative, allowed):
                findings.add(path, number, message)
        if FLOATING.search(line) and within(relative, MONEY):
            findings.add(path, number, "no floating point where money is")
        if NEW.search(line) and not OWNED.search(line) and not line.lstrip().startswith("#"):
            findings.add(path, number, "raw new: use std::make_unique, or hand it to a smart pointer on the same line")


NOT_A_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|extern|template\b.*\b(class|struct)\b(?!.*\())")


def check_functions(path, code, findings):
    """Counts from the line with the opening brace to the closing brace at the same depth (the code is clang-formatted)."""
    lines = code.split("\n")
    for number, line in enumerate(lines):
        if not line.rstrip().endswith("{") or NOT_A_FUNCTION.match(line) or "(" not in "".join(lines[max(0, number - 8):number + 1]):
            continue
        indent = len(line) - len(line.lstrip())
        begin = number
        while begin > 0 and lines[begin].strip() and not re.match(rf"^ {{{max(0, indent)}}}\S.*\(", lines[begin]) and number - begin < 8:
            begin -= 1
        indent = len(lines[begin]) - len(lines[begin].lstrip())
        if indent not in (0, 2) or NOT_A_FUNCTION.match(lines[begin]):
            continue
        closing = " " * indent + "}"
        for end in range(number + 1, len(lines)):
            if lines[end].rstrip() == closing:
                if end - number + 1 > FUNCTION_LINES_MAX:
                    findings.add(path, number + 1, f"function of {end - number + 1} lines; at most {FUNCTION_LINES_MAX}")
                break
            if lines[end].startswith(closing):  # "};" and the like: not a function
                break


def check_lines(path, text, findings):
    formatted = True
    for number, line in enumerate(text.split("\n"), 1):
        if "clang-format off" in line:
            formatted = False
        if "clang-format on" in line:
            formatted = True
        if formatted and len(line) > LINE_LENGTH_MAX:
            findings.add(path, number, f"{len(line)} columns; at most {LINE_LENGTH_MAX}")


def check_source(root, relative, path, text, layers, findings):
    code = strip_code(text)
    folder = layers.folder_of(relative)
    if folder is None:
        findings.add(path, 1, "this folder is not in layers.toml")
        return
    if path.suffix == ".h" and "#pragma once" not in text:
        findings.add(path, 1, "a header needs #pragma once")
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            layers.check(root, path, folder, number, match.group(1), match.group(2), findings)
    check_lines(path, text, findings)
    check_code(relative, path, code, findings)
    check_functions(path, code, findings)
    if text.count("\n") > SOURCE_LINES_MAX:
        findings.add(path, 1, f"{text.count(chr(10))} lines; at most {SOURCE_LINES_MAX}: split it")


def check_words(path, text, findings):
    for number, line in enumerate(text.split("\n"), 1):
        if PROMISES.search(line):
            findings.add(path, number, "a promise of later work: do it, or open an issue")
        if PLACES.search(line):
            findings.add(path, number, "an absolute path or host of one machine")


FAULTS = "docs/rails/faults.md"
NAMED_TEST = re.compile(r"`(tests/[\w./]+?\.(?:cpp|py|mjs))(?::([^`]+))?`")


def has_test(text, suffix, name):
    if suffix == ".py":
        return f"def {name}(" in text
    if suffix == ".mjs":
        return f'test("{name}"' in text
    suite, _, case = name.partition(".")
    return re.search(rf"\bTEST(_F|_P)?\(\s*{re.escape(suite)},\s*{re.escape(case)}\s*\)", text) is not None


def check_named_tests(root, findings):
    """Each test that the documents name exists."""
    for path in sorted((root / "docs").rglob("*.md")):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            for file, name in NAMED_TEST.findall(line):
                source = root / file
                if not source.is_file():
                    findings.add(path, number, f"{file} does not exist")
                elif name and not has_test(source.read_text(encoding="utf-8"), source.suffix, name):
                    findings.add(path, number, f"{file} has no test {name}")


def check_faults(root, findings):
    """Each rail's table has the same faults, and each fault a test or a reason."""
    path = root / FAULTS
    if not path.is_file():
        return
    tables, rail = {}, ""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line.startswith("## "):
            rail = line[3:]
            tables[rail] = []
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 2 and cells[0] not in ("fault", "---"):
            tables[rail].append(cells[0])
            if not NAMED_TEST.search(cells[1]) and not cells[1].startswith("not applicable, because "):
                findings.add(path, number, f"{cells[0]}: neither a test nor why there is none")
    for rail, faults in tables.items():
        if faults != next(iter(tables.values())):
            findings.add(path, 1, f"{rail}: its faults are not those of the first table")


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    findings = Findings(root)
    layers = Layers(root)
    sources = 0
    for path in tracked_files(root):
        relative = str(path.relative_to(root))
        if path.suffix not in TEXT_SUFFIXES:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        check_words(path, text, findings)
        if path.suffix in SOURCE_SUFFIXES:
            sources += 1
            check_source(root, relative, path, text, layers, findings)
    check_named_tests(root, findings)
    check_faults(root, findings)
    print(f"{sources} sources checked, {findings.count} findings")
    if sources < 20:
        print("too few sources: is this the project's root?")
        return 1
    return 1 if findings.count else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""check.py finds what it claims to find: each case plants one offence in a small tree."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOOD_HEADER = "#pragma once\n\nnamespace x {}\n"


class Check(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="tabd_lint_"))
        (self.root / "tests/lint").mkdir(parents=True)
        shutil.copy(HERE / "layers.toml", self.root / "tests/lint/layers.toml")
        for number in range(25):
            self.write(f"base/file{number}.h", GOOD_HEADER)
        self.write("ledger/core/types.h", GOOD_HEADER)
        self.write("ledger/store/store.h", GOOD_HEADER)
        self.write("tests/support/actors.h", GOOD_HEADER)

    def tearDown(self):
        shutil.rmtree(self.root)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_check(self):
        return subprocess.run([sys.executable, str(HERE / "check.py"), str(self.root)], capture_output=True, text=True,
                              check=False)

    def expect(self, name, text, *wanted):
        self.write(name, text)
        result = self.run_check()
        self.assertEqual(result.returncode, 1, result.stdout)
        for part in wanted:
            self.assertIn(part, result.stdout)

    def expect_good(self, name, text):
        self.write(name, text)
        result = self.run_check()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_clean_tree_passes(self):
        self.assertEqual(self.run_check().returncode, 0, self.run_check().stdout)

    def test_forbidden_edge(self):
        self.expect("settlers/a.cpp", '#include "ledger/store/store.h"\n', "settlers/a.cpp:1: settlers may not include ledger/store")

    def test_allowed_edge(self):
        self.expect_good("settlers/a.cpp", '#include "ledger/core/types.h"\n')

    def test_daemon_may_include_everything_but_tests(self):
        self.expect_good("daemon/a.cpp", '#include "ledger/store/store.h"\n')
        self.expect("daemon/b.cpp", '#include "tests/support/actors.h"\n', "daemon may not include")

    def test_bench_may_include_test_support(self):
        self.expect_good("bench/a.cpp", '#include "tests/support/actors.h"\n')

    def test_library_outside_its_folder(self):
        self.expect("ops/a.cpp", "#include <rocksdb/db.h>\n", "ops may not include rocksdb")

    def test_unlisted_library(self):
        self.expect("ops/a.cpp", "#include <surprise/thing.h>\n", "belongs to no library")

    def test_unlisted_folder(self):
        self.expect("newfolder/a.cpp", "int a;\n", "not in layers.toml")

    def test_pure_folder(self):
        self.expect("ledger/core/a.cpp", "#include <fstream>\n", "is pure")

    def test_header_guard(self):
        self.expect("base/a.h", "namespace x {}\n", "#pragma once")

    def test_clock(self):
        self.expect("ops/a.cpp", "auto t = std::chrono::steady_clock::now();\n", "time is passed in")
        self.expect_good_after_removal("ops/a.cpp", "base/clock.cpp", "auto t = std::chrono::steady_clock::now();\n")

    def expect_good_after_removal(self, removed, name, text):
        (self.root / removed).unlink()
        self.expect_good(name, text)

    def test_floating_point_in_money(self):
        self.expect("aggregator/a.cpp", "double price;\n", "no floating point")

    def test_comments_and_texts_do_not_count(self):
        self.expect_good("aggregator/a.cpp", '// a double\nconst char* a = "float new rand()";\n/* double\n double */\n')

    def test_raw_new(self):
        self.expect("base/a.cpp", "int* a = new int;\n", "raw new")
        self.expect_good("base/a.cpp", "std::unique_ptr<int> a(new int);\n")

    def test_printing_library(self):
        self.expect("ops/a.cpp", "void f() { std::cout << 1; }\n", "does not print")

    def test_long_line(self):
        self.expect("base/a.cpp", "// " + "a" * 120 + "\n", "123 columns")

    def test_long_line_where_formatting_is_off(self):
        self.expect_good("base/a.cpp", "// clang-format off\n// " + "a" * 120 + "\n// clang-format on\n")

    def test_long_function(self):
        body = "  x();\n" * 80
        self.expect("base/a.cpp", f"void f(int a) {{\n{body}}}\n", "function of 82 lines")
        self.expect_good("base/a.cpp", f"struct A {{\n{body}}};\n")

    def test_long_member_function(self):
        body = "    x();\n" * 80
        self.expect("base/a.cpp", f"class A {{\n  void f(int a) {{\n{body}  }}\n}};\n", "function of 82 lines")

    def test_promises(self):
        self.expect("base/a.md", "TO" + "DO: later\n", "a promise of later work")

    def test_places(self):
        self.expect("base/a.md", "see /" + "work/main\n", "of one machine")

    def test_fault_matrix(self):
        self.write("tests/a_test.cpp", "TEST_F(Suite, Case) {}\n")
        self.write("tests/a_test.py", "def test_x(self): pass\n")
        self.write("tests/a.test.mjs", 'test("what it does", () => {});\n')
        name, tables = "docs/rails/faults.md", "## A\n| fault | test |\n|---|---|\n| x | {} |\n## B\n| x | not applicable, because so |\n"
        for good in ("tests/a_test.cpp:Suite.Case", "tests/a_test.py:test_x", "tests/a.test.mjs:what it does"):
            self.write(name, tables.format(f"`{good}`"))
            self.assertNotIn("faults.md", self.run_check().stdout, good)
        self.expect(name, tables.format("`tests/a_test.cpp:Suite.Other`"), "has no test Suite.Other")
        self.expect(name, tables.format("`tests/b_test.cpp:Suite.Case`"), "does not exist")
        self.expect(name, tables.format("nothing"), "neither a test nor why")
        self.expect(name, tables.format("`tests/a_test.py:test_x`") + "| y | not applicable, because so |\n", "not those of the first")


if __name__ == "__main__":
    unittest.main()

"""The tools of the demo's agent do what they say."""

from __future__ import annotations

from inspector.demo.project import CODING, READING, TIDES, Project


def test_glob_lists_what_matches() -> None:
    project = Project({"a.py": "", "b/c.py": "", "d.md": ""})
    assert project.glob("**/*") == "a.py\nb/c.py\nd.md"
    assert project.glob("**/*.py") == "a.py\nb/c.py"
    assert project.glob("*.txt") == "no files"


def test_grep_names_path_and_line() -> None:
    project = Project({"a.py": "one\ntwo\n", "b.py": "two two\n"})
    assert project.grep("two") == "a.py:2: two\nb.py:1: two two"
    assert project.grep("three") == "no matches"


def test_an_edit_needs_one_place() -> None:
    project = Project({"a.py": "one two two\n"})
    assert project.call("Edit", {"file_path": "a.py", "old_string": "one", "new_string": "1"}).text == "a.py changed"
    assert project.files["a.py"] == "1 two two\n"
    twice = project.call("Edit", {"file_path": "a.py", "old_string": "two", "new_string": "2"})
    assert twice.is_error and "2 times" in twice.text
    assert project.files["a.py"] == "1 two two\n"


def test_what_is_wrong_with_a_call_comes_back() -> None:
    project = Project()
    for name, arguments in (
        ("Fly", {}),
        ("Read", {"file_path": "nowhere.py"}),
        ("Read", {"path": "README.md"}),
        ("Grep", {"pattern": "("}),
        ("Grep", {"pattern": 7}),
        ("Glob", {"glob": 7}),
        ("Edit", {"file_path": [], "old_string": 1, "new_string": None}),
    ):
        assert project.call(name, arguments).is_error, name


def test_the_tests_fail_until_the_line_is_mended() -> None:
    project = Project()
    assert "FAILED parser.py:13: expected ':'" in project.run_tests()
    line = "    for line in text.splitlines()[1:]"
    project.edit("parser.py", line + "\n", line + ":\n")
    assert project.run_tests() == "3 tests in 3 files that parse, 0 failures"


def test_a_missing_name_is_a_failure() -> None:
    project = Project({"a.py": "def f(): ...\n", "test_a.py": "from a import g\n\ndef test_f(): ...\n"})
    assert project.run_tests() == "FAILED test_a.py:1: a has no g\n1 tests in 2 files that parse, 1 failures"


def test_tides_are_looked_up_in_the_table() -> None:
    assert Project().tides("high").split("\n")[0] == "06:15,4.1,high"
    assert Project().tides("rough") == "no such water"


def test_every_declared_tool_is_there() -> None:
    for tool in (*READING, *CODING, *TIDES):
        outcome = Project().call(tool.name, dict.fromkeys(tool.schema["properties"], "x"))
        assert tool.name == "Task" or not outcome.text.startswith("there is no tool"), tool.name
        assert not outcome.text.startswith("TypeError"), tool.name

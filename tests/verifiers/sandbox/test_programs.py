"""Whole programs in each language."""

from __future__ import annotations

import shutil

import pytest

from palaestra.verifiers.sandbox import Ended, Limits, Sandbox, SandboxError, languages

SUMS = {
    "python": "import sys\nprint(sum(map(int, sys.stdin.read().split())), sys.argv[1])",
    "javascript": (
        "const text = require('fs').readFileSync(0, 'utf8')\n"
        "console.log(text.trim().split(/ +/).map(Number).reduce((a, b) => a + b), process.argv[2])"
    ),
    "c": '#include <stdio.h>\nint main(int n, char **v) { int s = 0, x; while (scanf("%d", &x) == 1) s += x; '
    'printf("%d %s\\n", s, v[1]); }',
    "c++": "#include <iostream>\nint main(int n, char **v) { int s = 0, x; while (std::cin >> x) s += x; "
    "std::cout << s << ' ' << v[1] << std::endl; }",
}
TOOLS = {"python": "python3", "javascript": "node", "c": "gcc", "c++": "g++"}
HERE = [
    language for language, tool in TOOLS.items() if language == "python" or shutil.which(tool, path=languages.TOOLS)
]


@pytest.mark.parametrize("language", HERE)
def test_a_program_reads_its_input_and_arguments_and_prints(sandbox: Sandbox, language: str) -> None:
    outcome = sandbox.run(SUMS[language], "1 2 39", ["argument"], language)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (Ended.OK, "42 argument\n", "")
    assert (outcome.exit_code, outcome.value) == (0, None)


@pytest.mark.parametrize(
    ("language", "program", "status", "error"),
    [
        ("python", "print('x')\nraise KeyError('k')", Ended.ERROR, "KeyError: 'k'"),
        ("python", "import sys\nsys.exit('why')", Ended.ERROR, "why"),
        ("python", "import sys\nsys.exit(3)", Ended.ERROR, "exit code 3"),
        ("python", "x = [0] * 10**9", Ended.MEMORY, "MemoryError"),
        ("python", "while True: pass", Ended.TIMEOUT, "no end within 1 s"),
        ("javascript", "throw new Error('no')", Ended.ERROR, "Error: no"),
        ("javascript", "while (true);", Ended.TIMEOUT, "no end within 1 s"),
        ("javascript", "let a = []; while (true) a.push(new Array(1e5).fill(1))", Ended.MEMORY, ""),
        ("c", "int main() { return x; }", Ended.ERROR, "'x' undeclared"),
        ("c", "int main() { int *p = 0; *p = 1; }", Ended.CRASHED, "killed by SIGSEGV"),
        ("c", "int main() { return 3; }", Ended.ERROR, "exit code 3"),
        ("c", "int main() { for (;;); }", Ended.TIMEOUT, "no end within 1 s"),
        ("c++", "#include <vector>\nint main() { std::vector<int> v(1 << 30); }", Ended.MEMORY, "bad_alloc"),
    ],
)
def test_each_failure_has_its_status_and_reason(
    best: Sandbox, language: str, program: str, status: Ended, error: str
) -> None:
    if language in HERE:
        limits = Limits(seconds=1) if status is Ended.TIMEOUT else Limits(memory=128 * 2**20)
        outcome = best.run(program, language=language, limits=limits)
        assert outcome.status is status
        assert error in outcome.error


def test_a_python_program_ends_as_under_an_interpreter(best: Sandbox) -> None:
    program = (
        "import atexit, threading, time\natexit.register(print, 'atexit')\n"
        "threading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()\nprint(__name__)"
    )
    assert best.run(program).stdout == "__main__\nthread\natexit\n"


@pytest.mark.parametrize("leave", ["exit()", "quit(0)", "import sys; sys.exit()"])
def test_a_program_may_leave_in_each_of_pythons_ways(best: Sandbox, leave: str) -> None:
    outcome = best.run(f"print(input())\n{leave}\nprint('still here')", stdin="hello\n")
    assert (outcome.status, outcome.stdout) == (Ended.OK, "hello\n")


def test_a_function_is_not_told_the_arguments_of_the_sandbox(best: Sandbox) -> None:
    assert best.call("import sys\ndef f(): return sys.argv[1:]", "f").value == []


def test_a_traceback_shows_the_program_and_nothing_of_the_sandbox(best: Sandbox) -> None:
    stderr = best.run("def f():\n    return 1 / 0\n\nf()").stderr
    assert stderr.startswith('Traceback (most recent call last):\n  File "main.py", line 4, in <module>\n    f()\n')
    assert "sandbox" not in stderr


def test_input_longer_than_a_pipe_holds_arrives_whole(best: Sandbox) -> None:
    outcome = best.run("import sys\nprint(len(sys.stdin.read()))", "x" * 5_000_000)
    assert outcome.stdout == "5000000\n"


BY_NAME = {
    "python": "print(len(open('/dev/stdin').read()), input()[-3:])",
    "javascript": "const read = name => require('fs').readFileSync(name, 'utf8').trimEnd();"
    "console.log(read('/dev/stdin').length, read(0).slice(-3))",
}


@pytest.mark.parametrize("language", BY_NAME)
def test_input_can_be_read_by_its_name(sandbox: Sandbox, language: str) -> None:
    few = Limits(files=4096)
    for text in ("abc", "a" * 100_000 + "xyz"):
        outcome = sandbox.run(BY_NAME[language], stdin=text, language=language, limits=few)
        assert outcome.stdout == f"{len(text)} {text[-3:]}\n", outcome.stderr


def test_output_is_kept_up_to_the_limit(best: Sandbox) -> None:
    outcome = best.run("print('x' * 999)", limits=Limits(output=1000))
    assert (outcome.status, len(outcome.stdout)) == (Ended.OK, 1000)
    outcome = best.run("import sys\nsys.stderr.write('x' * 1001)", limits=Limits(output=1000))
    assert outcome.status is Ended.OUTPUT


@pytest.mark.parametrize("language", [language for language in HERE if language.startswith("c")])
def test_a_compiled_program_is_not_charged_for_its_compiler(best: Sandbox, language: str) -> None:
    outcome = best.run(SUMS[language], "1", ["x"], language)
    assert outcome.memory < 16 * 2**20


def test_processes_may_be_allowed_where_they_are_contained(sandbox: Sandbox) -> None:
    program = (
        "import os\ntry:\n    pid = os.fork()\nexcept PermissionError:\n    print('refused')\nelse:\n"
        "    if pid == 0: os._exit(7)\n    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    )
    assert sandbox.run(program).stdout == "refused\n"
    several = sandbox.run(program, limits=Limits(processes=4)).stdout
    assert several == ("7\n" if "pidns" in sandbox.layers else "refused\n")


def test_an_unknown_language_and_a_missing_tool_are_named(best: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxError, match="there are python, javascript, c, c\\+\\+"):
        best.run("", language="cobol")
    monkeypatch.setattr(languages, "TOOLS", "/nowhere")
    with pytest.raises(SandboxError, match="apt-get install nodejs"):
        best.run("", language="javascript")


def test_all_of_the_standard_library_can_be_imported(sandbox: Sandbox) -> None:
    program = "import encodings.idna, json.tool, sqlite3, zoneinfo, concurrent.futures, hashlib, unittest.mock, tomllib"
    outcome = sandbox.run(program)
    assert (outcome.status, outcome.error) == (Ended.OK, "")


def test_every_signal_has_a_name_or_a_number(sandbox: Sandbox) -> None:
    if "pidns" not in sandbox.layers:  # elsewhere a program is process 1, which no signal of its own ends
        outcome = sandbox.run("import os\nos.kill(os.getpid(), 45)")
        assert (outcome.status, outcome.error, outcome.exit_code) == (Ended.CRASHED, "killed by signal 45", -45)


def test_a_result_may_be_longer_than_any_file(best: Sandbox) -> None:
    outcome = best.call("def f(): return 'x' * 100_000", "f", limits=Limits(files=4096))
    assert outcome.status is Ended.OK


def test_what_was_printed_before_a_program_replaced_its_output_is_kept(best: Sandbox) -> None:
    assert best.run("import io, sys\nprint('kept')\nsys.stdout = io.StringIO()").stdout == "kept\n"

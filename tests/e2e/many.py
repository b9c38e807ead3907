# SPDX-License-Identifier: MIT OR Apache-2.0
"""A program of many functions, step_*, each called once, which prints what came of them; and some where x86's kernel takes no probe."""

# arch/x86/kernel/uprobes.c, is_prefix_bad(): no probe on an instruction with a lock or one of the old segments. Where
# only a return has one, what is before it does as well.
TAKEN = {"step_return": "nop\\n ds ret"}
LEFT_OUT = {"step_lock": "lock addl $0, ({stack})\\n ret", "step_segment": "ds movl ({stack}), %eax\\n ret", "step_bare": "ds ret"}


def write(directory, numbers, stack=None):
    """The source; with functions that the kernel refuses if stack is the name of the stack pointer."""
    path = directory / "many.c"
    assembled = {name: text.format(stack=stack) for name, text in {**TAKEN, **LEFT_OUT}.items()} if stack else {}
    path.write_text("#include <stdio.h>\n" +
                    "".join(f'__asm__(".globl {name}\\n.type {name}, @function\\n{name}: {text}\\n.size {name}, . - {name}\\n");\n'
                            f"void {name}(void);\n" for name, text in assembled.items()) +
                    "".join(f"__attribute__((noinline, noipa)) int step_{i:04}(int x) {{ return x * 31 + {i}; }}\n" for i in range(numbers)) +
                    "int main(void) {\n\tint x = 1;\n" + "".join(f"\t{name}();\n" for name in assembled) +
                    "".join(f"\tx = step_{i:04}(x);\n" for i in range(numbers)) + '\tprintf("%d\\n", x);\n\treturn 0;\n}\n')
    return path


def counted(bench, recording):
    """Of each function, its calls and how many of them have no end."""
    rows = bench.stats(recording)
    return {name: (row["count"], row["no_end"]) for name, row in rows.items() if name.startswith("step_")}


def check_refused(bench, recording, said, numbers):
    """What is refused is said, and all others have been counted."""
    expected = dict.fromkeys([f"step_{i:04}" for i in range(numbers)] + list(TAKEN), (1, 0))
    count = counted(bench, recording)
    assert count == expected, sorted(set(count.items()) ^ set(expected.items()))
    taken = numbers + len(TAKEN)
    assert f"{taken} of {taken + len(LEFT_OUT)} functions" in said, said
    assert "the kernel cannot put a probe on the instruction there" in said, said

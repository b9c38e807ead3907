# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is what on a board: CPUs that go and come, 32-bit programs on a 64-bit kernel."""
import collections

from bare import finish, run, summary_of
from cells import CALLS, balanced, program
from harness import test

CPU1 = "/sys/devices/system/cpu/cpu1/online"
# A busy loop of the shell's on CPU 1 until the daemon has said what it must say. A CPU that is away takes a loop to the other one.
BUSY = "busy() { while :; do :; done; }; busy & busy & "
UNTIL = """until_said() {
	for _ in $(seq 600); do
		grep -q "$1" /out/cpu.err && return
		sleep 0.2
	done
	exit 91
}
"""


def add_hotplug(cell):
    @test(f"{cell.board} {cell.kernel}: stacks of a CPU that has been offline come again, and of one that comes later")
    def hotplug(bench):
        job = (f"{UNTIL}{BUSY}\n"
               f"echo 0 >{CPU1} || exit 92\n"
               "ayaprof-uart --mode log -o /out/cpu.pb --summary-json /out/cpu.json -M cpu -d 3600 2>/out/cpu.err & board=$!\n"
               "until_said 'recording to'\nsleep 1\n"
               f"echo 1 >{CPU1}\nuntil_said 'CPU 1 has come'\nsleep 2\n"
               f"echo 0 >{CPU1}\nuntil_said 'CPU 1 is offline'\necho 1 >{CPU1}\nuntil_said 'CPU 1 has '\nsleep 3\n"
               # Away and back between two looks.
               f"echo 0 >{CPU1}; echo 1 >{CPU1}\nuntil_said 'CPU 1 has been away'\ncut -d. -f1 /proc/uptime >/out/back\nsleep 3\n"
               "kill -INT $board; wait $board || exit\ncut -d. -f1 /proc/uptime >/out/end\n")
        files = finish(bench, cell, job, {})
        recording = bench.tmp / "cpu.pb"
        recording.write_bytes(files["cpu.pb"])
        info = bench.info(recording)
        balanced(info, summary_of(files, "cpu"))
        back_ns = int(files["back"]) * 1000000000
        samples = collections.Counter(event[14] for event in bench.events(recording) if int.from_bytes(event[:8], "little") > back_ns)
        bench.note(f"{samples} after the CPU was back")
        assert samples[0] > 50 and samples[1] > 50, samples


def add_compat(cell):
    for mechanism in ("raw_tp", "tp"):
        @test(f"{cell.board} {cell.kernel}: a 32-bit program's calls have their own names, its execve the name it began with: {mechanism}")
        def compat(bench, mechanism=mechanism):
            files = {"workload32": program("armv7l", "workload")}
            job = run("compat", f"-M syscall --mechanism {mechanism}",
                      f"sh -c 'workload getppid {CALLS + 4}; exec /job/workload32 getppid {CALLS}'")
            got = finish(bench, cell, job, files)
            recording = bench.tmp / "compat.pb"
            recording.write_bytes(got["compat.pb"])
            info, stats = bench.info(recording), bench.stats(recording)
            balanced(info, summary_of(got, "compat"))
            assert info["lost"]["total"] == 0, info["lost"]
            # The shell asks once for itself.
            assert stats["arm_sys_getppid"]["count"] == CALLS and CALLS + 4 <= stats["sys_getppid"]["count"] <= CALLS + 6, stats
            assert stats["arm_sys_getppid"]["no_end"] == 0 and stats["arm_sys_getppid"]["kind"] == "syscall", stats
            assert stats["sys_execve"]["no_end"] == 0 and "arm_sys_execve" not in stats, stats
            # 64 is arm's getppid and arm64's write.
            assert stats.get("sys_write", {"count": 0})["count"] < CALLS, stats


def add_daemon32(cell):
    @test(f"{cell.board} {cell.kernel}: the 32-bit daemon on a 64-bit kernel says so, and names what it traces rightly")
    def daemon32(bench):
        files = {"daemon32": program("armv7l", "ayaprof-uart"), "workload32": program("armv7l", "workload")}
        job = ("/job/daemon32 --check >/out/check 2>&1 || exit\n"
               "/job/daemon32 --mode log -o /out/d32.pb --summary-json /out/d32.json -M syscall,sched,cpu 2>/out/d32.err -- "
               f"sh -c 'workload getppid {CALLS + 4}; exec /job/workload32 getppid {CALLS}' || exit\n")
        got = finish(bench, cell, job, files)
        assert "64-bit kernel" in got["d32.err"].decode(), got["d32.err"].decode()
        assert b"this program is a 32-bit one" in got["check"], got["check"].decode()
        recording = bench.tmp / "d32.pb"
        recording.write_bytes(got["d32.pb"])
        info, stats = bench.info(recording), bench.stats(recording)
        balanced(info, summary_of(got, "d32"))
        # The shell asks once for itself.
        assert stats["arm_sys_getppid"]["count"] == CALLS and CALLS + 4 <= stats["sys_getppid"]["count"] <= CALLS + 6, stats

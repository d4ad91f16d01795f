"""Known troubles in logs of every kind."""

from __future__ import annotations

import io
import random
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.explain import explain_log, explain_stream, load_rules

NO_KERNEL = "RuntimeError: CUDA error: no kernel image is available for execution on the device"


def ids(log: str | bytes) -> list[str]:
    if isinstance(log, str):
        return [found.id for found in explain_log(log)]
    return [found.id for found in explain_stream(io.BytesIO(log))]


@pytest.mark.parametrize(
    "log",
    [
        "",
        "\n\n",
        "epoch 1 done, 137 rows, exit code 0\n",
        "worker 3 was killed by the user's request; 137 left\n",
        "Downloading torch-2.8.0-cp312-cp312-manylinux_2_28_x86_64.whl (888 MB)\n",
        "loss 0.4071 nanoseconds 12\n",
        "permission to continue was denied by no one\n",
        "NCCL version 2.27.3+cuda12.9\n",
        '            "OOMKilled": false,\n',
        "Freezing user space processes; OOM killer disabled.\n",
        "WARNING: docker run --oom-kill-disable is discarded\n",
        "srun: error: n1: task 0: Killed\nslurmstepd: error: *** STEP 7.0 CANCELLED DUE TO TIME LIMIT ***\n",
        "This exits with exit code 137 if OOM\n",
        "exit code 137 means that the memory ran out\n",
        "epoch 1 proxy_metric=0.4 step 407\n",
        "proxy anchor loss 0.31, batch 407\n",
        "runc: mkdir /sys/fs/cgroup/docker/3f: no space left on device\n",
        "unable to create session key: disk quota exceeded\n",
        "a run stops when the disk is full\n",
        "pcieport 0000:00:1c.0: PCIe Bus Error: severity=Corrected, type=Physical Layer\n",
        "Generating a self-signed certificate for the notebook\n",
        "429 Client Error: Too Many Requests for url: https://index.example.com/simple/torch/\n",
        "Using bf16 Mixed Precision\n",
        "'ignore_mismatched_sizes': False,\n",
        "no NaN values in the labels\n",
        "checking for NaN values in 12 columns\n",
        "training will stop when loss is nan\n",
        "skipping a step: non-finite gradient\n",
        "NCCL error handling mode: 3\n",
        "faulthandler is registered for SIGSEGV\n",
        "Hint: if you see CUDA out of memory, lower --micro-batch-tokens\n",
        "/models is mounted as a read-only file system of the cluster\n",
        "image segmentation fault-tolerant training\n",
        "this GPU works with bf16/gpu setup\n",
        "connection broken: 0 of 12 downloads\n",
        "offline mode is enabled: models come from the cache\n",
        "externally managed python environment: no\n",
        "libomp was already initialized by torch\n",
        "NCCL errors: 0\n",
        "gpu is lost 0 times\n",
        "INFO if you see 'CUDA out of memory' then lower --micro-batch-tokens\n",
        "2026-01-02 10:00:00,123 INFO trainer: retries on 'RuntimeError: CUDA out of memory'\n",
        "2026-01-02 10:00:00,123 - trainer - INFO - retries on 'RuntimeError: CUDA out of memory'\n",
        "[2026-01-02 10:00:00] [INFO] retries on 'RuntimeError: CUDA out of memory'\n",
        "INFO:trainer:retries on 'RuntimeError: CUDA out of memory'\n",
        "gpu01 trainer[7]: DEBUG looks for 'RuntimeError: CUDA out of memory'\n",
        "If it failed with an error like 'CUDA out of memory', use smaller steps\n",
        "If you see the error 'OSError: [Errno 28] No space left on device', free some space\n",
        "In case of trouble: when you get CUDA error: device-side assert triggered, check the labels\n",
        "docs/trouble.md:12:RuntimeError: CUDA out of memory\n",
        "docs/trouble.rst:7:    No space left on device\n",
        'src/loop.py:40:        raise RuntimeError("CUDA out of memory")\n',
        'src/loop.py-41-    if "address already in use" in str(error):\n',
        "$ grep -rn 'Too many open files' logs\n",
        "ada@gpu01:~$ echo 'Segmentation fault'\n",
        '    raise OSError("No space left on device")\n',
        '    if "CUDA out of memory" in str(error):\n',
        '    logger.info("catches ModuleNotFoundError: No module named x")\n',
        "# CUDA out of memory\n",
        "This page lists errors such as 'Temporary failure in name resolution'.\n",
        "Set expandable_segments to avoid CUDA out of memory\n",
        "'Illegal instruction' means that the processor is too old\n",
        "'CUDA out of memory' can be avoided with a smaller step\n",
        "fixes for the error 'address already in use'\n",
    ],
)
def test_log_without_a_known_trouble_gives_nothing(log: str) -> None:
    assert ids(log) == []


@pytest.mark.parametrize(
    "line",
    [
        "INFO: retrying after RuntimeError('CUDA out of memory. Tried to allocate 2 GiB')",
        '{"level": "INFO", "error": "CUDA out of memory"}',
        "rank 3: CUDA out of memory",
        "[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB",
        "2026-01-02 ERROR the step failed when the batch was computed: CUDA out of memory",
        "run.log:12:RuntimeError: CUDA out of memory",
        "loop.py:40: UserWarning: CUDA out of memory",
        "#12 0.9 RuntimeError: CUDA out of memory",
        "ERROR saving to /mnt/info/ckpt: 'RuntimeError: CUDA out of memory'",
        "ERROR rank 3 failed (NCCL_DEBUG=INFO): 'RuntimeError: CUDA out of memory. Tried to allocate 2 GiB'",
        "2026-11-01 ERROR see debug log for job 7: 'torch.OutOfMemoryError: CUDA out of memory.'",
        "torchrun --log-level info failed: 'torch.OutOfMemoryError: CUDA out of memory.'",
        "Failed to handle torch.OutOfMemoryError: CUDA out of memory.",
        "ERROR: unable to prevent torch.OutOfMemoryError: CUDA out of memory.",
        "ERROR in trainer while catching torch.OutOfMemoryError: CUDA out of memory.",
        "docker exited with an error saying 'CUDA out of memory'",
        "ERROR Worker 0 died with an error like CUDA out of memory",
        "Job failed when it saved the checkpoint, error 'RuntimeError: CUDA out of memory'",
    ],
)
def test_error_in_whatever_a_program_says_is_none_that_is_only_spoken_of(line: str) -> None:
    assert ids(line) == ["gpu-memory"]


MULTIPROCESSING = """  File "/usr/lib/python3.12/multiprocessing/synchronize.py", line 57, in __init__
    sl = self._semlock = _multiprocessing.SemLock(
                         ^^^^^^^^^^^^^^^^^^^^^^^^^
"""


@pytest.mark.parametrize(
    ("log", "trouble"),
    [
        ("OSError: [Errno 28] inotify watch limit reached", "file-watches"),
        ("Error: ENOSPC: System limit for number of file watchers reached, watch '/data'", "file-watches"),
        ("tail: cannot watch 'run.log': No space left on device", "file-watches"),
        ("OSError: [Errno 24] inotify instance limit reached", "file-watches"),
        (
            "RuntimeError: unable to write to file </torch_1_4_7>: No space left on device (28)",
            "shared-memory",
        ),
        ("OSError: [Errno 28] No space left on device: '/dev/shm/joblib_memmapping_1'", "shared-memory"),
        (f"{MULTIPROCESSING}OSError: [Errno 28] No space left on device", "shared-memory"),
        ("OSError: [Errno 28] No space left on device: '/home/ada/torch_2/x.bin'", "disk-full"),
        ("unable to open shared memory object </torch_1_4>: Too many open files (24)", "open-files"),
        ("ImportError: libgomp.so.1: cannot allocate memory in static TLS block", "static-tls"),
        ("ERROR: No matching distribution found for torch-scatter==2.1.2", "package-no-wheel"),
        ("ERROR: No matching distribution found for torchtext==0.19", "package-no-wheel"),
        ("ERROR: No matching distribution found for torch", "torch-no-wheel"),
        ("SSLError: certificate verify failed: Hostname mismatch, not for 'x'", "certificate-name"),
        ("ssl: certificate verify failed: certificate has expired (_ssl.c:1000)", "certificate-time"),
        ("srun: error: n1: task 0: Killed", "host-memory"),
        ("srun: error: n1: tasks 0-3,7: Killed", "host-memory"),
        ("make[2]: *** [train.mk:3: model] Killed", "host-memory"),
        ("Command terminated by signal 9", "host-memory"),
        ("slurmstepd: error: Detected 2 oom_kill events in StepId=7.0", "host-memory"),
        ('"State": {"OOMKilled": true, "ExitCode": 137}', "host-memory"),
        ("      Exit Code:    137", "host-memory"),
        ("Received HTTP code 407 from proxy after CONNECT", "proxy-login"),
        (
            "ImportError: libc10.so: cannot open shared object file: No such file or directory",
            "undefined-symbol",
        ),
        ("libcurl.so.4: cannot open shared object file: No such file", "system-library-missing"),
        ("nvidia-container-cli: initialization error: nvml error: driver not loaded", "driver-missing"),
        ("PermissionError: [Errno 13] Permission denied: '/usr/lib/python3/dist-packages/x'", "permission"),
        ("PermissionError: [Errno 13] Permission denied: '/home'", "permission"),
        ("PermissionError: [Errno 13] Permission denied: '/home/ada/.cache/x'", "permission-home"),
        ("mkdir: cannot create directory ‘/home/ada/runs’: Permission denied", "permission-home"),
        ("PermissionError: [Errno 13] Permission denied: '/dev/nvidia0'", "gpu-permission"),
        ("Unable to open /dev/kfd read-write: Permission denied", "gpu-permission"),
    ],
)
def test_line_that_resembles_another_trouble_gives_its_own_alone(log: str, trouble: str) -> None:
    assert ids(log) == [trouble]


def test_line_shown_is_the_last_that_tells_with_its_number() -> None:
    found = explain_log(f"one\n{NO_KERNEL}\nthree\nrank 1: {NO_KERNEL}\nfive\n")[0]

    assert (found.line_number, found.line) == (4, f"rank 1: {NO_KERNEL}")


def test_line_that_a_progress_bar_wrote_over_is_shown_alone() -> None:
    found = explain_log(f"one\n 10%|#    |\r 20%|##   |\r{NO_KERNEL}\r\nthree\n")[0]

    assert (found.line_number, found.line) == (2, NO_KERNEL)


@pytest.mark.parametrize(
    "log",
    [
        b"\x1b[1;31mRuntimeError\x1b[0m: CUDA error: no kernel \x1b[4mimage\x1b[24m is available for execution\n",
        NO_KERNEL.encode("utf-16"),
        NO_KERNEL.encode("utf-16-le"),
        ("────── ─ ──────\n" + NO_KERNEL).encode("utf-16-le"),
        ("größer: " + NO_KERNEL).encode("latin-1"),
        b"\xef\xbb\xbf" + NO_KERNEL.encode(),
        b"\x00\xff\xfe\x80" + NO_KERNEL.encode(),
        NO_KERNEL.upper().encode(),
        b"\0" * 999 + NO_KERNEL.encode(),
        b"\0" * 1_100_000 + NO_KERNEL.encode(),
        b"\0" * 1000 + NO_KERNEL.encode("utf-16-le"),
        b"\0" * 1000 + NO_KERNEL.encode("utf-16-be"),
    ],
    ids=[
        "colours",
        "utf-16",
        "utf-16 unmarked",
        "utf-16 with lines drawn",
        "latin-1",
        "utf-8 mark",
        "binary",
        "capitals",
        "zeros first",
        "many zeros first",
        "zeros before utf-16",
        "zeros before utf-16 of the other order",
    ],
)
def test_log_in_any_encoding_and_with_colours_is_read(log: bytes) -> None:
    assert ids(log) == ["no-kernel-image"]


def test_several_troubles_are_shown_by_importance_and_notes_last() -> None:
    fork = "The current process just got forked, after parallelism has already been used."
    log = f"{fork}\nModuleNotFoundError: No module named 'x'\nKilled\n{NO_KERNEL}\n"

    assert ids(log) == ["no-kernel-image", "host-memory", "module-missing", "tokenizers-fork"]


def test_trouble_that_follows_from_another_is_left_out() -> None:
    log = "SSLError(CERTIFICATE_VERIFY_FAILED)\nLocalEntryNotFoundError: An error happened while trying\n"

    assert ids(log) == ["certificate"]


def test_text_wrapped_by_uv_is_read_across_its_lines() -> None:
    log = (
        "  × No solution found when resolving dependencies:\n"
        "  ╰─▶ Because torch==2.3.0 has no wheels with a matching Python ABI\n"
        "      tag (e.g., `cp314`), we can conclude that your requirements are\n"
        "      unsatisfiable.\n"
    )

    assert ids(log)[0] == "torch-no-wheel"


@pytest.mark.parametrize("size", [1, 7, 4095, 4096, 4097, 1 << 20, (1 << 20) + 5, (1 << 20) - 40])
def test_trouble_is_found_wherever_a_block_ends(size: int) -> None:
    line = "x" * 99 + "\n"
    before = (line * (size // 100 + 1))[-size:]

    found = explain_log(f"{before}\n{NO_KERNEL}\n{line * 50}")

    assert [(each.id, each.line_number) for each in found] == [("no-kernel-image", before.count("\n") + 2)]


def test_same_line_as_before_with_other_numbers_is_looked_at_again() -> None:
    fine = "".join(f"worker {number} has ended with exit code: 0\n" for number in range(20_000))

    found = explain_log(f"{fine}worker 7 has ended with exit code: 137\n{fine}")

    assert [(each.id, each.line_number) for each in found] == [("host-memory", 20_001)]


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_without_an_error(log: bytes) -> None:
    explain_stream(io.BytesIO(log))


@pytest.mark.slow
@given(
    st.lists(st.sampled_from([rule.examples[0] for rule in load_rules()]), min_size=1, max_size=4),
    st.text(st.characters(codec="utf-8"), max_size=200),
)
def test_examples_among_any_text_are_found(examples: list[str], noise: str) -> None:
    found = ids("\n".join(f"{noise}\n{example}" for example in examples))

    assert found


class Endless:
    """A log of so many bytes that never lies in memory as a whole."""

    def __init__(self, size: int, lines: list[bytes]) -> None:
        self._left, self._lines, self._random = size, lines, random.Random(1)

    def read(self, size: int) -> bytes:
        size = min(size, self._left)
        self._left -= size
        block = b"".join(self._lines[self._random.randrange(len(self._lines))] for _ in range(size // 60 + 1))
        return block[:size]


LONG_LOGS = {
    "training": b"step %d/10000 loss=0.%d lr=3e-5 tokens/s=%d eta 00:13:22 | epoch 3 | norm 1.2\n",
    "near misses": b"%d killed exit code: %d error permission denied undefined symbol x %d proxy\n",
    "one line of bars": b"progress %d%% of %d (%d)\r",
    "one line": b"x%dy%dz%d",
}


def long_log(kind: str, size: int) -> Endless:
    return Endless(
        size, [LONG_LOGS[kind] % (number, 7 * number, 13 * number) for number in range(10_000, 15_000)]
    )


@pytest.mark.long
@pytest.mark.parametrize("kind", LONG_LOGS)
def test_log_of_100_mb_takes_seconds(kind: str) -> None:
    began = time.process_time()

    assert explain_stream(long_log(kind, 100_000_000)) == []

    assert time.process_time() - began < 20  # several times what it takes


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["training", "one line of bars", "one line"])
def test_log_of_any_length_takes_little_memory(kind: str) -> None:
    tracemalloc.start()
    try:
        explain_stream(long_log(kind, 30_000_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 40_000_000

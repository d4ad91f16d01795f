from __future__ import annotations

import pytest

from envkit.machine.cgroup import read_limits
from envkit.machine.files import Files

GROUP = "/sys/fs/cgroup"


@pytest.mark.parametrize(
    ("files", "memory", "cores"),
    [
        pytest.param({}, None, None, id="no control groups"),
        pytest.param(
            {
                "/proc/self/cgroup": "0::/\n",
                f"{GROUP}/memory.max": "8589934592\n",
                f"{GROUP}/cpu.max": "150000 100000\n",
            },
            8 << 30,
            1.5,
            id="version 2 in a container",
        ),
        pytest.param(
            {
                "/proc/self/cgroup": "0::/a/b\n",
                f"{GROUP}/a/b/memory.max": "max\n",
                f"{GROUP}/a/memory.max": "1024\n",
                f"{GROUP}/memory.max": "4096\n",
                f"{GROUP}/a/b/cpu.max": "max 100000\n",
            },
            1024,
            None,
            id="version 2, an ancestor's limit",
        ),
        pytest.param(
            {"/proc/self/cgroup": "0::/../host/path\n", f"{GROUP}/memory.max": "2048"},
            2048,
            None,
            id="version 2, the path is the host's",
        ),
        pytest.param(
            {
                "/proc/self/cgroup": "5:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/\n0::/\n",
                f"{GROUP}/memory/job/memory.limit_in_bytes": "1000000\n",
                f"{GROUP}/memory/memory.limit_in_bytes": "9223372036854771712\n",
                f"{GROUP}/cpu,cpuacct/job/cpu.cfs_quota_us": "200000\n",
                f"{GROUP}/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                f"{GROUP}/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                f"{GROUP}/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            1_000_000,
            2.0,
            id="version 1",
        ),
        pytest.param(
            {"/proc/self/cgroup": "nonsense\n\n0:", f"{GROUP}/memory.max": "much", f"{GROUP}/cpu.max": "1"},
            None,
            None,
            id="garbage",
        ),
    ],
)
def test_limits_read_as_the_smallest_on_the_way_up(make_root, files, memory, cores):
    limits = read_limits(Files(make_root(files)))
    assert (limits.memory, limits.cores) == (memory, cores)

#!/usr/bin/env python3
"""Runs the harness with TaskMaster among its systems, without a change to the harness.

    python3 bench/harness/run.py HARNESS run --systems taskmaster,river --scenario idle_in_tx_saturation

HARNESS is a checkout of hardbyte/postgresql-job-queue-benchmarking; what follows is for its bench.py.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

if len(sys.argv) < 3:
    sys.exit(__doc__)
sys.path.insert(0, str(Path(sys.argv.pop(1)).resolve()))

from bench_harness import adapters  # noqa: E402
from bench_harness.orchestrator import main  # noqa: E402


def build(skip: bool) -> None:
    if not skip:
        subprocess.run(["bun", "install", "--frozen-lockfile"], cwd=ROOT, check=True)


def launch(manifest: adapters.AdapterManifest, overrides: dict[str, str]) -> adapters.LaunchSpec:
    return adapters.LaunchSpec(
        argv=["bun", str(HERE / "main.ts")],
        env=adapters._base_env(manifest, overrides),
        cwd=str(ROOT),
    )


adapters.ADAPTERS["taskmaster"] = adapters.AdapterEntry(bench_dir=HERE, builder=build, launcher=launch)

if __name__ == "__main__":
    raise SystemExit(main())

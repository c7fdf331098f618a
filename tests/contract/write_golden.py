"""Write the golden file of each event that has none. Never touches one that is there."""

from tests.contract.test_golden_events import GOLDEN, OURS, golden_bytes

for kind in OURS:
    file = GOLDEN / f"{kind}.json"
    if not file.exists():
        file.write_bytes(golden_bytes(kind) + b"\n")
        print(f"wrote {file.name}")

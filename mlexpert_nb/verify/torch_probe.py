"""What torch sees on this machine; run by its path in a child, so that a broken torch ends the child alone.

Prints one JSON object: the version, the CUDA it was built for, the cards with their memory, whether there is MPS, and
the warnings that looking for a card gave.
"""

import json
import sys
import warnings

import torch


def main() -> None:
    """Print what there is."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        cards = [
            [torch.cuda.get_device_name(n), torch.cuda.get_device_properties(n).total_memory] for n in range(count)
        ]
    facts = {
        "version": torch.__version__,
        "built_for": torch.version.cuda or torch.version.hip or "",
        "cards": cards,
        "mps": torch.backends.mps.is_available(),
        "warnings": [str(each.message) for each in caught],
    }
    sys.stdout.write(f"\n{json.dumps(facts)}\n")


if __name__ == "__main__":
    main()

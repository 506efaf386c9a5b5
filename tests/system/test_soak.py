# SPDX-License-Identifier: Apache-2.0
"""A few random faults; soak.py for hours."""

import pytest
from soak import soak


@pytest.mark.parametrize("kind", ["veth", "vhost"])
def test_random_faults(fabric, kind):
    assert soak(fabric, kind, seconds=15, seed=1)

import pytest

from branchwork.lsp.registry import Features
from support.odd_features import odd_features


@pytest.fixture
def features() -> Features:
    return odd_features()

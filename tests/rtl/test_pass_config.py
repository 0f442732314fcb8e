"""copy_source and copy_fire: settings change when they are taken, all of them, and at no other time."""
import pytest

from rtl.config import CoreConfig
from rtl.pass_config import FireConfig, SourceConfig, copy_fire, copy_source
from tests.rtl.copying import check_copies

CONFIG = CoreConfig()


@pytest.mark.parametrize("copy, settings", [(copy_source, SourceConfig), (copy_fire, FireConfig)])
def test_all_settings_are_copied_when_taken_and_kept_otherwise(copy, settings):
    check_copies(copy, lambda: settings(CONFIG), seed=81)

"""copy_fetch, copy_source and copy_fire: settings change when they are taken, all of them, and at no other time."""
import pytest

from rtl.config import CoreConfig
from rtl.pass_settings import FetchSettings, FireSettings, SourceSettings, copy_fetch, copy_fire, copy_source
from tests.rtl.copying import check_copies

CONFIG = CoreConfig()


@pytest.mark.parametrize("copy, settings", [
    (copy_fetch, FetchSettings), (copy_source, SourceSettings), (copy_fire, lambda: FireSettings(CONFIG))],
    ids=["fetch", "source", "fire"])
def test_all_settings_are_copied_when_taken_and_kept_otherwise(copy, settings):
    check_copies(copy, settings, seed=82)

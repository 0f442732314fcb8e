"""From a network to the streams of the core: tiles, words, weight images and tokens, as docs/core.md defines them."""

from cascadefire.compiler.lower import compile
from cascadefire.compiler.modes import MODES
from cascadefire.compiler.program import Pass, Program, WeightImage
from cascadefire.compiler.sizing import core_config

__all__ = ["MODES", "Pass", "Program", "WeightImage", "compile", "core_config"]

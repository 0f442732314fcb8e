"""The programs that build a Verilator model."""
import pytest

from tb import toolchain


@pytest.mark.parametrize("missing, calls, links", [("__atomic_is_lock_free", 2, True), ("main", 1, False)])
def test_libatomic_is_linked_when_and_only_when_the_linker_has_missed_it(tmp_path, monkeypatch, missing, calls, links):
    log = tmp_path / "calls"
    linker = tmp_path / "linker"
    linker.write_text(f"""#!/bin/sh
echo "$@" >> '{log}'
case "$*" in *-latomic*) exit 0;; esac
echo "undefined reference to \\`{missing}'" >&2
exit 1
""")
    linker.chmod(0o755)
    monkeypatch.setattr(toolchain, "compiler", lambda: (str(linker),))
    if links:
        toolchain.link([tmp_path / "a.o"], tmp_path / "model")
    else:
        with pytest.raises(toolchain.ToolError, match=missing):
            toolchain.link([tmp_path / "a.o"], tmp_path / "model")
    assert len(log.read_text().splitlines()) == calls

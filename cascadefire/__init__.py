"""The offline side of cascadefire: pruning, quantisation, networks, the integer reference and the compiler."""

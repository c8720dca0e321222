"""Problems made out of problems: a small language of quantities, operators that evolve it, and a pool that lets in only
what execution has verified."""

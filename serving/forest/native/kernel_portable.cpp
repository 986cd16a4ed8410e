// The evaluation for any processor, in vectors of the 128 bits that SSE2 and NEON have.

#include "kernel.h"

namespace batchscore {

void add_forest_portable(const Forest& forest, const Records& records, void* sums) {
    add_forest<VectorIsa<4>>(forest, records, sums);
}

void add_forest_portable(const Forest& forest, const Columns& records, void* sums) {
    add_forest<VectorIsa<4>>(forest, records, sums);
}

}  // namespace batchscore

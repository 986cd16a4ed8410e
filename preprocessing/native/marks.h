// Where delimiters, quotes and bytes beyond ASCII stand, found for 64 bytes at a time.

#pragma once

#include "bytes.h"

namespace batchscore {

// One bit for each of 64 bytes, the first byte lowest.
struct Marks {
    uint64_t delimiters;
    uint64_t quotes;
    uint64_t beyond_ascii;
};

constexpr size_t kMarkedBytes = 64;

// Mark `block_count` times 64 bytes, with the widest vectors that this processor has.
void mark_blocks(const char* bytes, size_t block_count, char delimiter, Marks* marks);

}  // namespace batchscore

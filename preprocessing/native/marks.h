// Where separators, quotes and bytes beyond ASCII stand, found for 64 bytes at a time.

#pragma once

#include "bytes.h"

namespace batchscore {

// One bit for each of 64 bytes, the first byte lowest.
struct Marks {
    uint64_t wanted;
    uint64_t quotes;
    uint64_t beyond_ascii;
};

// The two bytes that are looked for beside quotes; they may be the same.
struct Wanted {
    char first;
    char second;
};

constexpr size_t kMarkedBytes = 64;

// Mark `block_count` times 64 bytes, with the widest vectors that this processor has.
void mark_blocks(const char* bytes, size_t block_count, Wanted wanted, Marks* marks);

// What `find_wanted` found.
struct Found {
    size_t count;
    bool has_quotes;
    bool is_ascii;
};

// So many positions after the last may be overwritten.
constexpr size_t kSparePositions = kMarkedBytes;

// Write where the wanted bytes of less than 4 GiB stand, ascending; `positions` must have room for all bytes.
Found find_wanted(Span bytes, Wanted wanted, uint32_t* positions);

}  // namespace batchscore

// A forest laid out for evaluation: plain arrays, read by every kernel.
//
// Trees are evaluated in groups. The tests of a group are the distinct comparisons that its trees make; each
// is answered for a whole block of records before any tree is looked at, as one bit a record. A tree is then
// a matter of choosing among those bits, level by level.

#ifndef BATCHSCORE_FOREST_H
#define BATCHSCORE_FOREST_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace batchscore {

constexpr int kMaxDepth = 12;

// Nodes of one level that are chosen among without looking whether they are there.
constexpr int kChunkLevels = 5;

// Tests of one group; with 64 bytes of answers each, they stay in the second-level cache.
constexpr size_t kGroupTests = 4096;

// A record goes right where not (value < threshold). A missing value goes left or right as the test says.
struct Test {
    uint32_t feature;
    float threshold;
    bool is_missing_left;
};

struct Tree {
    uint32_t output;      // the sum that it adds to
    int32_t depth;        // tests on the longest way to a leaf
    size_t nodes;         // of Forest::nodes: for level k, 2^k numbers of tests within the group
    size_t leaves;        // of Forest::leaves: 2^depth values, bit k of the index being the way taken at level k
    uint64_t chunks[kMaxDepth];  // for each level: which runs of 2^kChunkLevels nodes have a node
};

struct Group {
    size_t first_test, test_count;
    size_t first_tree, tree_count;
};

struct Forest {
    uint32_t feature_count = 0;
    uint32_t output_count = 1;
    std::vector<Test> tests;  // of each group by feature and threshold
    std::vector<Tree> trees;
    std::vector<Group> groups;
    std::vector<uint16_t> nodes;
    std::vector<float> leaves;
    size_t most_tests = 0;  // of any group
};

// Trees as XGBoost writes them: the arrays of all trees one after another, children counted within a tree.
struct RawTrees {
    const int64_t* ends;  // of each tree, in nodes
    size_t tree_count, node_count;
    const int32_t* left;   // negative: a leaf
    const int32_t* right;
    const uint32_t* feature;
    const float* value;  // threshold, or what a leaf adds
    const uint8_t* is_missing_left;
    const uint32_t* output;  // of each tree
};

// Throws std::invalid_argument where a tree is deeper than kMaxDepth or points outside.
Forest lay_out(const RawTrees& raw, uint32_t feature_count, uint32_t output_count);

// Float32 records by column: value (r, f) stands at data + r * record_stride + f * feature_stride (bytes).
struct Records {
    const char* data;
    size_t count;
    ptrdiff_t record_stride, feature_stride;
};

// Add what the trees say to `sums`, float32 of shape (records, outputs), which starts with the base score.
using AddForest = void (*)(const Forest& forest, const Records& records, float* sums);

void add_forest_portable(const Forest& forest, const Records& records, float* sums);
#if defined(__x86_64__)
void add_forest_avx2(const Forest& forest, const Records& records, float* sums);
void add_forest_avx512(const Forest& forest, const Records& records, float* sums);
#endif

}  // namespace batchscore

#endif

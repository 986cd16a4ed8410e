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

// Bits of the index of a leaf.
constexpr int kMaxPlanes = 12;

// Nodes of one level that are chosen among without looking whether they are there.
constexpr int kChunkLevels = 5;

// Tests of one group; with 64 bytes of answers each, they stay in the second-level cache.
constexpr size_t kGroupTests = 4096;

// What stands before the answers to a group's tests: bits that are all 0 or all 1, and what steps write, the bits
// of a tree's index of leaves first.
constexpr uint16_t kZeros = 0, kOnes = 1, kFirstPlane = 2, kFirstScratch = kFirstPlane + kMaxPlanes;
constexpr uint16_t kFirstTest = 256;

// Numbers that LightGBM takes for zero have at most this magnitude.
constexpr float kZeroBound = 1e-35f;

// Where a missing value goes; with some tests zero is missing too.
enum class Missing : uint8_t { kRight, kLeft, kZeroRight, kZeroLeft };

// A record goes right where not (value < threshold).
struct Test {
    uint32_t feature;
    float threshold;
    Missing missing;
};

// answers[to] = answers[test] ? answers[right] : answers[left], for each record
struct Step {
    uint16_t test, right, left, to;
};

// A tree is evaluated level by level, with steps if it has any. Both give the index of a leaf, a plane of bits each.
struct Tree {
    uint32_t output;      // the sum that it adds to
    int32_t plane_count;
    size_t nodes;         // of Forest::nodes: for level k, 2^k places of tests among the answers
    size_t leaves;        // of the forest's leaves: 2^plane_count values; by levels bit k is the way taken at level k
    size_t first_step, step_count;  // of Forest::steps
    uint64_t chunks[kMaxPlanes];    // for each level: which runs of 2^kChunkLevels nodes have a node
};

// Bits of a rank, and the thresholds that it can stand among.
constexpr uint32_t kMaxRankBits = 8;
constexpr size_t kMaxRankedThresholds = (size_t{1} << kMaxRankBits) - 1;

// Tests of one feature that are answered together: a rank is how many of their thresholds a value reaches.
struct Run {
    size_t first_test, test_count;  // of Forest::tests
    uint32_t rank_bits;             // of the largest rank; 0: the tests are few, and each is answered by itself
    size_t thresholds;              // of Forest::thresholds: each of them once, and infinities up to the largest rank
};

struct Group {
    size_t first_test, test_count;
    size_t first_run, run_count;
    size_t first_tree, tree_count;
    bool has_zeros;  // whether any test sets zeros apart
};

struct Forest {
    uint32_t feature_count = 0;
    uint32_t output_count = 1;
    std::vector<Test> tests;  // of each group by feature and threshold
    std::vector<Tree> trees;
    std::vector<Group> groups;
    std::vector<Run> runs;
    std::vector<float> thresholds;
    std::vector<uint8_t> ranks;  // of each test: the first rank that answers it with 1; 0 in runs without ranks
    std::vector<uint16_t> nodes;
    std::vector<Step> steps;
    bool is_wide = false;  // whether leaves are added in float64
    std::vector<float> leaves;
    std::vector<double> wide_leaves;
    size_t most_tests = 0;  // of any group
};

// Trees as their libraries have them: the arrays of all trees one after another, children counted within a tree.
struct RawTrees {
    const int64_t* ends;  // of each tree, in nodes
    size_t tree_count, node_count;
    const int32_t* left;   // negative: a leaf
    const int32_t* right;
    const uint32_t* feature;
    const double* value;     // threshold, which is a float32, or what a leaf adds
    const uint8_t* missing;  // of each node: a `Missing`
    const uint32_t* output;  // of each tree
};

// Throws std::invalid_argument where a tree has more than 2^kMaxPlanes leaves or points outside.
Forest lay_out(const RawTrees& raw, uint32_t feature_count, uint32_t output_count, bool is_wide);

// Float32 records by column: value (r, f) stands at data + r * record_stride + f * feature_stride (bytes).
struct Records {
    const char* data;
    size_t count;
    ptrdiff_t record_stride, feature_stride;
};

// How the values of a column stand in memory, without gaps; bits from the lowest of each byte on.
enum class Storage : uint8_t { kFloat32, kFloat64, kInt8, kInt16, kInt32, kInt64, kBits };

// One feature of some records, in memory that need not be aligned.
struct Column {
    Storage storage;
    const char* values;
    const uint8_t* valid;  // bits, 0 where the value is missing; null where none is
    size_t offset;         // of the first record, in `values` and `valid`
    const float* table;    // what an integer stands for, by its value; null where it stands for itself
    size_t table_size;     // an integer that is not in the table is a missing value
};

// Records by the columns that their features are in.
struct Columns {
    const Column* columns;  // as many as the forest has features
    size_t count;
    uint8_t* infinite;  // of each record: becomes 1 where a feature is infinite as float32, and else stays
};

// Add what the trees say to `sums`, which start with the base score: float32, or float64 where the forest is wide,
// of shape (records, outputs).
using AddForest = void (*)(const Forest& forest, const Records& records, void* sums);
using AddForestToColumns = void (*)(const Forest& forest, const Columns& records, void* sums);

void add_forest_portable(const Forest& forest, const Records& records, void* sums);
void add_forest_portable(const Forest& forest, const Columns& records, void* sums);
#if defined(__x86_64__)
void add_forest_avx2(const Forest& forest, const Records& records, void* sums);
void add_forest_avx2(const Forest& forest, const Columns& records, void* sums);
void add_forest_avx512(const Forest& forest, const Records& records, void* sums);
void add_forest_avx512(const Forest& forest, const Columns& records, void* sums);
#endif

}  // namespace batchscore

#endif

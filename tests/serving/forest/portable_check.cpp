// Compares the portable evaluation with a walk through every tree, on whatever processor this is built for:
// `make test-arm` builds it for ARM and runs it in QEMU. It ends with 1 at the first bit that differs.

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "../../../serving/forest/native/forest.h"

namespace {

using namespace batchscore;

struct MadeForest {
    std::vector<int64_t> ends;
    std::vector<int32_t> left, right;
    std::vector<uint32_t> feature, output;
    std::vector<double> value;  // thresholds are float32
    std::vector<uint8_t> missing;
};

using Random = std::mt19937;

float made_number(Random& random) {
    const float nasty[] = {0.0f, -0.0f, 1e-45f, -1e-45f, 3.4028235e38f, 1.0f, -1.0f, 1e-35f};
    if (random() % 2) return nasty[random() % 8];
    return std::normal_distribution<float>(0, 1)(random);
}

// Deep trees have few nodes: with them they would have too many leaves.
void add_tree(MadeForest& forest, Random& random, int depth, uint32_t feature_count) {
    const size_t first = forest.left.size();
    const auto add_node = [&] {
        forest.left.push_back(-1);
        forest.right.push_back(-1);
        forest.feature.push_back(static_cast<uint32_t>(random() % feature_count));
        forest.value.push_back(made_number(random));
        forest.missing.push_back(static_cast<uint8_t>(random() % 4));
    };
    std::vector<int> levels{0};
    add_node();
    for (size_t node = 0; node < levels.size(); ++node) {
        if (levels[node] == depth || (node && random() % (depth > 12 ? 2 : 4) == 0)) continue;
        forest.left[first + node] = static_cast<int32_t>(levels.size());
        forest.right[first + node] = static_cast<int32_t>(levels.size() + 1);
        for (int child = 0; child < 2; ++child) {
            levels.push_back(levels[node] + 1);
            add_node();
        }
    }
    forest.ends.push_back(static_cast<int64_t>(forest.left.size()));
}

double walked(const MadeForest& forest, size_t tree, const float* record) {
    const size_t first = tree ? static_cast<size_t>(forest.ends[tree - 1]) : 0;
    size_t node = first;
    while (forest.left[node] >= 0) {
        const float value = record[forest.feature[node]];
        const auto missing = static_cast<Missing>(forest.missing[node]);
        const bool is_zero_missing = missing >= Missing::kZeroRight;
        const bool is_missing = std::isnan(value) || (is_zero_missing && std::fabs(value) <= kZeroBound);
        const bool missing_goes_left = missing == Missing::kLeft || missing == Missing::kZeroLeft;
        const bool goes_left = is_missing ? missing_goes_left : static_cast<double>(value) < forest.value[node];
        node = first + static_cast<size_t>(goes_left ? forest.left[node] : forest.right[node]);
    }
    return forest.value[node];
}

// `Sum` is what leaves are added in.
template <typename Sum>
bool is_same(Random& random, int depth, size_t tree_count, size_t record_count, uint32_t output_count) {
    const auto feature_count = static_cast<uint32_t>(1 + random() % 12);
    MadeForest made;
    for (size_t tree = 0; tree < tree_count; ++tree) {
        add_tree(made, random, depth, feature_count);
        made.output.push_back(static_cast<uint32_t>(tree % output_count));
    }
    const RawTrees raw{made.ends.data(), tree_count, made.left.size(), made.left.data(), made.right.data(),
                       made.feature.data(), made.value.data(), made.missing.data(), made.output.data()};
    const Forest forest = lay_out(raw, feature_count, output_count, sizeof(Sum) == sizeof(double));
    std::vector<float> records(record_count * feature_count);
    for (float& value : records) value = random() % 9 ? made_number(random) : std::nanf("");
    std::vector<Sum> sums(record_count * output_count, Sum{0.5});
    std::vector<Sum> expected = sums;
    for (size_t record = 0; record < record_count; ++record) {
        for (size_t tree = 0; tree < tree_count; ++tree) {
            expected[record * output_count + tree % output_count] +=
                static_cast<Sum>(walked(made, tree, records.data() + record * feature_count));
        }
    }
    const Records given{reinterpret_cast<const char*>(records.data()), record_count,
                        static_cast<ptrdiff_t>(feature_count * sizeof(float)), sizeof(float)};
    add_forest_portable(forest, given, sums.data());
    return std::memcmp(sums.data(), expected.data(), sums.size() * sizeof(Sum)) == 0;
}

}  // namespace

int main() {
    Random random(7);
    int compared = 0;
    for (int depth = 0; depth <= 18; ++depth) {
        for (const size_t record_count : {1, 127, 128, 129, 700}) {
            for (const uint32_t output_count : {1u, 3u}) {
                if (!is_same<float>(random, depth, 6, record_count, output_count) ||
                    !is_same<double>(random, depth, 6, record_count, output_count)) {
                    std::printf("differs: depth %d, %zu records, %u outputs\n", depth, record_count, output_count);
                    return 1;
                }
                compared += 2;
            }
        }
    }
    std::printf("%d forests evaluated, no bit differs\n", compared);
    return 0;
}

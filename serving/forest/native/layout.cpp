// From trees as their libraries have them to the arrays that kernels read.

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "steps.h"

namespace batchscore {
namespace {

// What a step takes, in choices of an evaluation by levels, which stay in registers (measured: about two).
constexpr size_t kStepCost = 2;

// Fewer thresholds of a feature are compared one by one, which then takes less time than ranks.
constexpr size_t kMinRankedThresholds = 8;

// A node of a tree in the making: where it stands, and which one it is.
struct Place {
    int32_t node;
    int32_t level;
    uint32_t path;          // bit k: the way taken at level k, 1 is right; without meaning far down
    size_t left, right;     // places of the children, 0 for a leaf
};

struct TreeNodes {
    size_t first, count;
};

using TestKey = std::tuple<uint32_t, float, Missing>;

TestKey key_of(const Test& test) { return {test.feature, test.threshold, test.missing}; }

bool is_before(const Test& left, const Test& right) { return key_of(left) < key_of(right); }
bool is_same(const Test& left, const Test& right) { return key_of(left) == key_of(right); }
bool sets_zeros_apart(const Test& test) { return test.missing >= Missing::kZeroRight; }

class Layout {
  public:
    Layout(const RawTrees& raw, uint32_t feature_count, uint32_t output_count, bool is_wide) : raw_(raw) {
        forest_.feature_count = feature_count;
        forest_.output_count = output_count;
        forest_.is_wide = is_wide;
    }

    Forest run() {
        for (size_t number = 0; number < raw_.tree_count; ++number) add_tree(number);
        close_group();
        return std::move(forest_);
    }

  private:
    TreeNodes nodes_of(size_t number) const {
        const int64_t first = number ? raw_.ends[number - 1] : 0, end = raw_.ends[number];
        if (first < 0 || end <= first || static_cast<size_t>(end) > raw_.node_count) {
            throw std::invalid_argument("a tree has no nodes, or more than there are");
        }
        return TreeNodes{static_cast<size_t>(first), static_cast<size_t>(end - first)};
    }

    static size_t add_child(
        std::vector<Place>& places, const Place& parent, int32_t child, uint32_t way, size_t node_count
    ) {
        if (child < 0 || static_cast<size_t>(child) >= node_count || places.size() == node_count) {
            throw std::invalid_argument("a tree points outside itself or back");
        }
        const uint32_t bit = parent.level < kMaxPlanes ? way << parent.level : 0;
        places.push_back({child, parent.level + 1, parent.path | bit, 0, 0});
        return places.size() - 1;
    }

    // Every node on a way from the root, each once.
    std::vector<Place> places_of(const TreeNodes& nodes) const {
        std::vector<Place> places{{0, 0, 0, 0, 0}};
        size_t leaf_count = 0;
        for (size_t at = 0; at < places.size(); ++at) {
            const Place place = places[at];
            const size_t node = nodes.first + static_cast<size_t>(place.node);
            if (raw_.left[node] < 0) {
                ++leaf_count;
                continue;
            }
            if (raw_.feature[node] >= forest_.feature_count) throw std::invalid_argument("a feature is not there");
            if (std::isnan(raw_.value[node])) throw std::invalid_argument("a threshold is not a number");
            places[at].left = add_child(places, place, raw_.left[node], 0, nodes.count);
            places[at].right = add_child(places, place, raw_.right[node], 1, nodes.count);
        }
        if (leaf_count > size_t{1} << kMaxPlanes) throw std::invalid_argument("a tree has too many leaves");
        return places;
    }

    Test test_of(size_t node) const {
        const auto threshold = static_cast<float>(raw_.value[node]);
        // Adding 0 makes -0 into 0, which compares the same: then equal tests are one.
        return Test{raw_.feature[node], threshold + 0.0f, static_cast<Missing>(raw_.missing[node] & 3)};
    }

    void add_tree(size_t number) {
        const TreeNodes nodes = nodes_of(number);
        if (raw_.output[number] >= forest_.output_count) throw std::invalid_argument("an output is not there");
        std::vector<Place> places = places_of(nodes);
        std::vector<Test> tests;
        for (const Place& place : places) {
            const size_t node = nodes.first + static_cast<size_t>(place.node);
            if (raw_.left[node] >= 0) tests.push_back(test_of(node));
        }
        if (waiting_.size() + tests.size() > kGroupTests) {
            // Many of them may be the same ones.
            shrink_waiting();
            if (waiting_.size() + tests.size() > kGroupTests) close_group();
        }
        waiting_.insert(waiting_.end(), tests.begin(), tests.end());
        grouped_.push_back({number, nodes, std::move(places)});
    }

    void shrink_waiting() {
        std::sort(waiting_.begin(), waiting_.end(), is_before);
        waiting_.erase(std::unique(waiting_.begin(), waiting_.end(), is_same), waiting_.end());
    }

    // Number the tests of the trees that wait, and write these trees.
    void close_group() {
        if (grouped_.empty()) return;
        shrink_waiting();
        const bool has_zeros = std::any_of(waiting_.begin(), waiting_.end(), sets_zeros_apart);
        const Group group{
            forest_.tests.size(), waiting_.size(), forest_.runs.size(), 0,
            forest_.trees.size(), grouped_.size(), has_zeros
        };
        for (const Waiting& tree : grouped_) write_tree(tree);
        forest_.tests.insert(forest_.tests.end(), waiting_.begin(), waiting_.end());
        forest_.groups.push_back(group);
        forest_.groups.back().run_count = write_runs(group.first_test);
        forest_.most_tests = std::max(forest_.most_tests, group.test_count);
        waiting_.clear();
        grouped_.clear();
    }

    // Cut the tests from one on into runs; return how many.
    size_t write_runs(size_t first_test) {
        const size_t first_run = forest_.runs.size();
        forest_.ranks.resize(forest_.tests.size());
        while (first_test < forest_.tests.size()) first_test = write_run(first_test);
        return forest_.runs.size() - first_run;
    }

    // Return the test after the run.
    size_t write_run(size_t first_test) {
        std::vector<float> thresholds;
        size_t end = first_test;
        for (; end < forest_.tests.size() && forest_.tests[end].feature == forest_.tests[first_test].feature; ++end) {
            const float threshold = forest_.tests[end].threshold;
            if (thresholds.empty() || thresholds.back() != threshold) {
                if (thresholds.size() == kMaxRankedThresholds) break;
                thresholds.push_back(threshold);
            }
            forest_.ranks[end] = static_cast<uint8_t>(thresholds.size());
        }
        Run run{first_test, end - first_test, 0, forest_.thresholds.size()};
        if (thresholds.size() >= kMinRankedThresholds) {
            while (thresholds.size() >> run.rank_bits) ++run.rank_bits;
            thresholds.resize((size_t{1} << run.rank_bits) - 1, std::numeric_limits<float>::infinity());
            forest_.thresholds.insert(forest_.thresholds.end(), thresholds.begin(), thresholds.end());
        }
        forest_.runs.push_back(run);
        return end;
    }

    struct Waiting {
        size_t number;
        TreeNodes nodes;
        std::vector<Place> places;
    };

    // The level-th bits of a path in the order in which a kernel halves a level: the root's first.
    static size_t position(uint32_t path, int32_t level) {
        size_t position = 0;
        for (int32_t bit = 0; bit < level; ++bit) position = position << 1 | (path >> bit & 1);
        return position;
    }

    size_t raw_node(const Waiting& waiting, const Place& place) const {
        return waiting.nodes.first + static_cast<size_t>(place.node);
    }

    // The place of a node's test among the answers.
    uint16_t answer_of(size_t node) const {
        const auto found = std::lower_bound(waiting_.begin(), waiting_.end(), test_of(node), is_before);
        return static_cast<uint16_t>(kFirstTest + (found - waiting_.begin()));
    }

    void write_tree(const Waiting& waiting) {
        Tree tree{};
        tree.output = raw_.output[waiting.number];
        tree.nodes = forest_.nodes.size();
        tree.first_step = forest_.steps.size();
        tree.leaves = forest_.is_wide ? forest_.wide_leaves.size() : forest_.leaves.size();
        int32_t depth = 0;
        for (const Place& place : waiting.places) depth = std::max(depth, place.level);
        const PlannedSteps planned = plan_steps(branches_of(waiting));
        if (depth <= kMaxPlanes && choice_count(waiting, depth) <= kStepCost * planned.steps.size()) {
            write_levels(tree, waiting, depth);
        } else {
            write_steps(tree, waiting, planned);
        }
        forest_.trees.push_back(tree);
    }

    // Choices between two answers in an evaluation by levels; see `Kernel::choose`.
    static size_t choice_count(const Waiting& waiting, int32_t depth) {
        size_t count = 0;
        for (int32_t level = 0; level < depth && level <= kChunkLevels; ++level) count += (size_t{1} << level) - 1;
        std::set<std::pair<int32_t, size_t>> chunks;
        for (const Place& place : waiting.places) {
            if (!place.left || place.level <= kChunkLevels) continue;
            chunks.insert({place.level, position(place.path, place.level) >> kChunkLevels});
        }
        return count + (chunks.size() << kChunkLevels);
    }

    std::vector<Branch> branches_of(const Waiting& waiting) const {
        std::vector<Branch> branches;
        for (const Place& place : waiting.places) {
            const uint16_t answer = place.left ? answer_of(raw_node(waiting, place)) : kZeros;
            branches.push_back({place.left, place.right, answer});
        }
        return branches;
    }

    void write_levels(Tree& tree, const Waiting& waiting, int32_t depth) {
        tree.plane_count = depth;
        // What no record reaches is the answer or the leaf 0: any would do.
        forest_.nodes.resize(tree.nodes + (size_t{1} << depth) - 1);
        make_leaves(tree);
        for (const Place& place : waiting.places) {
            const size_t node = raw_node(waiting, place);
            if (place.left) {
                write_node(tree, place, answer_of(node));
                continue;
            }
            // A leaf above the last level stands at every index that begins with its way.
            for (size_t rest = 0; rest < size_t{1} << (depth - place.level); ++rest) {
                write_leaf(tree, place.path | rest << place.level, raw_.value[node]);
            }
        }
    }

    void write_node(Tree& tree, const Place& place, uint16_t answer) {
        const size_t at = position(place.path, place.level);
        const size_t level_start = (size_t{1} << place.level) - 1;
        forest_.nodes[tree.nodes + level_start + at] = answer;
        tree.chunks[place.level] |= uint64_t{1} << (at >> kChunkLevels);
    }

    void write_steps(Tree& tree, const Waiting& waiting, const PlannedSteps& planned) {
        tree.plane_count = planned.plane_count;
        tree.step_count = planned.steps.size();
        forest_.steps.insert(forest_.steps.end(), planned.steps.begin(), planned.steps.end());
        make_leaves(tree);
        for (size_t at = 0; at < waiting.places.size(); ++at) {
            if (waiting.places[at].left) continue;
            write_leaf(tree, planned.indices[at], raw_.value[raw_node(waiting, waiting.places[at])]);
        }
    }

    void make_leaves(const Tree& tree) {
        const size_t end = tree.leaves + (size_t{1} << tree.plane_count);
        if (forest_.is_wide) {
            forest_.wide_leaves.resize(end);
        } else {
            forest_.leaves.resize(end);
        }
    }

    void write_leaf(const Tree& tree, size_t index, double value) {
        if (forest_.is_wide) {
            forest_.wide_leaves[tree.leaves + index] = value;
        } else {
            forest_.leaves[tree.leaves + index] = static_cast<float>(value);
        }
    }

    const RawTrees& raw_;
    Forest forest_;
    std::vector<Test> waiting_;
    std::vector<Waiting> grouped_;
};

}  // namespace

Forest lay_out(const RawTrees& raw, uint32_t feature_count, uint32_t output_count, bool is_wide) {
    return Layout(raw, feature_count, output_count, is_wide).run();
}

}  // namespace batchscore

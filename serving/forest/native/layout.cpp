// From trees as XGBoost writes them to the arrays that kernels read.

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <tuple>

#include "forest.h"

namespace batchscore {
namespace {

// A node of a tree in the making: where it stands, and which one it is.
struct Place {
    int32_t node;
    int32_t level;
    uint32_t path;  // bit k: the way taken at level k, 1 is right
};

struct TreeNodes {
    size_t first, count;
};

using TestKey = std::tuple<uint32_t, float, bool>;

TestKey key_of(const Test& test) { return {test.feature, test.threshold, test.is_missing_left}; }

bool is_before(const Test& left, const Test& right) { return key_of(left) < key_of(right); }
bool is_same(const Test& left, const Test& right) { return key_of(left) == key_of(right); }

class Layout {
  public:
    Layout(const RawTrees& raw, uint32_t feature_count, uint32_t output_count) : raw_(raw) {
        forest_.feature_count = feature_count;
        forest_.output_count = output_count;
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

    static void add_child(
        std::vector<Place>& places, const Place& parent, int32_t child, uint32_t way, size_t node_count
    ) {
        if (child < 0 || static_cast<size_t>(child) >= node_count || places.size() == node_count) {
            throw std::invalid_argument("a tree points outside itself or back");
        }
        places.push_back({child, parent.level + 1, parent.path | way << parent.level});
    }

    // Every node on a way from the root, each once.
    std::vector<Place> places_of(const TreeNodes& nodes) const {
        std::vector<Place> places{{0, 0, 0}};
        for (size_t at = 0; at < places.size(); ++at) {
            const Place place = places[at];
            const size_t node = nodes.first + static_cast<size_t>(place.node);
            if (raw_.left[node] < 0) continue;
            if (place.level == kMaxDepth) throw std::invalid_argument("a tree is too deep");
            if (raw_.feature[node] >= forest_.feature_count) throw std::invalid_argument("a feature is not there");
            if (std::isnan(raw_.value[node])) throw std::invalid_argument("a threshold is not a number");
            add_child(places, place, raw_.left[node], 0, nodes.count);
            add_child(places, place, raw_.right[node], 1, nodes.count);
        }
        return places;
    }

    Test test_of(size_t node) const {
        // Adding 0 makes -0 into 0, which compares the same: then equal tests are one.
        return Test{raw_.feature[node], raw_.value[node] + 0.0f, raw_.is_missing_left[node] != 0};
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
        const Group group{forest_.tests.size(), waiting_.size(), forest_.trees.size(), grouped_.size()};
        for (const Waiting& tree : grouped_) write_tree(tree);
        forest_.tests.insert(forest_.tests.end(), waiting_.begin(), waiting_.end());
        forest_.groups.push_back(group);
        forest_.most_tests = std::max(forest_.most_tests, group.test_count);
        waiting_.clear();
        grouped_.clear();
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

    void write_tree(const Waiting& waiting) {
        Tree tree{};
        tree.output = raw_.output[waiting.number];
        for (const Place& place : waiting.places) tree.depth = std::max(tree.depth, place.level);
        tree.nodes = forest_.nodes.size();
        tree.leaves = forest_.leaves.size();
        // What no record reaches is the test or the leaf 0: any would do.
        forest_.nodes.resize(tree.nodes + (size_t{1} << tree.depth) - 1);
        forest_.leaves.resize(tree.leaves + (size_t{1} << tree.depth));
        for (const Place& place : waiting.places) {
            const size_t node = waiting.nodes.first + static_cast<size_t>(place.node);
            if (raw_.left[node] < 0) {
                write_leaf(tree, place, raw_.value[node]);
            } else {
                write_node(tree, place, test_of(node));
            }
        }
        forest_.trees.push_back(tree);
    }

    // A leaf above the last level stands at every index that begins with its way.
    void write_leaf(const Tree& tree, const Place& place, float value) {
        for (size_t rest = 0; rest < size_t{1} << (tree.depth - place.level); ++rest) {
            forest_.leaves[tree.leaves + (place.path | rest << place.level)] = value;
        }
    }

    void write_node(Tree& tree, const Place& place, const Test& test) {
        const auto found = std::lower_bound(waiting_.begin(), waiting_.end(), test, is_before);
        const size_t at = position(place.path, place.level);
        const size_t level_start = (size_t{1} << place.level) - 1;
        forest_.nodes[tree.nodes + level_start + at] = static_cast<uint16_t>(found - waiting_.begin());
        tree.chunks[place.level] |= uint64_t{1} << (at >> kChunkLevels);
    }

    const RawTrees& raw_;
    Forest forest_;
    std::vector<Test> waiting_;
    std::vector<Waiting> grouped_;
};

}  // namespace

Forest lay_out(const RawTrees& raw, uint32_t feature_count, uint32_t output_count) {
    return Layout(raw, feature_count, output_count).run();
}

}  // namespace batchscore

// A tree of any shape as steps: each tells for one node, and one bit of the index of a leaf, which child's bit it is.

#ifndef BATCHSCORE_FOREST_STEPS_H
#define BATCHSCORE_FOREST_STEPS_H

#include <array>
#include <cstdint>
#include <vector>

#include "forest.h"

namespace batchscore {

// A node of a tree; children stand after their parent.
struct Branch {
    size_t left, right;  // 0: a leaf
    uint16_t test;       // its place among the answers
};

struct PlannedSteps {
    int32_t plane_count;
    std::vector<Step> steps;
    std::vector<uint32_t> indices;  // of leaves, by node
};

// `branches` are one tree of at most 2^kMaxPlanes leaves.
PlannedSteps plan_steps(const std::vector<Branch>& branches);

}  // namespace batchscore

#endif

// Leaves are numbered from left to right in Gray code, so that few bits differ between those below one node: only
// these take steps. A node's bits are scratch memory from the step that writes them to the one that reads them.

#include "steps.h"

#include <stdexcept>

namespace batchscore {
namespace {

using Planes = std::array<uint16_t, kMaxPlanes>;  // of a node: where each bit of the index stands

class Planner {
  public:
    explicit Planner(const std::vector<Branch>& branches)
        : branches_(branches), leaf_counts_(branches.size()), planes_(branches.size()) {
        for (uint16_t place = kFirstTest; place > kFirstScratch; --place) free_.push_back(place - 1);
    }

    PlannedSteps run() {
        count_leaves();
        number_leaves();
        for (const size_t node : children_first()) {
            if (branches_[node].left) take_node(node);
        }
        return std::move(planned_);
    }

  private:
    void count_leaves() {
        for (size_t node = branches_.size(); node-- > 0;) {
            const Branch& branch = branches_[node];
            leaf_counts_[node] = branch.left ? leaf_counts_[branch.left] + leaf_counts_[branch.right] : 1;
        }
        for (size_t last = leaf_counts_[0] - 1; last; last >>= 1) ++planned_.plane_count;
    }

    void number_leaves() {
        std::vector<uint32_t> firsts(branches_.size());
        planned_.indices.resize(branches_.size());
        for (size_t node = 0; node < branches_.size(); ++node) {
            const Branch& branch = branches_[node];
            if (branch.left) {
                firsts[branch.left] = firsts[node];
                firsts[branch.right] = firsts[node] + static_cast<uint32_t>(leaf_counts_[branch.left]);
                continue;
            }
            const uint32_t index = firsts[node] ^ firsts[node] >> 1;
            planned_.indices[node] = index;
            for (int plane = 0; plane < kMaxPlanes; ++plane) {
                planes_[node][static_cast<size_t>(plane)] = index >> plane & 1 ? kOnes : kZeros;
            }
        }
    }

    // The nodes of the larger child first: then what waits at any time is of ever smaller ones.
    std::vector<size_t> children_first() const {
        std::vector<size_t> order, waiting{0};
        while (!waiting.empty()) {
            const size_t node = waiting.back();
            waiting.pop_back();
            order.push_back(node);
            const Branch& branch = branches_[node];
            if (!branch.left) continue;
            const bool is_left_larger = leaf_counts_[branch.left] > leaf_counts_[branch.right];
            waiting.push_back(is_left_larger ? branch.left : branch.right);
            waiting.push_back(is_left_larger ? branch.right : branch.left);
        }
        return {order.rbegin(), order.rend()};
    }

    void take_node(size_t node) {
        const Branch& branch = branches_[node];
        for (size_t plane = 0; plane < static_cast<size_t>(planned_.plane_count); ++plane) {
            const uint16_t left = planes_[branch.left][plane], right = planes_[branch.right][plane];
            uint16_t& to = planes_[node][plane];
            if (node == 0) {
                to = static_cast<uint16_t>(kFirstPlane + plane);
            } else if (left == right) {
                to = left;
                continue;
            } else if (left == kZeros && right == kOnes) {
                to = branch.test;
                continue;
            } else {
                release(left);
                release(right);
                to = taken();
            }
            planned_.steps.push_back({branch.test, right, left, to});
        }
    }

    void release(uint16_t place) {
        if (place >= kFirstScratch && place < kFirstTest) free_.push_back(place);
    }

    uint16_t taken() {
        if (free_.empty()) throw std::invalid_argument("a tree takes too much memory");
        const uint16_t place = free_.back();
        free_.pop_back();
        return place;
    }

    const std::vector<Branch>& branches_;
    std::vector<size_t> leaf_counts_;
    std::vector<Planes> planes_;
    std::vector<uint16_t> free_;
    PlannedSteps planned_{};
};

}  // namespace

PlannedSteps plan_steps(const std::vector<Branch>& branches) { return Planner(branches).run(); }

}  // namespace batchscore

// The same operations in the same order as XGBoost's `Sigmoid`, `Softmax` (src/common/math.h) and
// `ProbToMargin` (src/objective), with the same `expf` and `logf`: the C library's. Those on float64 are LightGBM's
// `ConvertOutput` (src/objective) and `Common::Softmax`.

#include "transform.h"

#include <cmath>

namespace batchscore {

void to_probabilities(float* values, size_t count) {
    for (size_t at = 0; at < count; ++at) {
        const float exponent = std::fmin(-values[at], 88.7f);
        values[at] = 1.0f / (std::exp(exponent) + 1.0f + 1e-16f);
    }
}

void to_exponentials(float* values, size_t count) {
    for (size_t at = 0; at < count; ++at) values[at] = std::exp(values[at]);
}

void to_log_odds(float* values, size_t count) {
    for (size_t at = 0; at < count; ++at) values[at] = -std::log(1.0f / values[at] - 1.0f);
}

void to_logarithms(float* values, size_t count) {
    for (size_t at = 0; at < count; ++at) values[at] = std::log(values[at]);
}

void to_class_probabilities(float* values, size_t row_count, size_t output_count) {
    for (float* row = values; row != values + row_count * output_count; row += output_count) {
        float largest = row[0];
        for (size_t at = 1; at < output_count; ++at) largest = std::fmax(row[at], largest);
        double sum = 0.0;
        for (size_t at = 0; at < output_count; ++at) {
            row[at] = std::exp(row[at] - largest);
            sum += static_cast<double>(row[at]);
        }
        for (size_t at = 0; at < output_count; ++at) row[at] /= static_cast<float>(sum);
    }
}

void to_probabilities(double* values, size_t count, double steepness) {
    for (size_t at = 0; at < count; ++at) values[at] = 1.0 / (1.0 + std::exp(-steepness * values[at]));
}

void to_exponentials(double* values, size_t count) {
    for (size_t at = 0; at < count; ++at) values[at] = std::exp(values[at]);
}

void to_log_exponentials(double* values, size_t count) {
    for (size_t at = 0; at < count; ++at) values[at] = std::log1p(std::exp(values[at]));
}

void to_signed_squares(double* values, size_t count) {
    for (size_t at = 0; at < count; ++at) {
        const int sign = (values[at] > 0.0) - (values[at] < 0.0);
        values[at] = sign * values[at] * values[at];
    }
}

void to_class_probabilities(double* values, size_t row_count, size_t output_count) {
    for (double* row = values; row != values + row_count * output_count; row += output_count) {
        double largest = row[0];
        for (size_t at = 1; at < output_count; ++at) largest = row[at] < largest ? largest : row[at];
        double sum = 0.0;
        for (size_t at = 0; at < output_count; ++at) {
            row[at] = std::exp(row[at] - largest);
            sum += row[at];
        }
        for (size_t at = 0; at < output_count; ++at) row[at] /= sum;
    }
}

}  // namespace batchscore

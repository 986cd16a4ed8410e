// From sums to predictions: float32 in XGBoost's own arithmetic, float64 in LightGBM's.

#ifndef BATCHSCORE_FOREST_TRANSFORM_H
#define BATCHSCORE_FOREST_TRANSFORM_H

#include <cstddef>

namespace batchscore {

// Each of `count` values in its place.
void to_probabilities(float* values, size_t count);
void to_exponentials(float* values, size_t count);

void to_probabilities(double* values, size_t count, double steepness);
void to_exponentials(double* values, size_t count);
void to_log_exponentials(double* values, size_t count);
void to_signed_squares(double* values, size_t count);

// The other way round.
void to_log_odds(float* values, size_t count);
void to_logarithms(float* values, size_t count);

// Each row of `output_count` values together; at least one.
void to_class_probabilities(float* values, size_t row_count, size_t output_count);
void to_class_probabilities(double* values, size_t row_count, size_t output_count);

}  // namespace batchscore

#endif

// `serving.forest.native_forest`: what Python sees. Its types are in `serving/forest/native_forest.pyi`.

#include <cstring>
#include <stdexcept>
#include <string>

#include "forest.h"
#include "given_columns.h"
#include "python_glue.h"
#include "transform.h"

namespace batchscore {
namespace {

constexpr const char* kForestName = "serving.forest.native_forest.Forest";

struct InstructionSet {
    const char* name;
    bool is_there;
    AddForest add;
    AddForestToColumns add_to_columns;
};

// The fastest first.
std::vector<InstructionSet> instruction_sets() {
    return {
#if defined(__x86_64__)
        {"avx512", __builtin_cpu_supports("avx512f") != 0, add_forest_avx512, add_forest_avx512},
        {"avx2", __builtin_cpu_supports("avx2") != 0, add_forest_avx2, add_forest_avx2},
#endif
        {"portable", true, add_forest_portable, add_forest_portable},
    };
}

PyObject* instruction_sets_py(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* {
        const Object names = checked(PyList_New(0));
        for (const InstructionSet& set : instruction_sets()) {
            if (!set.is_there) continue;
            const Object name = checked(PyUnicode_FromString(set.name));
            if (PyList_Append(names.get(), name.get()) != 0) throw PythonError();
        }
        return PyList_AsTuple(names.get());
    });
}

// The values of an array of one dimension.
template <typename Value>
const Value* values_of(const View& view, size_t count) {
    if (view.size() != count * sizeof(Value)) refuse("the arrays of the trees are not of one length");
    return reinterpret_cast<const Value*>(view.data());
}

void release_forest(PyObject* capsule) {
    delete static_cast<Forest*>(PyCapsule_GetPointer(capsule, kForestName));
}

PyObject* lay_out_py(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject *ends, *left, *right, *feature, *value, *missing, *output;
        unsigned int feature_count, output_count;
        int is_wide;
        if (!PyArg_ParseTuple(arguments, "OOOOOOOIIp", &ends, &left, &right, &feature, &value,
                              &missing, &output, &feature_count, &output_count, &is_wide)) {
            throw PythonError();
        }
        const View views[] = {View(ends), View(left), View(right), View(feature), View(value),
                              View(missing), View(output)};
        const size_t tree_count = views[0].size() / sizeof(int64_t);
        const size_t node_count = views[5].size();
        const RawTrees raw{
            values_of<int64_t>(views[0], tree_count), tree_count, node_count,
            values_of<int32_t>(views[1], node_count), values_of<int32_t>(views[2], node_count),
            values_of<uint32_t>(views[3], node_count), values_of<double>(views[4], node_count),
            values_of<uint8_t>(views[5], node_count), values_of<uint32_t>(views[6], tree_count),
        };
        std::unique_ptr<Forest> forest;
        try {
            const WithoutLock without_lock;
            forest = std::make_unique<Forest>(lay_out(raw, feature_count, output_count, is_wide != 0));
        } catch (const std::invalid_argument& error) {
            refuse(error.what());
        }
        PyObject* const capsule = PyCapsule_New(forest.get(), kForestName, release_forest);
        if (capsule == nullptr) throw PythonError();
        forest.release();
        return capsule;
    });
}

// An array of float32 or float64 with two dimensions, for as long as this lives.
class Matrix {
  public:
    Matrix(PyObject* object, int flags) {
        if (PyObject_GetBuffer(object, &buffer_, flags | PyBUF_STRIDES | PyBUF_FORMAT) != 0) throw PythonError();
        const char* format = buffer_.format == nullptr ? "" : buffer_.format;
        is_wide_ = std::strcmp(format, "d") == 0;
        if (buffer_.ndim != 2 || (!is_wide_ && std::strcmp(format, "f") != 0)) {
            PyBuffer_Release(&buffer_);
            refuse("expected float32 or float64 values in two dimensions");
        }
    }
    ~Matrix() { PyBuffer_Release(&buffer_); }
    Matrix(const Matrix&) = delete;
    Matrix& operator=(const Matrix&) = delete;

    char* data() const { return static_cast<char*>(buffer_.buf); }
    float* floats() const { return static_cast<float*>(buffer_.buf); }
    double* doubles() const { return static_cast<double*>(buffer_.buf); }
    bool is_wide() const { return is_wide_; }
    size_t rows() const { return static_cast<size_t>(buffer_.shape[0]); }
    size_t columns() const { return static_cast<size_t>(buffer_.shape[1]); }
    ptrdiff_t row_stride() const { return buffer_.strides[0]; }
    ptrdiff_t column_stride() const { return buffer_.strides[1]; }
    // Whether rows stand one after another without gaps.
    bool is_packed() const { return PyBuffer_IsContiguous(&buffer_, 'C') != 0; }

  private:
    Py_buffer buffer_;
    bool is_wide_;
};

InstructionSet instruction_set(const char* name) {
    for (const InstructionSet& set : instruction_sets()) {
        if (set.is_there && std::strcmp(set.name, name) == 0) return set;
    }
    refuse("this processor has no such instruction set");
}

const Forest& forest_of(PyObject* capsule) {
    const auto* const forest = static_cast<const Forest*>(PyCapsule_GetPointer(capsule, kForestName));
    if (forest == nullptr) throw PythonError();
    return *forest;
}

// Refuse sums that are not those of `record_count` records.
void check_sums(const Forest& forest, const Matrix& sums, size_t record_count) {
    if (sums.is_wide() != forest.is_wide) refuse("the sums are of another kind than the leaves");
    if (sums.columns() != forest.output_count || sums.rows() != record_count) {
        refuse("the sums are of another shape than the predictions");
    }
    if (!sums.is_packed()) refuse("the sums have gaps");
}

PyObject* add_py(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject *capsule, *vectors, *sums;
        const char* set_name;
        if (!PyArg_ParseTuple(arguments, "OOOs", &capsule, &vectors, &sums, &set_name)) throw PythonError();
        const Forest& forest = forest_of(capsule);
        const AddForest add = instruction_set(set_name).add;
        const Matrix records(vectors, 0), written(sums, PyBUF_WRITABLE);
        if (records.is_wide()) refuse("expected vectors of float32");
        if (records.columns() != forest.feature_count) refuse("the vectors have another number of features");
        check_sums(forest, written, records.rows());
        {
            const WithoutLock without_lock;
            add(forest, Records{records.data(), records.rows(), records.row_stride(), records.column_stride()},
                written.data());
        }
        Py_RETURN_NONE;
    });
}

PyObject* add_columns_py(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject *capsule, *columns, *infinite, *sums;
        const char* set_name;
        Py_ssize_t first;
        if (!PyArg_ParseTuple(arguments, "OOnOOs", &capsule, &columns, &first, &infinite, &sums, &set_name)) {
            throw PythonError();
        }
        const Forest& forest = forest_of(capsule);
        const AddForestToColumns add = instruction_set(set_name).add_to_columns;
        const Matrix written(sums, PyBUF_WRITABLE);
        const View marks(infinite, PyBUF_WRITABLE);
        check_sums(forest, written, marks.size());
        if (first < 0) refuse("the first record is not there");
        const GivenColumns given(columns, static_cast<size_t>(first), marks.size());
        if (given.count() != forest.feature_count) refuse("the columns have another number of features");
        {
            const WithoutLock without_lock;
            add(forest, Columns{given.columns(), marks.size(), reinterpret_cast<uint8_t*>(marks.writable())},
                written.data());
        }
        Py_RETURN_NONE;
    });
}

using Transform = void (*)(const Matrix& values, double steepness);

template <void (*transform)(float*, size_t)>
void each_float(const Matrix& values, double) {
    transform(values.floats(), values.rows() * values.columns());
}

template <void (*transform)(double*, size_t)>
void each_double(const Matrix& values, double) {
    transform(values.doubles(), values.rows() * values.columns());
}

Transform transform_of_floats(const std::string& name) {
    if (name == "probability") return each_float<to_probabilities>;
    if (name == "exponential") return each_float<to_exponentials>;
    if (name == "log_odds") return each_float<to_log_odds>;
    if (name == "logarithm") return each_float<to_logarithms>;
    if (name != "class_probabilities") refuse("there is no such transform");
    return [](const Matrix& values, double) {
        to_class_probabilities(values.floats(), values.rows(), values.columns());
    };
}

Transform transform_of_doubles(const std::string& name) {
    if (name == "exponential") return each_double<to_exponentials>;
    if (name == "log_exponential") return each_double<to_log_exponentials>;
    if (name == "signed_square") return each_double<to_signed_squares>;
    if (name == "probability") {
        return [](const Matrix& values, double steepness) {
            to_probabilities(values.doubles(), values.rows() * values.columns(), steepness);
        };
    }
    if (name != "class_probabilities") refuse("there is no such transform");
    return [](const Matrix& values, double) {
        to_class_probabilities(values.doubles(), values.rows(), values.columns());
    };
}

PyObject* transform_py(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* given;
        const char* name;
        double steepness = 1.0;
        if (!PyArg_ParseTuple(arguments, "Os|d", &given, &name, &steepness)) throw PythonError();
        const Matrix values(given, PyBUF_WRITABLE);
        if (!values.is_packed()) refuse("the values have gaps");
        const Transform transform = values.is_wide() ? transform_of_doubles(name) : transform_of_floats(name);
        if (values.rows() == 0 || values.columns() == 0) Py_RETURN_NONE;
        {
            const WithoutLock without_lock;
            transform(values, steepness);
        }
        Py_RETURN_NONE;
    });
}

PyMethodDef methods[] = {
    {"instruction_sets", instruction_sets_py, METH_NOARGS, "Name what this processor can do, fastest first."},
    {"lay_out", lay_out_py, METH_VARARGS, "Lay trees out for evaluation."},
    {"add", add_py, METH_VARARGS, "Add what the trees say of each record to its sums."},
    {"add_columns", add_columns_py, METH_VARARGS, "Add what the trees say of records that are in columns."},
    {"transform", transform_py, METH_VARARGS, "Turn sums into predictions or back, in their place."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "native_forest", "Evaluate forests.", -1, methods, nullptr, nullptr, nullptr, nullptr,
};

}  // namespace
}  // namespace batchscore

PyMODINIT_FUNC PyInit_native_forest() { return PyModule_Create(&batchscore::module); }

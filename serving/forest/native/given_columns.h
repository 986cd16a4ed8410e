// Columns as Python gives them, checked so that no evaluation reads outside of them.

#ifndef BATCHSCORE_FOREST_GIVEN_COLUMNS_H
#define BATCHSCORE_FOREST_GIVEN_COLUMNS_H

#include <cstring>
#include <memory>
#include <vector>

#include "forest.h"
#include "python_glue.h"

namespace batchscore {
namespace {

struct StorageName {
    const char* name;
    Storage storage;
    size_t bit_count;  // of a value
};

constexpr StorageName kStorageNames[] = {
    {"float32", Storage::kFloat32, 32}, {"float64", Storage::kFloat64, 64}, {"int8", Storage::kInt8, 8},
    {"int16", Storage::kInt16, 16},     {"int32", Storage::kInt32, 32},     {"int64", Storage::kInt64, 64},
    {"bits", Storage::kBits, 1},
};

// The columns of a sequence of (storage, values, offset, valid or None, table or None), for as long as this lives.
class GivenColumns {
  public:
    // Records `first` to `first + count` are looked at, counted from the offset of each column.
    GivenColumns(PyObject* given, size_t first, size_t count) {
        const Object columns = checked(PySequence_Tuple(given));
        for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(columns.get()); ++at) {
            add(PyTuple_GET_ITEM(columns.get(), at), first, count);
        }
    }

    const Column* columns() const { return columns_.data(); }
    size_t count() const { return columns_.size(); }

  private:
    void add(PyObject* given, size_t first, size_t count) {
        const char* name;
        PyObject *values, *valid, *table;
        Py_ssize_t offset;
        if (!PyTuple_Check(given)) refuse("a column is a tuple");
        if (!PyArg_ParseTuple(given, "sOnOO", &name, &values, &offset, &valid, &table)) throw PythonError();
        if (offset < 0) refuse("a column begins before its values");
        const StorageName& stored = storage_of(name);
        const Extent extent{static_cast<size_t>(offset), first, count};
        Column column{stored.storage, bytes(values, extent, stored.bit_count), nullptr, extent.offset + first, nullptr, 0};
        if (valid != Py_None) column.valid = reinterpret_cast<const uint8_t*>(bytes(valid, extent, 1));
        if (table != Py_None) {
            const View& looked_up = view_of(table);
            if (looked_up.size() == 0 || looked_up.size() % sizeof(float) != 0) refuse("a table is of float32");
            column.table = reinterpret_cast<const float*>(looked_up.data());
            column.table_size = looked_up.size() / sizeof(float);
        }
        columns_.push_back(column);
    }

    // The records that are looked at.
    struct Extent {
        size_t offset, first, count;
    };

    static const StorageName& storage_of(const char* name) {
        for (const StorageName& entry : kStorageNames) {
            if (std::strcmp(entry.name, name) == 0) return entry;
        }
        refuse("there is no such storage of a column");
    }

    const View& view_of(PyObject* object) {
        views_.push_back(std::make_unique<View>(object));
        return *views_.back();
    }

    // Memory that has `bit_count` bits for each record of an extent.
    const char* bytes(PyObject* object, const Extent& extent, size_t bit_count) {
        const View& view = view_of(object);
        const size_t there = bit_count < 8 ? view.size() * (8 / bit_count) : view.size() / (bit_count / 8);
        if (extent.offset > there || extent.first > there - extent.offset ||
            extent.count > there - extent.offset - extent.first) {
            refuse("a column ends before its last record");
        }
        return view.data();
    }

    std::vector<std::unique_ptr<View>> views_;
    std::vector<Column> columns_;
};

}  // namespace
}  // namespace batchscore

#endif

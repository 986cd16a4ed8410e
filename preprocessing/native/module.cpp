// `preprocessing.native_csv`: what Python sees. Its types are in `preprocessing/native_csv.pyi`.

#include "python_glue.h"

#include "digests.h"
#include "file_read.h"
#include "reader.h"
#include "scan.h"

namespace batchscore {
namespace {

constexpr const char* kPlanName = "preprocessing.native_csv.Plan";

Span span_of(const View& view) { return Span{view.data(), view.size()}; }

template <typename Value>
PyObject* bytes_of(const std::vector<Value>& values) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(values.data()),
                                     static_cast<Py_ssize_t>(sizeof(Value) * values.size()));
}

std::string text_of(PyObject* object) {
    char* data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(object, &data, &size) != 0) throw PythonError();
    return std::string(data, static_cast<size_t>(size));
}

PyObject* scan_py(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* content;
        int is_last, delimiter;
        long long max_record_bytes;
        if (!PyArg_ParseTuple(arguments, "OpLi", &content, &is_last, &max_record_bytes, &delimiter)) {
            throw PythonError();
        }
        if (max_record_bytes < 1) refuse("a record must be allowed at least one byte");
        const View view(content);
        Scan scan;
        {
            const WithoutLock without_lock;
            scan = scan_records(span_of(view), is_last != 0, max_record_bytes, static_cast<char>(delimiter));
        }
        const Object faults = checked(PyList_New(0));
        for (const FoundFault& fault : scan.faults) {
            const Object pair =
                checked(Py_BuildValue("(Li)", static_cast<long long>(fault.record), int(fault.fault)));
            if (PyList_Append(faults.get(), pair.get()) != 0) throw PythonError();
        }
        const Object starts = checked(bytes_of(scan.starts));
        const Object ends = checked(bytes_of(scan.ends));
        const Object line_feeds = checked(bytes_of(scan.line_feeds));
        return Py_BuildValue("(OOOOL)", starts.get(), ends.get(), line_feeds.get(), faults.get(),
                             static_cast<long long>(scan.consumed));
    });
}

PyObject* read_on_py(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject* rest;
        int file_number;
        Py_ssize_t byte_count;
        if (!PyArg_ParseTuple(arguments, "Sin", &rest, &file_number, &byte_count)) throw PythonError();
        const Py_ssize_t rest_size = PyBytes_GET_SIZE(rest);
        if (byte_count < 1 || byte_count > PY_SSIZE_T_MAX / 2 || rest_size > PY_SSIZE_T_MAX / 2) {
            refuse("no such number of bytes can be read at once");
        }
        Object all = checked(PyBytes_FromStringAndSize(nullptr, rest_size + byte_count));
        char* const target = PyBytes_AS_STRING(all.get());
        std::memcpy(target, PyBytes_AS_STRING(rest), static_cast<size_t>(rest_size));
        const Py_ssize_t count = read_once(file_number, target + rest_size, static_cast<size_t>(byte_count));
        PyObject* resized = all.release();
        if (count < byte_count && _PyBytes_Resize(&resized, rest_size + count) != 0) throw PythonError();
        return resized;
    });
}

void release_plan(PyObject* capsule) {
    delete static_cast<Plan*>(PyCapsule_GetPointer(capsule, kPlanName));
}

// (position, kind, is_required, is_kept, lowest, highest, lowest_number, highest_number, min_length,
//  max_length, is_one_line, pattern by state and byte, pattern's accepting states, known texts)
FieldRules field_rules(PyObject* given, int field_count) {
    FieldRules rules;
    int position, kind, is_required, is_kept, is_one_line;
    long long lowest, highest, min_length, max_length;
    PyObject *following, *accepting, *known;
    if (!PyArg_ParseTuple(given, "iippLLddLLpSSO!", &position, &kind, &is_required, &is_kept, &lowest,
                          &highest, &rules.lowest_number, &rules.highest_number, &min_length, &max_length,
                          &is_one_line, &following, &accepting, &PyTuple_Type, &known)) {
        throw PythonError();
    }
    if (position < 0 || position >= field_count) refuse("a field stands outside the record");
    if (kind < int(Kind::kText) || kind > int(Kind::kMoment)) refuse("a field is of an unknown kind");
    rules.position = static_cast<size_t>(position);
    rules.kind = static_cast<Kind>(kind);
    rules.is_required = is_required != 0;
    rules.is_kept = is_kept != 0;
    rules.is_one_line = is_one_line != 0;
    rules.lowest = lowest;
    rules.highest = highest;
    rules.min_length = min_length;
    rules.max_length = max_length;
    rules.pattern.following = text_of(following);
    rules.pattern.accepting = text_of(accepting);
    const size_t state_count = rules.pattern.accepting.size();
    if (state_count == 1 || rules.pattern.following.size() != state_count * PatternStates::kBytes) {
        refuse("a pattern's states are not of one number");
    }
    for (const char next : rules.pattern.following) {
        if (static_cast<unsigned char>(next) >= state_count) refuse("a pattern leads to a state that is none");
    }
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(known); ++index) {
        rules.known.add(text_of(PyTuple_GET_ITEM(known, index)));
    }
    rules.known.finish();
    return rules;
}

PyObject* plan_py(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject *fields, *missing;
        int field_count, delimiter, is_utf8;
        if (!PyArg_ParseTuple(arguments, "O!iipO!", &PyTuple_Type, &fields, &field_count, &delimiter,
                              &is_utf8, &PyTuple_Type, &missing)) {
            throw PythonError();
        }
        if (field_count < 1) refuse("a record must have a field");
        auto plan = std::make_unique<Plan>();
        if (std::strchr("\"\r\n", delimiter) != nullptr) refuse("no such byte may stand between fields");
        plan->form = Form{static_cast<size_t>(field_count), static_cast<char>(delimiter), is_utf8 != 0};
        for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(missing); ++index) {
            plan->missing_texts.push_back(text_of(PyTuple_GET_ITEM(missing, index)));
        }
        for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(fields); ++index) {
            PyObject* const given = PyTuple_GET_ITEM(fields, index);
            if (!PyTuple_Check(given)) refuse("a field is given as a tuple");
            plan->fields.push_back(field_rules(given, field_count));
        }
        PyObject* const capsule = PyCapsule_New(plan.get(), kPlanName, release_plan);
        if (capsule == nullptr) throw PythonError();
        plan.release();
        return capsule;
    });
}

// Columns whose memory is of Python's making.
class Columns {
  public:
    Columns(const Plan& plan, size_t record_count) : plan_(plan), columns(plan.fields.size()) {
        for (size_t index = 0; index < columns.size(); ++index) {
            values_.push_back(nullptr);
            validity_.push_back(nullptr);
            if (!plan.fields[index].is_kept) continue;
            const Kind kind = plan.fields[index].kind;
            values_[index] = memory(value_bytes(plan.fields[index], record_count), &columns[index].values);
            validity_[index] = memory(bit_bytes(record_count), &columns[index].validity);
            std::memset(columns[index].validity, 0, bit_bytes(record_count));
            if (kind == Kind::kBoolean) std::memset(columns[index].values, 0, bit_bytes(record_count));
            if (kind == Kind::kText) std::memset(columns[index].values, 0, sizeof(int32_t));
        }
    }

    // Clear what is behind the accepted records: nothing that was in this memory before is to leave the process.
    void clear_rest(size_t accepted_count, size_t record_count) {
        for (size_t index = 0; index < columns.size(); ++index) {
            const FieldRules& rules = plan_.fields[index];
            if (!rules.is_kept || rules.kind == Kind::kBoolean) continue;  // bits were cleared before
            const size_t used = value_bytes(rules, accepted_count);
            std::memset(columns[index].values + used, 0, value_bytes(rules, record_count) - used);
        }
    }

    // A list with (null count, validity or None, values, text or None) for each kept field.
    Object to_python() const {
        Object list = checked(PyList_New(0));
        for (size_t index = 0; index < columns.size(); ++index) {
            if (!plan_.fields[index].is_kept) continue;
            const Column& column = columns[index];
            Object text;
            if (plan_.fields[index].kind == Kind::kText) {
                text = checked(PyBytes_FromStringAndSize(column.text.data(),
                                                         static_cast<Py_ssize_t>(column.text_bytes)));
            }
            const Object entry = checked(
                Py_BuildValue("(LOOO)", static_cast<long long>(column.null_count),
                              column.null_count ? validity_[index].get() : Py_None, values_[index].get(),
                              text ? text.get() : Py_None));
            if (PyList_Append(list.get(), entry.get()) != 0) throw PythonError();
        }
        return list;
    }

  private:
    static Object memory(size_t size, char** data) {
        Object bytes = checked(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size)));
        *data = PyBytes_AS_STRING(bytes.get());
        return bytes;
    }

    const Plan& plan_;
    std::vector<Object> values_;
    std::vector<Object> validity_;

  public:
    std::vector<Column> columns;
};

void check_bounds(Span content, const int64_t* starts, const int64_t* ends, size_t count) {
    const auto size = static_cast<int64_t>(content.size);
    int64_t last_end = 0;
    for (size_t index = 0; index < count; ++index) {
        if (starts[index] < 0 || starts[index] > ends[index] || ends[index] > size) {
            refuse("a record lies outside the content");
        }
        if (starts[index] < last_end) refuse("a record begins before the one before it ends");
        last_end = ends[index];
    }
}

PyObject* read_py(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject *capsule, *content, *starts, *ends, *passed_over;
        if (!PyArg_ParseTuple(arguments, "OOOOO", &capsule, &content, &starts, &ends, &passed_over)) {
            throw PythonError();
        }
        const auto* const plan = static_cast<const Plan*>(PyCapsule_GetPointer(capsule, kPlanName));
        if (plan == nullptr) throw PythonError();
        const View content_view(content), starts_view(starts), ends_view(ends), passed_view(passed_over);
        const size_t count = passed_view.size();
        if (starts_view.size() != 8 * count || ends_view.size() != 8 * count) {
            refuse("starts, ends and marks are not of one length");
        }
        if (content_view.size() > INT32_MAX) refuse("the content is over 2 GiB");
        const auto* const first = reinterpret_cast<const int64_t*>(starts_view.data());
        const auto* const last = reinterpret_cast<const int64_t*>(ends_view.data());
        check_bounds(span_of(content_view), first, last, count);
        Columns columns(*plan, count);
        std::vector<int64_t> rejected;
        size_t accepted_count;
        {
            const WithoutLock without_lock;
            accepted_count = read_records(*plan, span_of(content_view), first, last, count,
                                          reinterpret_cast<const uint8_t*>(passed_view.data()),
                                          columns.columns, rejected);
            columns.clear_rest(accepted_count, count);
        }
        const Object list = columns.to_python();
        const Object indices = checked(bytes_of(rejected));
        return Py_BuildValue("(nOO)", static_cast<Py_ssize_t>(accepted_count), indices.get(), list.get());
    });
}

PyObject* deal_out_py(PyObject*, PyObject* arguments) {
    return guarded([&]() -> PyObject* {
        PyObject *text, *offsets;
        unsigned long long seed;
        if (!PyArg_ParseTuple(arguments, "OOK", &text, &offsets, &seed)) throw PythonError();
        const View text_view(text), offsets_view(offsets);
        if (offsets_view.size() < 4 || offsets_view.size() % 4) refuse("the offsets are not those of texts");
        const auto* const first = reinterpret_cast<const int32_t*>(offsets_view.data());
        const Texts texts{span_of(text_view), first, offsets_view.size() / 4 - 1};
        for (size_t index = 0; index < texts.count; ++index) {
            if (first[index] > first[index + 1]) refuse("a text begins after its end");
        }
        if (first[0] < 0 || static_cast<size_t>(first[texts.count]) > texts.bytes.size) {
            refuse("a text lies outside the bytes");
        }
        DealtOut dealt;
        {
            const WithoutLock without_lock;
            dealt = deal_out(texts, seed);
        }
        const Object digests = checked(bytes_of(dealt.digests));
        const Object bounds = checked(bytes_of(dealt.bounds));
        return Py_BuildValue("(OO)", digests.get(), bounds.get());
    });
}

PyMethodDef methods[] = {
    {"scan", scan_py, METH_VARARGS, "Find the complete records of a piece of CSV."},
    {"read_on", read_on_py, METH_VARARGS, "Read more of a file behind what was left of it."},
    {"plan", plan_py, METH_VARARGS, "Make what `read` needs to know about the fields of a record."},
    {"deal_out", deal_out_py, METH_VARARGS, "Return the digests of texts in the order of their parts."},
    {"read", read_py, METH_VARARGS, "Read the plainly valid records as typed columns."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "native_csv", "Scan, parse and check CSV.", -1, methods, nullptr, nullptr, nullptr,
    nullptr,
};

}  // namespace
}  // namespace batchscore

PyMODINIT_FUNC PyInit_native_csv() { return PyModule_Create(&batchscore::module); }

// What every native extension of the project needs to speak with Python.

#ifndef BATCHSCORE_PYTHON_GLUE_H
#define BATCHSCORE_PYTHON_GLUE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <exception>
#include <memory>
#include <new>

namespace batchscore {
namespace {

struct ObjectRelease {
    void operator()(PyObject* object) const { Py_XDECREF(object); }
};
using Object = std::unique_ptr<PyObject, ObjectRelease>;

// A Python exception is set already.
struct PythonError : std::exception {};

Object checked(PyObject* object) {
    if (object == nullptr) throw PythonError();
    return Object(object);
}

// Bytes of a Python object, for as long as this lives; to be read, or with PyBUF_WRITABLE to be written to.
class View {
  public:
    explicit View(PyObject* object, int flags = PyBUF_SIMPLE) {
        if (PyObject_GetBuffer(object, &buffer_, flags) != 0) throw PythonError();
    }
    ~View() { PyBuffer_Release(&buffer_); }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    const char* data() const { return static_cast<const char*>(buffer_.buf); }
    char* writable() const { return static_cast<char*>(buffer_.buf); }
    size_t size() const { return static_cast<size_t>(buffer_.len); }

  private:
    Py_buffer buffer_;
};

// Other Python threads run while this lives.
class WithoutLock {
  public:
    WithoutLock() : state_(PyEval_SaveThread()) {}
    ~WithoutLock() { PyEval_RestoreThread(state_); }
    WithoutLock(const WithoutLock&) = delete;
    WithoutLock& operator=(const WithoutLock&) = delete;

  private:
    PyThreadState* state_;
};

// Call `work`, turning what it throws into a Python exception.
template <typename Work>
PyObject* guarded(Work work) {
    try {
        return work();
    } catch (const PythonError&) {
        return nullptr;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
        return nullptr;
    }
}

[[noreturn]] void refuse(const char* message) {
    PyErr_SetString(PyExc_ValueError, message);
    throw PythonError();
}

}  // namespace
}  // namespace batchscore

#endif

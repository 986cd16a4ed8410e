// A read of a file while other Python threads run.

#pragma once

#include "python_glue.h"

#include <unistd.h>

#include <cerrno>

namespace batchscore {
namespace {

// Read once, again where a signal came between.
Py_ssize_t read_once(int file_number, char* target, size_t byte_count) {
    while (true) {
        Py_ssize_t count;
        int error;
        {
            const WithoutLock without_lock;
            count = read(file_number, target, byte_count);
            error = errno;
        }
        if (count >= 0) return count;
        if (error != EINTR) {
            errno = error;
            PyErr_SetFromErrno(PyExc_OSError);
            throw PythonError();
        }
        if (PyErr_CheckSignals() != 0) throw PythonError();
    }
}

}  // namespace
}  // namespace batchscore

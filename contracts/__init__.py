"""What both sides of the container wall agree on.

Everything here may be imported by the doors (`runner`, `pipelines`, `steps`), by the emulator and by the
code that runs inside containers. It therefore knows neither AWS nor an engine: pyarrow appears only as the
format of columns in memory.
"""

"""The model container: answers `/ping`, `/execution-parameters` and `/invocations` for Batch Transform.

    __main__      reads the environment once, loads the model or says why not, starts the server
    app           speaks HTTP and nothing else
    invocation    one payload in, one answer out
    codecs        bytes <-> records, one codec a wire format (csv_codec, parquet_codec)
    scorer        feature vectors -> scores; knows neither HTTP nor bytes
    model_folder  what `/opt/ml/model` must hold, checked before the first request
    sizing        how many requests at once, with how many threads each

Nothing happens on import.
"""

"""The model container: answers `/ping`, `/execution-parameters` and `/invocations` for Batch Transform.

    __main__      reads the environment once, loads the model or says why not, starts the server
    settings      what the environment says, checked
    sizing        how many requests at once, with how many threads each
    model_folder  what `/opt/ml/model` must hold, checked before the first request
    factory       puts the parts together
    server        runs the application in this process until SIGTERM
    app           speaks HTTP and nothing else, with the parts of an exchange from `exchange`
    request_log   a line of JSON for each payload, and the progress
    invocation    one payload in, one answer out
    codecs        bytes <-> records, one codec a wire format (columns_codec, csv_codec, json_lines_codec,
                  recordio_codec)
    feature_columns  what of a payload of columns becomes a matrix, or is taken as it is
    scorer        feature vectors -> scores; knows neither HTTP nor bytes, nor what kind of model it holds
    *_model       one module a kind of model: xgboost_model, lightgbm_model (with lightgbm_text), onnx_model,
                  text_model (with text_tokens); onnx_session is what the ONNX ones have in common
    vector_model  what a model of vectors must do, and how it is asked
    column_model  what a model does that reads its one feature as it is

Nothing happens on import.
"""

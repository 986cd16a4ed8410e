# One image for the three containers of the pipeline: preprocessing, serving and reporting.
#   model container        ENTRYPOINT as it is; Batch Transform adds the argument `serve`
#   processing containers  the steps give their own entry point, such as python3 -m preprocessing
# The base must be Debian's kind, with Python >= 3.10, venv and Python's headers; any registry's copy will do.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/batchscore/venv
COPY requirements/container.txt /tmp/container.txt
RUN /opt/batchscore/venv/bin/pip install --no-deps --require-hashes --only-binary :all: -r /tmp/container.txt
# The native CSV reader and forest evaluator. Versions are the base's own: no pin would hold for every base.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
WORKDIR /opt/batchscore/native
COPY pyproject.toml pyproject.toml
COPY setup.py setup.py
COPY README.md README.md
COPY contracts/native/ contracts/native/
COPY preprocessing/native/ preprocessing/native/
COPY serving/forest/native/ serving/forest/native/
RUN /opt/batchscore/venv/bin/python setup.py --quiet build_ext --build-lib built

FROM ${BASE_IMAGE}
# LightGBM needs OpenMP. The wheel of XGBoost brings that library along, the wheel of LightGBM does not.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# Nothing here multiplies matrices with NumPy, whose library would start a thread for every core, each busy waiting.
ENV PATH=/opt/batchscore/venv/bin:$PATH \
    OPENBLAS_NUM_THREADS=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/batchscore/venv /opt/batchscore/venv
WORKDIR /opt/batchscore/code
COPY contracts/ contracts/
COPY preprocessing/ preprocessing/
COPY --from=build /opt/batchscore/native/built/preprocessing/ preprocessing/
COPY serving/ serving/
COPY --from=build /opt/batchscore/native/built/serving/ serving/
COPY reporting/ reporting/
# Compiled once here, and not at every start of a job. What would fail only in a job fails here: a library that is
# missing, an extension that was not built.
RUN python3 -m compileall -q contracts preprocessing serving reporting && \
    python3 -c "import lightgbm, onnxruntime, tokenizers, vl_convert, xgboost, PIL.Image, preprocessing.native_csv, serving.forest.native_forest"
# SageMaker "expects all containers to run with root users": it makes the output folders of a processing job, and
# they are root's. The code needs no right of root: everywhere else, run it as whom you like (docs/adr/0011).
ARG IMAGE_USER=root
USER ${IMAGE_USER}
ENTRYPOINT ["python3", "-m", "serving"]

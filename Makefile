PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO = .demo

# Tests start hundreds of programs: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint types suite thorough oldest matrix neutrality bench docs clean

demo: $(VENV)/demo.done
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	@cd $(DEMO) && cp ../examples/demo.py . && \
	    AUTOLOG_BACKEND=autolog-runs ../$(BIN)/python demo.py
	@cd $(DEMO) && for what in "ls" "show @4" "compare @5 @4"; do \
	    printf '\n$$ autolog %s\n' "$$what"; ../$(BIN)/autolog $$what || exit 1; done
	@printf '\nThe runs are in $(DEMO)/autolog-runs. Now type:\n'
	@printf '  cd $(DEMO) && ../$(BIN)/autolog ls\n  ../$(BIN)/autolog show @latest\n'
	@printf '  ../$(BIN)/autolog run your_training.py\n'

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.done: pyproject.toml $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[demo]'
	@touch $@

$(VENV)/test.done: pyproject.toml $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[test]' --editable ./examples/thirdparty
	@touch $@ $(VENV)/demo.done

test: lint types suite

lint: $(VENV)/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.done
	$(BIN)/python tests/guards/check_types.py

suite: $(VENV)/test.done
	AUTOLOG_STRICT=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# The suite with the tests of a minute or more, which `make test` leaves out, and the oldest
# libraries that are supported.
thorough: $(VENV)/test.done oldest
	AUTOLOG_STRICT=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --thorough

oldest: $(VENV)/test.done
	$(BIN)/python tests/guards/run_matrix.py --quick

matrix: $(VENV)/test.done
	$(BIN)/python tests/guards/run_matrix.py

# `make neutrality MODULES=sklearn.svm XDIST=2`; without MODULES all of scikit-learn's tests, which
# takes hours. It goes on where it was interrupted; `make clean` forgets that.
NEUTRALITY = .neutrality
neutrality: $(VENV)/test.done
	@mkdir -p $(NEUTRALITY)
	$(BIN)/python -m tests.neutrality.run --plain $(NEUTRALITY)/plain.jsonl \
	    --results $(NEUTRALITY)/results.jsonl $(if $(XDIST),--xdist $(XDIST)) $(MODULES)

# `make bench MLFLOW=path/to/python` measures an installed MLflow beside us.
bench: $(VENV)/test.done
	$(BIN)/python -m benchmarks $(if $(MLFLOW),--mlflow $(MLFLOW))

docs: $(VENV)/test.done
	$(BIN)/python docs/make.py

clean:
	rm -rf $(VENV) $(DEMO) $(NEUTRALITY) .matrix build dist .types *.egg-info

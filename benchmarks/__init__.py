"""What autolog costs: `python -m benchmarks`, in pairs with and without, MLflow where installed."""

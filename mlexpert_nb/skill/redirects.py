"""What is said to a request that is not ours: why, what to use instead, and how to come back with one that is."""

from collections.abc import Mapping

REDIRECTS: Mapping[str, str] = {
    "eda": (
        "This reads like exploratory data analysis or statistics, which is not what this specialist does. "
        "pandas with seaborn or ydata-profiling shows you the data, scipy.stats and statsmodels test it; "
        'come back with what should be learned from it, e.g. "Build a training pipeline for churn on churn.csv".'
    ),
    "etl": (
        "This reads like moving and warehousing data, which is not what this specialist does. "
        "dbt, Airflow or Dagster with Spark, DuckDB or your warehouse are made for it; come back when the data is "
        'ready to learn from, e.g. "Build a training pipeline that reads these parquet files".'
    ),
    "research": (
        "This asks for something nobody has worked out yet, and this specialist implements what is known. "
        "A literature search (arXiv, Semantic Scholar, OpenReview) shows what exists; "
        'come back with a paper or a technique, e.g. "Implement the method of arXiv:2501.00663".'
    ),
    "rules": (
        "This can be written down as rules, and then no machine learning is needed. "
        "Plain Python, regular expressions or a rule engine is shorter, faster and easier to explain; "
        'come back when the rules have to be learned from examples, e.g. "Train a classifier on labelled tickets".'
    ),
    "other": (
        "This does not look like a machine-learning implementation, which is all this specialist does. "
        "A general assistant is the better place for it; "
        'come back with a network to build or to mend, e.g. "Implement a transformer with 25M parameters".'
    ),
    "unclear": (
        "I could not tell what should be built, mended or made faster. Start with what you want and name the thing, "
        'e.g. "Implement a transformer with 25M parameters", "Fix the training code in train.py" '
        'or "Improve inference speed".'
    ),
}

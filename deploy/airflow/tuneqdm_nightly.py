"""Trains all subjects every night, then evaluates them. Airflow 2.9 or newer with its providers apache-spark
and standard.

The connection tuneqdm_spark says where Spark is (its master, and secrets if there are any); the worker needs
spark-submit of a Spark 4. A task that is tried again goes on where it was.
"""

from datetime import datetime, timedelta, timezone

from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG(
    dag_id="tuneqdm_nightly",
    description="Trains the scales of all subjects, then samples and scores them",
    schedule="0 1 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,  # one driver a run
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
) as dag:
    train = SparkSubmitOperator(
        task_id="train",
        conn_id="tuneqdm_spark",
        name="tuneqdm-train",
        application="/opt/tuneqdm/target/tuneqdm-spark.jar",
        application_args=["train-all-subjects", "--config", "/etc/tuneqdm/tuneqdm.conf"],
        executor_cores=4,
        executor_memory="8g",
        conf={"spark.executor.resource.gpu.amount": "1"},
    )
    evaluate = SparkSubmitOperator(
        task_id="evaluate",
        conn_id="tuneqdm_spark",
        name="tuneqdm-evaluate",
        application="/opt/tuneqdm/target/tuneqdm-spark.jar",
        application_args=["evaluate", "--config", "/etc/tuneqdm/tuneqdm.conf"],
        executor_cores=4,
        executor_memory="8g",
        conf={"spark.executor.resource.gpu.amount": "1"},
        trigger_rule="all_done",  # where some subjects failed, the others are evaluated
    )
    # Without this the run would count as a success wherever evaluation is one.
    all_trained = EmptyOperator(task_id="all_trained")

    train >> [evaluate, all_trained]

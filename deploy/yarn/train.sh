#!/usr/bin/env bash
# Trains all subjects on YARN, on nodes labelled gpu whose GPUs YARN hands out as yarn.io/gpu.
#   SPARK_HOME=/opt/spark HADOOP_CONF_DIR=/etc/hadoop/conf deploy/yarn/train.sh conf/sd14.conf [-D key=value ...]
# The driver runs on the cluster, so the file travels with it; paths in the file lie on hdfs: or s3a:.
set -euo pipefail
home="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
config="${1:?Usage: train.sh FILE [-D key=value ...]}"
shift

exec "${SPARK_HOME:?Set SPARK_HOME to a Spark 4 distribution}/bin/spark-submit" \
  --master yarn \
  --deploy-mode cluster \
  --name tuneqdm-train \
  --queue "${QUEUE:-default}" \
  --num-executors "${EXECUTORS:-4}" \
  --executor-cores 4 \
  --executor-memory 8g \
  --files "$config#tuneqdm.conf,$home/deploy/gpu/discover-gpus.sh#discover-gpus.sh" \
  --conf spark.executor.resource.gpu.amount=1 \
  --conf spark.executor.resource.gpu.discoveryScript=./discover-gpus.sh \
  --conf spark.executor.memoryOverhead=8g \
  --conf spark.yarn.executor.nodeLabelExpression=gpu \
  --conf spark.yarn.maxAppAttempts=2 \
  --conf spark.executorEnv.DJL_CACHE_DIR=/var/cache/tuneqdm/natives \
  --conf spark.executorEnv.TUNEQDM_CACHE_DIR=/var/cache/tuneqdm/models \
  --conf spark.executorEnv.PYTORCH_LIBRARY_PATH=/opt/libtorch-cuda/lib \
  "$home/target/tuneqdm-spark.jar" train-all-subjects --config tuneqdm.conf "$@"

# $SPARK_HOME/conf/spark-env.sh of each worker of a standalone cluster whose machines have GPUs.
# shellcheck shell=bash

# GPUs of this machine that Spark may give away, and how it learns their addresses.
export SPARK_WORKER_OPTS="\
 -Dspark.worker.resource.gpu.amount=${TUNEQDM_GPUS:-1}\
 -Dspark.worker.resource.gpu.discoveryScript=/opt/tuneqdm/deploy/gpu/discover-gpus.sh\
 -Dspark.worker.cleanup.enabled=true"

# Fast local disk: Spark's scratch, executors' folders.
export SPARK_LOCAL_DIRS="${SPARK_LOCAL_DIRS:-/var/lib/tuneqdm/spark}"
export SPARK_WORKER_DIR="${SPARK_WORKER_DIR:-/var/lib/tuneqdm/work}"

# Executors inherit these: where natives are unpacked once a machine, and where models from hdfs: and s3a: are kept.
export DJL_CACHE_DIR="${DJL_CACHE_DIR:-/var/cache/tuneqdm/natives}"
export TUNEQDM_CACHE_DIR="${TUNEQDM_CACHE_DIR:-/var/cache/tuneqdm/models}"
# PyTorch's CUDA build; without it executors train on their cores.
export PYTORCH_LIBRARY_PATH="${PYTORCH_LIBRARY_PATH:-/opt/libtorch-cuda/lib}"

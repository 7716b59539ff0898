#!/usr/bin/env bash
# Trains all subjects on Kubernetes without an operator. Wants prerequisites.yaml applied and an image of container/.
#   SPARK_HOME=/opt/spark API_SERVER=https://k8s.example.com:6443 deploy/kubernetes/spark-submit.sh [-D key=value ...]
# Volumes, secrets and the security context stand in the two pod templates.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"

exec "${SPARK_HOME:?Set SPARK_HOME to a Spark 4 distribution}/bin/spark-submit" \
  --master "k8s://${API_SERVER:?Set API_SERVER to the address of the API server}" \
  --deploy-mode cluster \
  --name tuneqdm-train \
  --class io.github.tuneqdm.cli.Main \
  --driver-memory 4g \
  --executor-memory 8g \
  --executor-cores 4 \
  --conf spark.executor.instances="${EXECUTORS:-4}" \
  --conf spark.executor.memoryOverhead=8g \
  --conf spark.executor.resource.gpu.amount=1 \
  --conf spark.executor.resource.gpu.vendor=nvidia.com \
  --conf spark.executor.resource.gpu.discoveryScript=/opt/tuneqdm/discover-gpus.sh \
  --conf spark.kubernetes.namespace="${NAMESPACE:-tuneqdm}" \
  --conf spark.kubernetes.container.image="${IMAGE:-registry.example.com/tuneqdm-spark:0.1.0}" \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName=tuneqdm-driver \
  --conf spark.kubernetes.driver.podTemplateFile="$here/driver-pod.yaml" \
  --conf spark.kubernetes.driver.podTemplateContainerName=driver \
  --conf spark.kubernetes.executor.podTemplateFile="$here/executor-pod.yaml" \
  --conf spark.kubernetes.executor.podTemplateContainerName=executor \
  local:///opt/tuneqdm/tuneqdm-spark.jar train-all-subjects --config /etc/tuneqdm/tuneqdm.conf "$@"

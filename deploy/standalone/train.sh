#!/usr/bin/env bash
# Trains all subjects, then evaluates, on a standalone cluster: an executor a GPU.
#   MASTER=spark://head:7077 deploy/standalone/train.sh conf/sd14.conf [-D key=value ...]
set -euo pipefail
home="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
config="${1:?Usage: train.sh FILE [-D key=value ...]}"
shift

spark=(
  --master "${MASTER:-spark://localhost:7077}"
  --executor-cores 4
  --executor-memory 8g
  --conf spark.executor.resource.gpu.amount=1
)
status=0
"$home/jobs/train-all-subjects" "${spark[@]}" -- --config "$config" "$@" || status=$?
# 4: some subjects failed. The others are there to be looked at.
[[ $status == 0 || $status == 4 ]] || exit "$status"
"$home/jobs/evaluate" "${spark[@]}" -- --config "$config" "$@"
exit "$status"

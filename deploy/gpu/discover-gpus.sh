#!/usr/bin/env bash
# Tells Spark which GPUs this machine has, as its discovery scripts must: one line of JSON.
#   --conf spark.worker.resource.gpu.discoveryScript=/path/to/discover-gpus.sh      (standalone: in the worker's environment)
#   --conf spark.executor.resource.gpu.discoveryScript=/path/to/discover-gpus.sh    (YARN, Kubernetes)
# Where CUDA_VISIBLE_DEVICES is set, only the GPUs that it lists, spelled and ordered as there. No GPU, no driver: an empty list.
set -u

visible() { # index,uuid of each GPU that answers
  command -v nvidia-smi >/dev/null 2>&1 || return 0
  nvidia-smi --query-gpu=index,uuid --format=csv,noheader 2>/dev/null | tr -d ' \r' | grep -E '^[0-9]+,'
  # Instances of a GPU that is cut into several have UUIDs of their own.
  nvidia-smi -L 2>/dev/null | sed -n 's/.*UUID: \(MIG-[0-9A-Za-z/-]*\).*/-,\1/p'
}

gpus="$(visible)"
addresses=()
if [[ -z ${CUDA_VISIBLE_DEVICES+set} ]]; then
  while IFS=, read -r index _; do
    [[ $index =~ ^[0-9]+$ ]] && addresses+=("$index")
  done <<<"$gpus"
else
  IFS=, read -r -a listed <<<"$CUDA_VISIBLE_DEVICES"
  for entry in "${listed[@]}"; do
    entry="${entry//[[:space:]]/}"
    known=
    while IFS=, read -r index uuid; do
      [[ -n $uuid && ($entry == "$index" || ($entry =~ ^(GPU|MIG)- && $uuid == "$entry"*)) ]] && known=1
    done <<<"$gpus"
    [[ -n $known ]] || break # CUDA sees nothing from the first invalid entry on
    addresses+=("$entry")
  done
fi

json=
for address in ${addresses[@]+"${addresses[@]}"}; do
  json+="${json:+, }\"$address\""
done
printf '{"name": "gpu", "addresses": [%s]}\n' "$json"

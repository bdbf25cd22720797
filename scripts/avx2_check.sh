#!/usr/bin/env bash
# Runs every page, or the notebooks named, as two other processors would, and compares with the stored outputs.
#
#   scripts/avx2_check.sh [chapters/NN-section/name.ipynb...]
#
# One processor without AVX-512 (most desktops, Colab), one without any AVX. The libraries are told to leave the newer
# instructions alone, so sums are taken in another order and last digits differ: a page whose stored text, claims or
# numbers hang on those fails here. Needs an x86-64 processor that has AVX-512 for the first to be another processor.
# PYTHON names the interpreter (default .venv/bin/python), WORKERS the number of pages at once (default 2).
# Exit code 1 where a page fails on either.
set -uo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-.venv/bin/python}
pages=("$@")
[ ${#pages[@]} -gt 0 ] || pages=(chapters)

#       name     torch   oneDNN MKL    OpenBLAS NumPy must not use
kinds=("AVX2     avx2    AVX2   AVX2   Haswell  X86_V4 AVX512_ICL AVX512_SPR"
       "no-AVX   default SSE41  SSE4_2 Nehalem  X86_V3 X86_V4 AVX512_ICL AVX512_SPR")
failed=0
for kind in "${kinds[@]}"; do
    read -r name torch dnn mkl blas numpy <<<"$kind"
    export ATEN_CPU_CAPABILITY=$torch DNNL_MAX_CPU_ISA=$dnn MKL_ENABLE_INSTRUCTIONS=$mkl
    export OPENBLAS_CORETYPE=$blas NPY_DISABLE_CPU_FEATURES=$numpy
    used=$("$python" -c 'import torch; print(torch.backends.cpu.get_cpu_capability())') || exit 1
    echo "== $name (torch computes with $used)"
    "$python" -m pytest -p no:cacheprovider -n "${WORKERS:-2}" -q --no-header -k Cell "${pages[@]}" || failed=1
done
exit $failed

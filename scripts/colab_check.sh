#!/usr/bin/env bash
# Runs the Colab edition of every page, or of the pages named, in an environment with Colab's versions.
#
#   scripts/colab_check.sh [CHAPTER...]
#
# Takes some 6 GB of disk for the environment (.venv-colab; COLAB_ENV names another folder, which is kept and used
# again) and the Python that PYTHON names (default python3; 3.11 or newer). The pages' own first cell installs the helper
# from the last commit of this repository: uncommitted work is not tested. Fails where a cell fails or writes to stderr,
# an explorer's callback fails, or the installation changed a version that was there before.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
env=${COLAB_ENV:-.venv-colab}
alignlab=${ALIGNLAB:-.venv/bin/alignlab}
also=(pyarrow requests rich typer pyyaml)  # Colab has these too, in versions of its own

if [ ! -x "$env/bin/python" ]; then
    "$python" -m venv "$env"
    "$env/bin/python" -m pip install --quiet -r scripts/colab_versions.txt "${also[@]}"
fi
"$env/bin/python" -m pip uninstall --quiet --yes alignlab gguf 2>/dev/null || true
before=$("$env/bin/python" -m pip list --format freeze | sort)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
commit=$(git rev-parse HEAD)
"$alignlab" colab "$@" --to "$work" --ref "$commit" >/dev/null

# The first cell asks the hosted repository for the commit; here git answers from this folder.
url=$("$(dirname "$alignlab")/python" -c '
from alignlab.book.editions.places import Places
print(Places(".", "").repository.url)')
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$PWD.insteadOf" GIT_CONFIG_VALUE_0="$url"
export PYDEVD_DISABLE_FILE_VALIDATION=1  # a notice of the debugger that is no part of a page
unset ALIGNLAB_STATIC ALIGNLAB_SEED_OFFSET
"$(dirname "$alignlab")/python" scripts/colab_run.py "$env/bin/python" "$work"

after=$("$env/bin/python" -m pip list --format freeze | sort)
changed=$(comm -23 <(echo "$before") <(echo "$after"))
if [ -n "$changed" ]; then
    echo "the installation of the helper changed what was there before: $changed" >&2
    exit 1
fi
echo "added, with nothing changed:" $(comm -13 <(echo "$before") <(echo "$after"))

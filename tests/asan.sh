#!/bin/sh
# Build the packet plane with AddressSanitizer in a directory of its own and run its tests under it.
# Leak detection is off: CPython itself keeps memory at exit. Usage: tests/asan.sh [pytest arguments]
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
python="$(cd "$(dirname "$python")" && pwd)/$(basename "$python")"
tree="$PWD/build/asan"
mkdir -p "$tree/server"
# Removed before the copy, not overwritten by it: a run that is still going has the old file mapped.
find "$tree/server" -name '*.so' -delete
cp -Ru setup.py pyproject.toml README.md LICENSE "$tree/"
cp -Ru server/conclave "$tree/server/"
rm -f "$tree"/server/conclave/plane/*.c
find "$tree/server" -name '*.so' -delete
(cd "$tree" && CONCLAVE_SANITIZE=address "$python" setup.py -q build_ext --inplace --force)
preload="$(gcc -print-file-name=libasan.so)"
preload="$preload $(gcc -print-file-name=libstdc++.so)"
export LD_PRELOAD="$preload" ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:allocator_may_return_null=1" PYTHONMALLOC=malloc
export PYTHONPATH="$tree/server:$PWD"
"$python" -c "import conclave.plane.plane as plane; assert '/build/asan/' in plane.__file__, plane.__file__"
if [ "$#" -eq 0 ]; then
    set -- tests/unit/plane tests/fuzz/test_plane_fuzz.py tests/wire/test_srtp_vectors.py
fi
exec "$python" -m pytest -q -p no:cacheprovider -p no:faulthandler --timeout 600 "$@"

"""The native packet plane; everything else is declared in pyproject.toml.

CONCLAVE_SANITIZE=address builds it with AddressSanitizer (see `make asan`).
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

PLANE = Path("server/conclave/plane")
PARTS = sorted(str(path) for pattern in ("*.pxd", "*.pxi") for path in PLANE.glob(pattern))
COMPILE = ["-O3", "-fno-strict-aliasing", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wno-unused-function"]
LINK = ["-pthread", "-Wl,-z,relro,-z,now"]

if os.environ.get("CONCLAVE_SANITIZE") == "address":
    COMPILE = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address", "-fno-strict-aliasing"]
    LINK = ["-pthread", "-fsanitize=address"]

setup(
    ext_modules=cythonize(
        [
            Extension(
                "conclave.plane.plane",
                [str(PLANE / "plane.pyx")],
                depends=PARTS,
                extra_compile_args=COMPILE,
                extra_link_args=LINK,
            )
        ],
        language_level=3,
        compiler_directives={"boundscheck": False, "wraparound": False, "cdivision": True, "initializedcheck": False},
    ),
)

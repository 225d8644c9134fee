set(VCPKG_TARGET_ARCHITECTURE arm64)
include("${CMAKE_CURRENT_LIST_DIR}/../triplet-common.cmake")
# Python brings vcruntime140.dll, but no msvcp140.dll: a wheel would have to bring that.
# pyproject.toml says the same of the extension.
set(VCPKG_CRT_LINKAGE static)

# What all triplets share: static libraries, of which nothing shows outside of the extension.
set(VCPKG_LIBRARY_LINKAGE static)
set(VCPKG_CRT_LINKAGE dynamic)
set(VCPKG_BUILD_TYPE release)
list(APPEND VCPKG_HASH_ADDITIONAL_FILES "${CMAKE_CURRENT_LIST_FILE}")

# The folder that pyproject.toml has the libraries built in: no file name of it is kept.
if(VCPKG_CMAKE_SYSTEM_NAME)
  set(VCPKG_C_FLAGS "-ffile-prefix-map=/opt/objectpipes=.")
  set(VCPKG_CXX_FLAGS "${VCPKG_C_FLAGS}")
endif()

# The options of static-deps.toml, for the same reasons: no CA path and no openssl.cnf of the
# building machine or of the host. curl is aws-sdk-cpp's.
if(PORT STREQUAL "curl")
  set(VCPKG_CMAKE_CONFIGURE_OPTIONS
    -DCURL_CA_BUNDLE=none
    -DCURL_CA_PATH=none
    -DCURL_CA_FALLBACK=OFF
    -DCURL_DISABLE_OPENSSL_AUTO_LOAD_CONFIG=ON
    -DHTTP_ONLY=ON
  )
elseif(PORT STREQUAL "openssl")
  # The port honours this on every system; the options below on all but Windows.
  set(OPENSSL_NO_AUTOLOAD_CONFIG ON)
  set(VCPKG_CONFIGURE_MAKE_OPTIONS
    --openssldir=/nonexistent
    no-dso
    no-engine
    no-legacy
  )
endif()

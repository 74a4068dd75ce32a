# `cmake --install` and the Debian package (`make deb`).
include(GNUInstallDirs)

install(TARGETS tabd RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
if(TARGET tabctl)
  install(TARGETS tabctl RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(FILES ops/deploy/tabd.toml DESTINATION "${CMAKE_INSTALL_DATADIR}/tabd")
install(FILES ops/deploy/tabd.toml README.md ARCHITECTURE.md CHANGELOG.md SECURITY.md LICENSE
  DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs" FILES_MATCHING PATTERN "*.md" PATTERN "*.png")
if(SECP256K1_SOURCE_DIR)  # a part of it is compiled in
  install(FILES "${SECP256K1_SOURCE_DIR}/COPYING" DESTINATION "${CMAKE_INSTALL_DOCDIR}" RENAME COPYING.libsecp256k1)
endif()
install(FILES ledger/FORMAT.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)
install(FILES ops/deploy/alerts.yml ops/deploy/dashboard.json DESTINATION "${CMAKE_INSTALL_DATADIR}/tabd")
install(DIRECTORY rpc/schema/ DESTINATION "${CMAKE_INSTALL_DATADIR}/tabd/schema" FILES_MATCHING PATTERN "*.capnp")
install(FILES ops/deploy/tabd.sysusers DESTINATION lib/sysusers.d RENAME tabd.conf)
install(FILES ops/deploy/tabd.tmpfiles DESTINATION lib/tmpfiles.d RENAME tabd.conf)
# The configuration goes to /etc with prefix /usr (the package) and below the prefix otherwise, and is never overwritten;
# the unit names the places that were chosen.
install(CODE "set(tabd_deploy \"${CMAKE_SOURCE_DIR}/ops/deploy\")")
install(CODE [[
  set(etc "${CMAKE_INSTALL_PREFIX}/etc/tabd")
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(etc "/etc/tabd")
  endif()
  if(NOT EXISTS "$ENV{DESTDIR}${etc}/tabd.toml")
    file(INSTALL "${tabd_deploy}/tabd.toml" DESTINATION "${etc}")
  endif()
  file(READ "${tabd_deploy}/tabd.service" unit)
  string(REPLACE "/usr/bin/" "${CMAKE_INSTALL_PREFIX}/bin/" unit "${unit}")
  string(REPLACE "/etc/tabd/" "${etc}/" unit "${unit}")
  set(made "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib/systemd/system/tabd.service")
  file(WRITE "${made}" "${unit}")
  file(CHMOD "${made}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  message(STATUS "Installing: ${made}")
]])
# tabctl writes its own completions, so that they cannot lag behind its commands.
if(TARGET tabctl)
  set(completions "${PROJECT_BINARY_DIR}/completions")
  add_custom_command(OUTPUT "${completions}/tabctl" "${completions}/_tabctl"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${completions}"
    COMMAND tabctl completion bash > "${completions}/tabctl"
    COMMAND tabctl completion zsh > "${completions}/_tabctl"
    DEPENDS tabctl VERBATIM)
  add_custom_target(completions ALL DEPENDS "${completions}/tabctl" "${completions}/_tabctl")
  install(FILES "${completions}/tabctl" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
  install(FILES "${completions}/_tabctl" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tabd)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Billing daemon for x402 deferred payments")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "Records signed promises to pay from agents, adds them up per payer over a\nbilling window, sends one bill and settles it. With tabctl, its tool.")
set(CPACK_PACKAGE_CONTACT "tabd maintainers <maintainers@tabd.invalid>")
# Staged below DESTDIR, so that /etc can be part of the package.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "tzdata, adduser")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "weasyprint") # invoices as PDF
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/ops/deploy/debian/postinst;${CMAKE_SOURCE_DIR}/ops/deploy/debian/prerm;${CMAKE_SOURCE_DIR}/ops/deploy/debian/postrm;${CMAKE_SOURCE_DIR}/ops/deploy/debian/conffiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)

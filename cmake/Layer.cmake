# tabd_layer(NAME <folder_with_underscores> SOURCES ... [PUBLIC ...] [PRIVATE ...])
# One static library for each folder. Third-party libraries go to PRIVATE only, so that their headers cannot leak.
function(tabd_layer)
  cmake_parse_arguments(LAYER "" "NAME" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(tabd_${LAYER_NAME} STATIC ${LAYER_SOURCES})
  target_link_libraries(tabd_${LAYER_NAME} PUBLIC ${LAYER_PUBLIC} PRIVATE tabd_flags ${LAYER_PRIVATE})
  target_include_directories(tabd_${LAYER_NAME} PUBLIC "${CMAKE_SOURCE_DIR}")
endfunction()

# tabd_test(NAME <name> SOURCES ... LIBS ... [LABELS ...] [TIMEOUT seconds])
# A GoogleTest program; every test in it becomes a ctest.
function(tabd_test)
  cmake_parse_arguments(TEST "" "NAME;TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  add_executable(${TEST_NAME} ${TEST_SOURCES})
  target_link_libraries(${TEST_NAME} PRIVATE tabd_flags ${TEST_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${TEST_NAME} DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS "${TEST_LABELS}")
endfunction()
